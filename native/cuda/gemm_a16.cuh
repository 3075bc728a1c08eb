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
#ifndef TERNARY_CUDA_GEMM_A16_CUH_
#define TERNARY_CUDA_GEMM_A16_CUH_

#include "cuda/gemm_floats.cuh"
#include "cuda/pdl.cuh"

namespace ternary::cuda {

/** Rows of X of the CTA. */
template <typename Tile, int planes>
using PlaneStages = HalfStages<Tile, Tile::kM, planes>;

/** One stage's columns into the sums. */
template <typename Tile, int planes, bool f16, typename Sums>
__device__ __forceinline__ void multiply_planes(const PlaneStages<Tile, planes>& x, const WeightStream<Tile>& w,
                                                Sums& sums) {
  PanelCodes<Tile::layout> codes[Tile::kPanels];
#pragma unroll
  for (int step = 0; step < Tile::kColumns / 32; ++step) {
    uint32_t a[Tile::kPanels][2][4];  // of columns 0 ... 15 and 16 ... 31 of the step
#pragma unroll
    for (int p = 0; p < Tile::kPanels; ++p) {
      uint32_t words[4];
      if (step % Tile::kSteps == 0) codes[p].begin(w.words(p, step / Tile::kSteps));
      codes[p].step(step % Tile::kSteps, words);
#pragma unroll
      for (int i = 0; i < 8; ++i) a[p][i / 4][i % 4] = float_weights<f16>(words[i / 4 * 2 + i % 2], i / 2 % 2);
    }
#pragma unroll
    for (int j = 0; j < Tile::kEights; ++j) {
#pragma unroll
      for (int plane = 0; plane < planes; ++plane) {
        const uint2 low = x.operands(plane, 8 * j, 2 * step), high = x.operands(plane, 8 * j, 2 * step + 1);
#pragma unroll
        for (int p = 0; p < Tile::kPanels; ++p) {
          mma_floats<f16>(sums.at(p, j), a[p][0], low.x, low.y);
          mma_floats<f16>(sums.at(p, j), a[p][1], high.x, high.y);
        }
      }
    }
    sums.end_step();
  }
}

template <typename Tile, int planes, bool f16, template <typename> class Sums>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kCtasPerSm) gemm_a16_kernel(const CudaGemmTask t) {
  extern __shared__ uint4 shared[];
  pdl_launch_dependents();
  const GemmPlace<Tile> place(t.M);
  WeightStream<Tile> w(t, place);
  Sums<Tile> sums(t, place);
  pdl_wait();
  const int stages = static_cast<int>(ceil_div(t.K, Tile::kColumns));
  PlaneStages<Tile, planes> x(t.planes, t.ld_plane, t.M, place.m0, t.K, place.warp_m + place.g, place.t,
                              reinterpret_cast<char*>(shared));
#pragma unroll
  for (int stage = 0; stage < Tile::kStages - 1; ++stage) {
    x.fetch();
    commit_copies();
  }
  for (int stage = 0; stage < stages; ++stage) {
    wait_copies<Tile::kStages - 2>();
    __syncthreads();  // everyone's copies have landed, and everyone has left the stage that is fetched now
    x.fetch();
    commit_copies();
    w.advance();
    multiply_planes<Tile, planes, f16>(x, w, sums);
    x.advance();
  }
  store_sums(t, place, sums);
}

template <typename Tile, int planes, bool f16>
int launch_gemm_a16(const CudaGemmTask& task, const CudaLaunch& how) {
  const dim3 grid(static_cast<unsigned>(gemm_ctas<Tile>(task.M, task.N))), block(Tile::kThreads);
  constexpr int kBytes = PlaneStages<Tile, planes>::kBytes;
  if (task.group == 0) {
    return launch<gemm_a16_kernel<Tile, planes, f16, PlainFloatSums>>(how, grid, block, kBytes, 1, task);
  }
  return launch<gemm_a16_kernel<Tile, planes, f16, GroupFloatSums>>(how, grid, block, kBytes, 1, task);
}

/** The product with a patch for one plane and a patch for three. */
template <typename Tile, typename ThreeTile>
int gemm_a16(const CudaGemmTask& task, const CudaLaunch& how) {
  if (task.plane_count == 3) return launch_gemm_a16<ThreeTile, 3, false>(task, how);
  return task.plane_f16 ? launch_gemm_a16<Tile, 1, true>(task, how) : launch_gemm_a16<Tile, 1, false>(task, how);
}

template <typename Tile, typename ThreeTile>
Reason gemm_a16_refusal(const CudaProblem& problem) {
  constexpr int kOne = PlaneStages<Tile, 1>::kBytes, kThree = PlaneStages<ThreeTile, 3>::kBytes;
  return problem.shared_bytes < (kOne > kThree ? kOne : kThree) ? Reason::shared_memory : Reason::none;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMM_A16_CUH_
