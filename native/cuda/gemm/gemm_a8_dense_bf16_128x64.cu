// The fallback of A8: W as bf16 -1, 0, +1 and q as bf16, both exact, products and sums in fp32. Every sum is a whole
// number below 2^24 in magnitude while 128 * K < 2^24, so it is exact in any order and Y has the bits of the int8
// kernels.
#include "cuda/gemm/gemm_floats.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::dense, 4, 2, 2, 4, 4, 1>;
using UnitPatch = GemmPatch<CudaLayout::dense, 4, 2, 1, 4, 4, 1>;

/**
 * Copies spans of q in plain order, 64 bytes a row. Its 16-byte pieces are swapped by the row, so that the 8 rows of 16
 * columns that a warp reads at a time lie in 128 different bytes.
 */
template <typename T>
class ByteCopies {
 public:
  static constexpr int kSpanBytes = T::kM * 64;

  __device__ ByteCopies(const CudaGemmTask& task, const GemmPlace<T>& place, int first_span) {
    static_assert(T::kM == T::kThreads / 4, "a thread copies 16 bytes");
    const int m = static_cast<int>(threadIdx.x) / 4, quarter = threadIdx.x & 3;
    const int64_t row = place.m0 + m;
    valid_ = row < task.M;
    source_ = task.q + (valid_ ? row : 0) * task.ldq + int64_t{first_span} * 64 + 16 * quarter;
    write_ = 64 * m + (16 * quarter ^ (m >> 1 & 3) << 4);
    const int lane_row = place.warp_m + place.g;
    read_ = 64 * lane_row + 4 * place.t + ((lane_row >> 1 & 3) << 4);
  }

  __device__ __forceinline__ void fetch(char* span) {
    copy_async(span + write_, source_, valid_);
    source_ += 64;
  }

  __device__ __forceinline__ uint32_t operands(const char* span, int row, int sixteen) const {
    return *reinterpret_cast<const uint32_t*>(span + 64 * row + (read_ ^ sixteen << 4));
  }

 private:
  const int8_t* source_;
  bool valid_;
  int write_, read_;
};

template <typename T>
using RowCopies = HalfCopies<T, T::kN, 1>;

template <typename T>
constexpr int kSpanBytes = ByteCopies<T>::kSpanBytes + RowCopies<T>::kSpanBytes;

/** Sums of whole numbers: exact, so K is split anywhere. Outputs as the other A8 kernels'. */
template <typename T>
class PlainOutputs {
 public:
  static constexpr bool kOrdered = false;
  using Value = float;
  __device__ PlainOutputs(const CudaGemmTask&, const GemmPlace<T>&, const GemmRange<T>&, const GemmParts<T>&) {}
  __device__ __forceinline__ float (&at(int p, int j))[4] { return acc_[p][j]; }
  __device__ __forceinline__ void end_step() {}
  __device__ __forceinline__ const float (&sum(int p, int j) const)[4] { return acc_[p][j]; }
  static __device__ __forceinline__ void write(const CudaGemmTask&, const Epilogue& out, float sum,
                                               const OutputRow& row, int64_t n) {
    out.finish(__float2int_rn(sum), row, n);
  }

 private:
  float acc_[T::kPanels][T::kEights][4] = {};
};

template <typename T, bool by_block>
struct UnitOutputs : UnitFloatSums<T, by_block> {
  using UnitFloatSums<T, by_block>::UnitFloatSums;
  static __device__ __forceinline__ void write(const CudaGemmTask& t, const Epilogue& out, float sum,
                                               const OutputRow& row, int64_t n) {
    by_block ? out.finish_blocks(sum, t.group > 0, row, n) : out.finish_groups(sum, row, n);
  }
};
template <typename T>
using GroupOutputs = UnitOutputs<T, false>;
template <typename T>
using BlockOutputs = UnitOutputs<T, true>;

