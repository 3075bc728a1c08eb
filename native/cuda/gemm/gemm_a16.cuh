/**
 * @file gemm_a16.cuh
 * @brief Y of activations as they are: mma of bf16 or f16 planes with weights decoded to -1, 0, +1 exactly, fp32 sums.
 *
 * Sums run over K ascending, 16 columns an mma, the planes of 32 columns one after the other into the same sum. Each
 * stretch of K begins from zero, and stretches are added ascending, whether or not CTAs share K. So the bits are the same
 * for any M, place in the batch, shape of the patch and split.
 *
 * Which of an mma's 16 columns is which is free as long as both operands agree. A lane's word has the codes of columns
 * 4 * t ... 4 * t + 3 of 16, so those are its columns of A and, 8 bytes of a plane, of B.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_A16_CUH_
#define TERNARY_CUDA_GEMM_GEMM_A16_CUH_

#include "cuda/gemm/gemm_floats.cuh"

namespace ternary::cuda {

/** Rows of X of the CTA. */
template <typename Patch, int planes>
using PlaneCopies = HalfCopies<Patch, Patch::kM, planes>;

/** Steps of one span into the sums. */
template <typename Patch, int planes, bool f16, bool whole, typename Sums>
__device__ __forceinline__ void multiply_planes(SpanSteps<whole> steps, const PlaneCopies<Patch, planes>& x,
                                                const char* x_span, const TileCopies<Patch>& w, const char* w_span,
                                                Sums& sums) {
  PanelCodes<Patch::layout> codes[Patch::kPanels];
#pragma unroll
  for (int step = 0; step < GemmRange<Patch>::kSpanSteps; ++step) {
    uint32_t a[Patch::kPanels][2][4];  // of columns 0 ... 15 and 16 ... 31 of the step
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      uint32_t words[4];
      if (step % Patch::kSteps == 0) codes[p].begin(w.words(w_span, p, step / Patch::kSteps));
      codes[p].step(step % Patch::kSteps, words);
#pragma unroll
      for (int i = 0; i < 8; ++i) a[p][i / 4][i % 4] = float_weights<f16>(words[i / 4 * 2 + i % 2], i / 2 % 2);
    }
    if (!steps.has(step)) continue;
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) {
#pragma unroll
      for (int plane = 0; plane < planes; ++plane) {
        const uint2 low = x.operands(x_span, plane, 8 * j, 2 * step);
        const uint2 high = x.operands(x_span, plane, 8 * j, 2 * step + 1);
#pragma unroll
        for (int p = 0; p < Patch::kPanels; ++p) {
          mma_floats<f16>(sums.at(p, j), a[p][0], low.x, low.y);
          mma_floats<f16>(sums.at(p, j), a[p][1], high.x, high.y);
        }
      }
    }
    sums.end_step();
  }
}

template <typename Patch, int planes>
inline constexpr int kSpanBytesA16 = PlaneCopies<Patch, planes>::kSpanBytes + TileCopies<Patch>::kSpanBytes;

/** The part of a CTA of the grid; `rows` are those of X and Y that it is for, and planes `plane_step` elements apart. */
template <typename Patch, int planes, bool f16, template <typename> class Sums>
__device__ __forceinline__ void multiply_a16(const CudaGemmTask& t, const GemmSplit& split, uint32_t cta,
                                             const typename Patch::Rows& rows, int64_t plane_step, uint4* shared) {
  const GemmRange<Patch> range(t, split, cta);
  const GemmPlace<Patch> place(t.M, range.patch, static_cast<int>(threadIdx.x), rows);
  const GemmParts<Patch> parts(t, split, range, shared, Patch::kDepth * kSpanBytesA16<Patch, planes>);
  TileCopies<Patch> w(t, place, range.first_span);
  PlaneCopies<Patch, planes> x(t.planes, t.ld_plane, plane_step, t.M, place.m0, rows, range.first_span,
                               place.warp_m + place.g, place.t);
  Sums<Patch> sums(t, place, range, parts);
  SpanRing<Patch, PlaneCopies<Patch, planes>, TileCopies<Patch>> ring(shared, range.spans, x, w);
  run_range(range, ring, sums,
            [&](auto steps) { multiply_planes<Patch, planes, f16>(steps, x, ring.x(), w, ring.w(), sums); });
  end_patch(t, range, place, parts, sums);
}

template <typename Patch, int planes, bool f16, template <typename> class Sums>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm)
    gemm_a16_kernel(const CudaGemmTask t, const GemmSplit split) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  multiply_a16<Patch, planes, f16, Sums>(t, split, blockIdx.x, {}, t.M * t.ld_plane, shared);
}

template <typename Patch, int planes, bool f16>
int launch_gemm_a16(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  if (task.group == 0) return launch_gemm<gemm_a16_kernel<Patch, planes, f16, PlainFloatSums>, Patch>(plan, how, task);
  return launch_gemm<gemm_a16_kernel<Patch, planes, f16, GroupFloatSums>, Patch>(plan, how, task);
}

/** States which kernels a row has for a type of planes. */
#define TERNARY_CUDA_GEMM_A16_TYPE(row, type, Patch, planes, f16)                      \
  TERNARY_CUDA_GEMM_VARIANT(row, plain_##type, Patch, (kSpanBytesA16<Patch, planes>),  \
                            gemm_a16_kernel<Patch, planes, f16, PlainFloatSums>)       \
  TERNARY_CUDA_GEMM_VARIANT(row, groups_##type, Patch, (kSpanBytesA16<Patch, planes>), \
                            gemm_a16_kernel<Patch, planes, f16, GroupFloatSums>)

/** States which kernels a row has. */
#define TERNARY_CUDA_GEMM_A16_VARIANTS(row, Patch, ThreePatch) \
  TERNARY_CUDA_GEMM_A16_TYPE(row, bf16, Patch, 1, false)       \
  TERNARY_CUDA_GEMM_A16_TYPE(row, f16, Patch, 1, true)         \
  TERNARY_CUDA_GEMM_A16_TYPE(row, bf16x3, ThreePatch, 3, false)

/** The product with a patch for one plane and a patch for three. */
template <typename Patch, typename ThreePatch>
int gemm_a16(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  if (task.plane_count == 3) return launch_gemm_a16<ThreePatch, 3, false>(task, plan, how);
  return task.plane_f16 ? launch_gemm_a16<Patch, 1, true>(task, plan, how)
                        : launch_gemm_a16<Patch, 1, false>(task, plan, how);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_A16_CUH_
