/**
 * @file gemm_a16.cuh
 * @brief Y of activations as they are: mma of bf16 or f16 planes with weights decoded to -1, 0, +1 exactly, fp32 sums.
 *
 * Sums run over K ascending, 16 columns an mma, the planes of 32 columns one after the other into the same sum,
 * whatever M and the shape of the patch: the same bits for any M and place in the batch.
 *
 * Which of an mma's 16 columns is which is free as long as both operands agree. A lane's word has the codes of columns
 * 4 * t ... 4 * t + 3 of 16, so those are its columns of A and, 8 bytes of a plane, of B.
 */
#ifndef TERNARY_CUDA_GEMM_GEMM_A16_CUH_
#define TERNARY_CUDA_GEMM_GEMM_A16_CUH_

#include "cuda/device/pdl.cuh"
#include "cuda/gemm/gemm_floats.cuh"

namespace ternary::cuda {

/** Rows of X of the CTA. */
template <typename Patch, int planes>
using PlaneRing = HalfRing<Patch, Patch::kM, planes>;

/** One span's columns into the sums. */
template <typename Patch, int planes, bool f16, typename Sums>
__device__ __forceinline__ void multiply_planes(const PlaneRing<Patch, planes>& x, const WeightStream<Patch>& w,
                                                Sums& sums) {
  PanelCodes<Patch::layout> codes[Patch::kPanels];
#pragma unroll
  for (int step = 0; step < Patch::kColumns / 32; ++step) {
    uint32_t a[Patch::kPanels][2][4];  // of columns 0 ... 15 and 16 ... 31 of the step
#pragma unroll
    for (int p = 0; p < Patch::kPanels; ++p) {
      uint32_t words[4];
      if (step % Patch::kSteps == 0) codes[p].begin(w.words(p, step / Patch::kSteps));
      codes[p].step(step % Patch::kSteps, words);
#pragma unroll
      for (int i = 0; i < 8; ++i) a[p][i / 4][i % 4] = float_weights<f16>(words[i / 4 * 2 + i % 2], i / 2 % 2);
    }
#pragma unroll
    for (int j = 0; j < Patch::kEights; ++j) {
#pragma unroll
      for (int plane = 0; plane < planes; ++plane) {
        const uint2 low = x.operands(plane, 8 * j, 2 * step), high = x.operands(plane, 8 * j, 2 * step + 1);
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

template <typename Patch, int planes, bool f16, template <typename> class Sums>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm) gemm_a16_kernel(const CudaGemmTask t) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  const GemmPlace<Patch> place(t.M);
  WeightStream<Patch> w(t, place);
  Sums<Patch> sums(t, place);
  pdl_wait();
  const int spans = static_cast<int>(ceil_div(t.K, Patch::kColumns));
  PlaneRing<Patch, planes> x(t.planes, t.ld_plane, t.M, place.m0, t.K, place.warp_m + place.g, place.t,
                             reinterpret_cast<char*>(shared));
#pragma unroll
  for (int span = 0; span < Patch::kDepth - 1; ++span) {
    x.fetch();
    commit_copies();
  }
  for (int span = 0; span < spans; ++span) {
    wait_copies<Patch::kDepth - 2>();
    __syncthreads();  // everyone's copies have landed, and everyone has left the span that is fetched now
    x.fetch();
    commit_copies();
    w.advance();
    multiply_planes<Patch, planes, f16>(x, w, sums);
    x.advance();
  }
  store_sums(t, place, sums);
}

template <typename Patch, int planes, bool f16>
int launch_gemm_a16(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  if (task.group == 0) return launch_gemm<gemm_a16_kernel<Patch, planes, f16, PlainFloatSums>, Patch>(plan, how, task);
  return launch_gemm<gemm_a16_kernel<Patch, planes, f16, GroupFloatSums>, Patch>(plan, how, task);
}

/** States which kernels a row has for a type of planes. */
#define TERNARY_CUDA_GEMM_A16_TYPE(row, type, Patch, planes, f16)                          \
  TERNARY_CUDA_GEMM_VARIANT(row, plain_##type, Patch, (PlaneRing<Patch, planes>::kBytes),  \
                            gemm_a16_kernel<Patch, planes, f16, PlainFloatSums>)           \
  TERNARY_CUDA_GEMM_VARIANT(row, groups_##type, Patch, (PlaneRing<Patch, planes>::kBytes), \
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

template <typename Patch, typename ThreePatch>
Reason gemm_a16_plan(const CudaProblem& problem, CudaPlan* plan) {
  if (problem.planes == 3) return plan_gemm<ThreePatch>(problem, PlaneRing<ThreePatch, 3>::kBytes, plan);
  return plan_gemm<Patch>(problem, PlaneRing<Patch, 1>::kBytes, plan);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_GEMM_A16_CUH_
