/**
 * @file experts_a8.cuh
 * @brief Products of slots of int8 with their experts' matrices: gemm_a8.cuh's on the rows of one expert a CTA.
 */
#ifndef TERNARY_CUDA_MOE_EXPERTS_A8_CUH_
#define TERNARY_CUDA_MOE_EXPERTS_A8_CUH_

#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/moe/expert_ends.cuh"
#include "cuda/moe/expert_patch.cuh"

namespace ternary::cuda {

/** `finishes`: it does the task's end. */
template <typename Patch, template <typename> class Sums, bool finishes>
__global__ void __launch_bounds__(Patch::kThreads, Patch::kCtasPerSm)
    experts_a8_kernel(const CudaExpertsTask t, const GemmSplit split) {
  extern __shared__ uint4 shared[];
  __shared__ ExpertTile<Patch::kM> tile;
  pdl_launch_dependents();
  find_tile(t, static_cast<int>(blockIdx.y), tile);
  if (tile.count == 0) {
    pdl_wait();
  } else {
    const GemmSplit own = {1, 0, Sums<Patch>::kOrdered, split.stretches, split.stretch_steps, 0};
    multiply_a8<Patch, Sums>(product_of(t, tile), own, blockIdx.x, {tile.rows}, shared);
  }
  if constexpr (finishes) {
    end_tile<Patch::kThreads, Patch::kN>(t, tile, shared, Patch::kDepth * kSpanBytesA8<Patch> / 4);
  }
}

/** States which kernels a row has. */
#define TERNARY_CUDA_EXPERTS_A8_VARIANTS(row, Patch, UnitPatch, finishes)                                          \
  TERNARY_CUDA_GEMM_VARIANT(row, plain, Patch, kSpanBytesA8<Patch>, experts_a8_kernel<Patch, PlainSums, finishes>) \
  TERNARY_CUDA_GEMM_VARIANT(row, groups, UnitPatch, kSpanBytesA8<UnitPatch>,                                       \
                            experts_a8_kernel<UnitPatch, GroupSums, finishes>)                                     \
  TERNARY_CUDA_GEMM_VARIANT(row, blocks, UnitPatch, kSpanBytesA8<UnitPatch>,                                       \
                            experts_a8_kernel<UnitPatch, BlockSums, finishes>)

/** The products with the patch for their units. */
template <typename Patch, typename UnitPatch, bool finishes>
int experts_a8(const CudaRow& row, const CudaExpertsTask& task, const CudaLaunch& how) {
  constexpr int64_t kRing = Patch::kDepth * kSpanBytesA8<Patch>,
                    kUnitRing = UnitPatch::kDepth * kSpanBytesA8<UnitPatch>;
  switch (cuda_units(task.gemm.group, task.gemm.block)) {
    case CudaUnits::none:
      return launch_experts<experts_a8_kernel<Patch, PlainSums, finishes>, Patch>(row, task, kRing, how);
    case CudaUnits::groups:
      return launch_experts<experts_a8_kernel<UnitPatch, GroupSums, finishes>, UnitPatch>(row, task, kUnitRing, how);
    default:
      return launch_experts<experts_a8_kernel<UnitPatch, BlockSums, finishes>, UnitPatch>(row, task, kUnitRing, how);
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERTS_A8_CUH_
