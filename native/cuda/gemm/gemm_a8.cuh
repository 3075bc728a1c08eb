/**
 * @file gemm_a8.cuh
 * @brief Y for many rows of int8 activations: mma on codes decoded in registers, q through shared memory.
 *
 * A lane's A operands come straight from its 16 bytes of a tile; its B operands of two steps are 16 bytes of permuted
 * q. Rows of 128 bytes in shared memory have their halves swapped where m is odd, rows of 320 bytes (T5) differ by half
 * a turn of the banks as they are: in both, the 8 lanes of a phase of LDS.128 read 128 different bytes.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_A8_CUH_
#define TERNARY_CUDA_GEMM_GEMM_A8_CUH_

#include "cuda/gemm/gemm_a8_sums.cuh"
#include "cuda/gemm/gemm_ring.cuh"

namespace ternary::cuda {

/**
 * Copies spans of q. Four threads copy a line of 64 bytes; a thread's copies are whole lines and rows apart, so that its
 * addresses are one pointer and constants.
 */
template <typename Patch>
class QCopies {
 public:
  static constexpr int kRowBytes = Patch::kColumns;
  static constexpr int kSpanBytes = Patch::kM * kRowBytes;

  __device__ QCopies(const CudaGemmTask& task, const GemmPlace<Patch>& place, int first_span) {
    const int m = static_cast<int>(threadIdx.x) / 4, quarter = threadIdx.x & 3;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = place.m0 + m + r * kRowStep;
      valid_[r] = row < task.M;
      const int64_t x_row = valid_[r] ? place.rows.x(row) : 0;
      source_[r] = task.q + x_row * task.ldq + int64_t{first_span} * kRowBytes + 16 * quarter;
    }
    write_ = offset(m, quarter);
    read_ = offset(place.warp_m + place.g, place.t);
  }

  /** Begins to copy the next span. Rows beyond M become zeros. */
  __device__ __forceinline__ void fetch(char* span) {
    if (Patch::kM < kRowStep && static_cast<int>(threadIdx.x) / 4 >= Patch::kM) return;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int line = 0; line < Patch::kLines; ++line) {
        copy_async(span + at_line(write_, line) + r * kRowStep * kRowBytes, source_[r] + 64 * line, valid_[r]);
      }
      source_[r] += kRowBytes;
    }
  }

  /** Operands of the warp's row 8 * j + g, steps 2 * line and 2 * line + 1 of a span. */
  __device__ __forceinline__ uint4 operands(const char* span, int j, int line) const {
    return *reinterpret_cast<const uint4*>(span + at_line(read_, line) + 8 * j * kRowBytes);
  }

 private:
  static constexpr int kRowStep = Patch::kThreads / 4, kRows = (Patch::kM + kRowStep - 1) / kRowStep;
  static_assert(Patch::kM % kRowStep == 0 || kRows == 1, "every thread copies as many rows, or the first ones one");
  static constexpr bool kSwaps = kRowBytes % 128 == 0;

  static __device__ __forceinline__ int offset(int m, int quarter) {
    return m * kRowBytes + 16 * quarter + (kSwaps ? (m & 1) << 6 : 0);
  }
  static __device__ __forceinline__ int at_line(int offset, int line) {
    return kSwaps ? (offset ^ (line & 1) << 6) + (line >> 1 << 7) : offset + 64 * line;
  }

  const int8_t* source_[kRows];
  bool valid_[kRows];
  int write_, read_;
};

/** Steps of one span into the sums: each panel's A operands of two steps serve all of the warp's rows of X. */
template <typename Patch, typename Steps, typename Sums>
__device__ __forceinline__ void multiply_span(Steps steps, const QCopies<Patch>& q, const char* q_span,
                                              const TileCopies<Patch>& w, const char* w_span, Sums& sums) {
  PanelWords<typename Sums::template Word<Steps>> words[Patch::kPanels];
#pragma unroll
  for (int line = 0; line < Patch::kLines; ++line) {
    uint32_t a[Patch::kPanels][2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int step = 2 * line + half;
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) {
        if (step % Patch::kSteps == 0) words[p].begin(w.words(w_span, p, step / Patch::kSteps));
        words[p].step(step % Patch::kSteps, a[p][half]);
#pragma unroll
        for (int i = 0; i < 4; ++i) a[p][half][i] = steps.has(step) ? a[p][half][i] : 0;
      }
    }
    if (!steps.has(2 * line) && !steps.has(2 * line + 1)) continue;
    sums.begin_line(steps, line);
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) {
      const uint4 b = q.operands(q_span, j, line);
#pragma unroll
      for (int p = 0; p < Patch::kPanels; ++p) {
        sums.add(steps, 0, p, j, a[p][0], b.x, b.y);
        sums.add(steps, 1, p, j, a[p][1], b.z, b.w);
      }
    }
    sums.end_line(steps, line);
  }
}

template <typename Patch>
inline constexpr int kSpanBytesA8 = QCopies<Patch>::kSpanBytes + TileCopies<Patch>::kSpanBytes;

/** The part of a CTA of the grid; `rows` are those of X and Y that it is for. */
template <typename Patch, template <typename> class Sums>
__device__ __forceinline__ void multiply_a8(const CudaGemmTask& t, const GemmSplit& split, uint32_t cta,
                                            const typename Patch::Rows& rows, uint4* shared) {
  const GemmRange<Patch> range(t, split, cta);
  const GemmPlace<Patch> place(t.M, range.patch, static_cast<int>(threadIdx.x), rows);
  const GemmParts<Patch> parts(t, split, range, shared, Patch::kDepth * kSpanBytesA8<Patch>);
  TileCopies<Patch> w(t, place, range.first_span);
  QCopies<Patch> q(t, place, range.first_span);
  Sums<Patch> sums(t, place, range, parts);
  SpanRing<Patch, QCopies<Patch>, TileCopies<Patch>> ring(shared, range.spans, q, w);
  run_range(range, ring, sums, [&](auto steps) { multiply_span(steps, q, ring.x(), w, ring.w(), sums); });
  end_patch(t, range, place, parts, sums);
}

template <typename Patch, template <typename> class Sums>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm)
    gemm_a8_kernel(const CudaGemmTask t, const GemmSplit split) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  multiply_a8<Patch, Sums>(t, split, blockIdx.x, {}, shared);
}

/** States which kernels a row has. */
#define TERNARY_CUDA_GEMM_A8_VARIANTS(row, Patch, UnitPatch)                                                       \
  TERNARY_CUDA_GEMM_VARIANT(row, plain, Patch, kSpanBytesA8<Patch>, gemm_a8_kernel<Patch, PlainSums>)              \
  TERNARY_CUDA_GEMM_VARIANT(row, groups, UnitPatch, kSpanBytesA8<UnitPatch>, gemm_a8_kernel<UnitPatch, GroupSums>) \
  TERNARY_CUDA_GEMM_VARIANT(row, blocks, UnitPatch, kSpanBytesA8<UnitPatch>, gemm_a8_kernel<UnitPatch, BlockSums>)

/** The product with the patch for its units. */
template <typename Patch, typename UnitPatch>
int gemm_a8(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  switch (cuda_units(task.group, task.block)) {
    case CudaUnits::none: return launch_gemm<gemm_a8_kernel<Patch, PlainSums>, Patch>(plan, how, task);
    case CudaUnits::groups: return launch_gemm<gemm_a8_kernel<UnitPatch, GroupSums>, UnitPatch>(plan, how, task);
    default: return launch_gemm<gemm_a8_kernel<UnitPatch, BlockSums>, UnitPatch>(plan, how, task);
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_A8_CUH_
