/**
 * @file experts_a16.cuh
 * @brief Products of slots as they are with their experts' matrices: gemm_a16.cuh's on the rows of one expert a CTA.
 *
 * x' and h are fp32, so all have three planes.
 */
#ifndef TERNARY_CUDA_MOE_EXPERTS_A16_CUH_
#define TERNARY_CUDA_MOE_EXPERTS_A16_CUH_

#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/moe/expert_ends.cuh"
#include "cuda/moe/expert_patch.cuh"

namespace ternary::cuda {

inline constexpr int kExpertPlanes = 3;

/** `finishes`: it does the task's end. */
template <typename Patch, template <typename> class Sums, bool finishes>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm)
    experts_a16_kernel(const CudaExpertsTask t, const GemmSplit split) {
  extern __shared__ uint4 shared[];
  __shared__ ExpertTile<Patch::kM> tile;
  pdl_launch_dependents();
  find_tile(t, static_cast<int>(blockIdx.y), tile);
  if (tile.count == 0) {
    pdl_wait();
  } else {
    const GemmSplit own = {1, 0, 1, split.stretches, split.stretch_steps, 0};
    multiply_a16<Patch, kExpertPlanes, false, Sums>(product_of(t, tile), own, blockIdx.x, {tile.rows},
                                                    t.gemm.M * t.gemm.ld_plane, shared);
  }
  if constexpr (finishes) {
    end_tile<Patch::kThreads, Patch::kN>(t, tile, shared, Patch::kDepth * kSpanBytesA16<Patch, kExpertPlanes> / 4);
  }
}

/** States which kernels a row has. */
#define TERNARY_CUDA_EXPERTS_A16_VARIANTS(row, Patch, finishes)                               \
  TERNARY_CUDA_GEMM_VARIANT(row, plain_bf16x3, Patch, (kSpanBytesA16<Patch, kExpertPlanes>),  \
                            experts_a16_kernel<Patch, PlainFloatSums, finishes>)              \
  TERNARY_CUDA_GEMM_VARIANT(row, groups_bf16x3, Patch, (kSpanBytesA16<Patch, kExpertPlanes>), \
                            experts_a16_kernel<Patch, GroupFloatSums, finishes>)

template <typename Patch, bool finishes>
int experts_a16(const CudaRow& row, const CudaExpertsTask& task, const CudaLaunch& how) {
  constexpr int64_t kRing = Patch::kDepth * kSpanBytesA16<Patch, kExpertPlanes>;
  if (task.gemm.group == 0) {
    return launch_experts<experts_a16_kernel<Patch, PlainFloatSums, finishes>, Patch>(row, task, kRing, how);
  }
  return launch_experts<experts_a16_kernel<Patch, GroupFloatSums, finishes>, Patch>(row, task, kRing, how);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERTS_A16_CUH_
