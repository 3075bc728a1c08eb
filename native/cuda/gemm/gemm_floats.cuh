/**
 * @file gemm_floats.cuh
 * @brief What GEMMs of 16-bit floats share: copies of such rows to shared memory, and fp32 sums.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_
#define TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_

#include "cuda/device/mma.cuh"
#include "cuda/gemm/gemm_ring.cuh"
#include "cuda/gemm/gemm_units.cuh"

namespace ternary::cuda {

/**
 * Copies spans of `rows` rows of 16-bit elements, of which there may be several planes. Eight threads copy 128 bytes of a
 * row. The 32-byte pieces of 128 bytes are swapped by the row mod 4, so that the 16 lanes of a phase of LDS.64, four rows
 * of 16 columns, read 128 different bytes.
 */
template <typename Patch, int rows, int planes>
class HalfCopies {
 public:
  static constexpr int kRowBytes = 2 * Patch::kColumns;
  static constexpr int kPlaneBytes = rows * kRowBytes;
  static constexpr int kSpanBytes = planes * kPlaneBytes;

  /** Rows `first` ... of `count`, which `which` says where to find, `plane_step` elements from plane to plane; this lane
   *  reads from the CTA's row `lane_row`, column 4 * t. */
  template <typename Rows>
  __device__ HalfCopies(const uint16_t* data, int64_t ld, int64_t plane_step, int64_t count, int64_t first,
                        const Rows& which, int first_span, int lane_row, int t)
      : plane_step_(plane_step) {
    const int m = static_cast<int>(threadIdx.x) / 8, eighth = threadIdx.x & 7;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + m + r * kRowStep;
      valid_[r] = row < count;
      source_[r] = data + (valid_[r] ? which.x(row) : 0) * ld + int64_t{first_span} * Patch::kColumns + 8 * eighth;
    }
    write_ = m * kRowBytes + (16 * eighth ^ (m & 3) << 5);
    read_ = lane_row * kRowBytes + 8 * t + ((lane_row & 3) << 5);
  }

  /** Begins to copy the next span. Rows beyond the last become zeros. */
  __device__ __forceinline__ void fetch(char* span) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int plane = 0; plane < planes; ++plane) {
#pragma unroll
        for (int part = 0; part < kRowBytes / 128; ++part) {
          copy_async(span + write_ + plane * kPlaneBytes + r * kRowStep * kRowBytes + 128 * part,
                     source_[r] + plane * plane_step_ + 64 * part, valid_[r]);
        }
      }
      source_[r] += Patch::kColumns;
    }
  }

  /** Four columns of 16 of a span, from the lane's row + `row`, a multiple of 4. */
  __device__ __forceinline__ uint2 operands(const char* span, int plane, int row, int sixteen) const {
    return *reinterpret_cast<const uint2*>(span + plane * kPlaneBytes + row * kRowBytes + (sixteen / 4) * 128 +
                                           (read_ ^ (sixteen & 3) << 5));
  }

 private:
  static constexpr int kRowStep = Patch::kThreads / 8, kRows = rows / kRowStep;
  static_assert(rows % kRowStep == 0 && kRowStep % 4 == 0, "every thread copies as many rows, swapped alike");

  int64_t plane_step_;
  const uint16_t* source_[kRows];
  bool valid_[kRows];
  int write_, read_;
};

/** fp32 sums of a warp, one alpha a row of W: the open stretch's, and those of the stretches. */
template <typename Patch>
class PlainFloatSums {
 public:
  static constexpr bool kOrdered = true, kWholeSpans = kStretchColumns % Patch::kColumns == 0;
  using Value = float;
  __device__ PlainFloatSums(const CudaGemmTask&, const GemmPlace<Patch>&, const GemmRange<Patch>& range,
                            const GemmParts<Patch>& parts)
      : sums_(range, parts) {}

  __device__ __forceinline__ float (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void begin_stretch(int) {}
  template <typename Ring, typename Multiply>
  __device__ __forceinline__ int run_spans(int left, Ring& ring, const Multiply& multiply) {
    return run_spans_of_steps<Patch>(left, ring, multiply);
  }
  __device__ __forceinline__ void end_step() {}
  __device__ __forceinline__ void end_stretch(int stretch) { sums_.end(stretch, acc_); }

  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return sums_.sum(p, j); }
  static __device__ __forceinline__ void write(const CudaGemmTask& t, const Epilogue& out, float sum,
                                               const OutputRow& row, int64_t n) {
    out.store(row, n, a16_output(sum, t.alpha[n], t.bias != nullptr, out.bias_of(n)));
  }

 private:
  float acc_[Patch::kPanels][Patch::kEights][4] = {};
  StretchSums<Patch> sums_;
};

/** fp32 sums of a warp, with units. */
template <typename Patch, bool by_block>
struct UnitFloatSums : UnitTotals<Patch, FloatSum, FloatSum, by_block> {
  using UnitTotals<Patch, FloatSum, FloatSum, by_block>::UnitTotals;

  __device__ __forceinline__ void end_step() { this->end_unit(this->next_step()); }
  template <typename Ring, typename Multiply>
  __device__ __forceinline__ int run_spans(int left, Ring& ring, const Multiply& multiply) {
    return run_spans_of_steps<Patch>(left, ring, multiply);
  }
  static __device__ __forceinline__ void write(const CudaGemmTask& t, const Epilogue& out, float sum,
                                               const OutputRow& row, int64_t n) {
    out.store(row, n, a16_group_output(sum, t.bias != nullptr, out.bias_of(n)));
  }
};
template <typename Patch>
using GroupFloatSums = UnitFloatSums<Patch, false>;

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_FLOATS_CUH_