template <typename T, bool whole, typename Sums>
__device__ __forceinline__ void multiply_line(SpanSteps<whole> steps, const ByteCopies<T>& q, const char* q_span,
                                              const RowCopies<T>& w, const char* w_span, Sums& sums) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    if (!steps.has(step)) continue;
#pragma unroll
    for (int sixteen = 2 * step; sixteen < 2 * step + 2; ++sixteen) {
      uint32_t a[T::kPanels][4];
#pragma unroll
      for (int p = 0; p < T::kPanels; ++p) {
        const uint2 top = w.operands(w_span, 0, 16 * p, sixteen), bottom = w.operands(w_span, 0, 16 * p + 8, sixteen);
        a[p][0] = top.x;
        a[p][1] = bottom.x;
        a[p][2] = top.y;
        a[p][3] = bottom.y;
      }
#pragma unroll
      for (int j = 0; j < T::kEights; ++j) {
        const uint32_t bytes = q.operands(q_span, 8 * j, sixteen);
        const uint32_t b0 = bf16_of_int8(bytes, 0), b1 = bf16_of_int8(bytes, 1);
#pragma unroll
        for (int p = 0; p < T::kPanels; ++p) mma_floats<false>(sums.at(p, j), a[p], b0, b1);
      }
    }
    sums.end_step();
  }
}

template <typename T, template <typename> class Sums>
__global__ void __launch_bounds__(T::kThreads, T::kCtasPerSm)
    gemm_a8_dense_kernel(const CudaGemmTask t, const GemmSplit split) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  const GemmRange<T> range(t, split, blockIdx.x);
  const GemmPlace<T> place(t.M, range.patch, static_cast<int>(threadIdx.x), {});
  const GemmParts<T> parts(t, split, range, shared, T::kDepth * kSpanBytes<T>);
  const int warp_n = 16 * static_cast<int>(place.panel - place.cta_panel);
  RowCopies<T> w(reinterpret_cast<const uint16_t*>(t.w), round_up(t.K, 64), 0, t.N, 16 * place.cta_panel, OwnRows{},
                 range.first_span, warp_n + place.g, place.t);
  ByteCopies<T> q(t, place, range.first_span);
  Sums<T> sums(t, place, range, parts);
  SpanRing<T, ByteCopies<T>, RowCopies<T>> ring(shared, range.spans, q, w);
  run_range(range, ring, sums, [&](auto steps) { multiply_line<T>(steps, q, ring.x(), w, ring.w(), sums); });
  end_patch(t, range, place, parts, sums);
}

}  // namespace

TERNARY_CUDA_GEMM_VARIANT(gemm_a8_dense_bf16_128x64, plain, Patch, kSpanBytes<Patch>,
                          gemm_a8_dense_kernel<Patch, PlainOutputs>)
TERNARY_CUDA_GEMM_VARIANT(gemm_a8_dense_bf16_128x64, groups, UnitPatch, kSpanBytes<UnitPatch>,
                          gemm_a8_dense_kernel<UnitPatch, GroupOutputs>)
TERNARY_CUDA_GEMM_VARIANT(gemm_a8_dense_bf16_128x64, blocks, UnitPatch, kSpanBytes<UnitPatch>,
                          gemm_a8_dense_kernel<UnitPatch, BlockOutputs>)

int gemm_a8_dense_bf16_128x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  switch (cuda_units(task.group, task.block)) {
    case CudaUnits::none: return launch_gemm<gemm_a8_dense_kernel<Patch, PlainOutputs>, Patch>(plan, how, task);
    case CudaUnits::groups:
      return launch_gemm<gemm_a8_dense_kernel<UnitPatch, GroupOutputs>, UnitPatch>(plan, how, task);
    default: return launch_gemm<gemm_a8_dense_kernel<UnitPatch, BlockOutputs>, UnitPatch>(plan, how, task);
  }
}

Reason gemm_a8_dense_bf16_128x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_dense_bf16_128x64")], problem, plan);
}

}  // namespace ternary::cuda
