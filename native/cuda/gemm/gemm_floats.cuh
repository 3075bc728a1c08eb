/**
 * @file gemm_floats.cuh
 * @brief What GEMMs of 16-bit floats share: a ring of spans of such rows in shared memory, and fp32 sums.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/device/mma.cuh"
#include "cuda/gemm/gemm_groups.cuh"

namespace ternary::cuda {

/**
 * The ring of spans of `rows` rows of 16-bit elements, of which there may be several planes. Eight threads copy 128
 * bytes of a row. The 32-byte pieces of 128 bytes are swapped by the row mod 4, so that the 16 lanes of a phase of
 * LDS.64, four rows of 16 columns, read 128 different bytes.
 */
template <typename Patch, int rows, int planes>
class HalfRing {
 public:
  static constexpr int kRowBytes = 2 * Patch::kColumns;
  static constexpr int kPlaneBytes = rows * kRowBytes;
  static constexpr int kSpanBytes = planes * kPlaneBytes;
  static constexpr int kBytes = Patch::kDepth * kSpanBytes;

  /** Rows `first` ... of `count` in memory, K columns; this lane reads from the CTA's row `lane_row`, column 4 * t. */
  __device__ HalfRing(const uint16_t* data, int64_t ld, int64_t count, int64_t first, int64_t K, int lane_row, int t,
                      char* shared)
      : shared_(shared), plane_step_(count * ld) {
    const int m = static_cast<int>(threadIdx.x) / 8, eighth = threadIdx.x & 7;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + m + r * kRowStep;
      valid_[r] = row < count;
      source_[r] = data + (valid_[r] ? row : 0) * ld + 8 * eighth;
    }
    write_ = m * kRowBytes + (16 * eighth ^ (m & 3) << 5);
    read_ = lane_row * kRowBytes + 8 * t + ((lane_row & 3) << 5);
    left_ = static_cast<int>(ceil_div(K, Patch::kColumns));
  }

  /** Begins to copy the next span; ends no batch. Rows beyond the last become zeros. */
  __device__ __forceinline__ void fetch() {
    if (left_ > 0) {
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
#pragma unroll
        for (int plane = 0; plane < planes; ++plane) {
#pragma unroll
          for (int part = 0; part < kRowBytes / 128; ++part) {
            copy_async(shared_ + write_span_ + write_ + plane * kPlaneBytes + r * kRowStep * kRowBytes + 128 * part,
                       source_[r] + plane * plane_step_ + 64 * part, valid_[r]);
          }
        }
        source_[r] += Patch::kColumns;
      }
      write_span_ = next(write_span_);
    }
    --left_;
  }

  /** Four columns of 16 of the span in use, from the lane's row + `row`, a multiple of 4. */
  __device__ __forceinline__ uint2 operands(int plane, int row, int sixteen) const {
    return *reinterpret_cast<const uint2*>(shared_ + read_span_ + plane * kPlaneBytes + row * kRowBytes +
                                           (sixteen / 4) * 128 + (read_ ^ (sixteen & 3) << 5));
  }

  /** On to the next span. */
  __device__ __forceinline__ void advance() { read_span_ = next(read_span_); }

 private:
  static constexpr int kRowStep = Patch::kThreads / 8, kRows = rows / kRowStep;
  static_assert(rows % kRowStep == 0 && kRowStep % 4 == 0, "every thread copies as many rows, swapped alike");

  static __device__ __forceinline__ int next(int span) {
    return span == (Patch::kDepth - 1) * kSpanBytes ? 0 : span + kSpanBytes;
  }

  char* shared_;
  int64_t plane_step_;
  const uint16_t* source_[kRows];
  bool valid_[kRows];
  int write_, read_, left_, write_span_ = 0, read_span_ = 0;
};

/** fp32 sums of a warp, one alpha a row of W. */
template <typename Patch>
class PlainFloatSums {
 public:
  __device__ PlainFloatSums(const CudaGemmTask&, const GemmPlace<Patch>&) {}
  __device__ __forceinline__ float (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void end_step() {}

  __device__ void store(const CudaGemmTask& t, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) const {
    out.store(m, n, a16_output(acc_[p][j][i], t.alpha[n], t.bias != nullptr, out.bias_of(n)));
  }

 private:
  float acc_[Patch::kPanels][Patch::kEights][4] = {};
};

/** fp32 sums of a warp, alpha by group. */
template <typename Patch>
class GroupFloatSums {
 public:
  __device__ GroupFloatSums(const CudaGemmTask& t, const GemmPlace<Patch>& place) : ends_(t, place) {}
  __device__ __forceinline__ float (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ float total(int p, int j, int i) const { return totals_.sum(p, j, i); }

  __device__ __forceinline__ void end_step() {
    const GroupEnd<Patch> end = ends_.next_step();
    if (!end.ends) return;
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
#pragma unroll
      for (int j = 0; j < Patch::kEights; ++j) totals_.end_group(end, p, j, acc_[p][j]);
    }
  }

  __device__ void store(const CudaGemmTask& t, const Epilogue& out, int p, int j, int i, int64_t m, int64_t n) const {
    out.store(m, n, a16_group_output(totals_.sum(p, j, i), t.bias != nullptr, out.bias_of(n)));
  }

 private:
  float acc_[Patch::kPanels][Patch::kEights][4] = {};
  GroupTotals<Patch> totals_;
  GroupEnds<Patch> ends_;
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_
