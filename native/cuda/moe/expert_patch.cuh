/**
 * @file expert_patch.cuh
 * @brief A GEMM's patch for slots of one expert, and the launch: CTAs along x are patches of N, along y tiles of slots.
 */
#ifndef TERNARY_CUDA_MOE_EXPERT_PATCH_CUH_
#define TERNARY_CUDA_MOE_EXPERT_PATCH_CUH_

#include <algorithm>

#include "cuda/gemm/gemm_patch.cuh"
#include "cuda/moe/expert_tile.cuh"

namespace ternary::cuda {

template <typename Base>
struct ExpertPatch : Base {
  using Rows = SlotRows;
  static constexpr bool kSplits = false;
};

/** The product of a tile, from that of all experts. */
template <int most>
__device__ __forceinline__ CudaGemmTask product_of(const CudaExpertsTask& t, const ExpertTile<most>& tile) {
  CudaGemmTask product = t.gemm;
  product.w += tile.expert * t.w_step;
  product.alpha += tile.expert * t.alpha_step;
  product.M = tile.count;
  return product;
}

/** K of such a product is not split. */
inline GemmSplit unsplit(const CudaRow& row, const CudaGemmTask& task) {
  const int64_t unit = unit_columns(task.group, task.block);
  const int64_t stretch = std::min(cuda_stretch_columns(row, unit), round_up(task.K, row.variants[0].columns));
  GemmSplit split = {};
  split.splits = 1;
  split.ordered = unit > 0 || row.a16();
  split.stretches = static_cast<int32_t>(ceil_div(task.K, stretch));
  split.stretch_steps = static_cast<int32_t>(stretch / 32);
  return split;
}

/** Rows of the grid that tiles of up to `most` slots may need, however slots are spread over experts. */
inline int64_t most_tiles(const CudaExpertsTask& task, int64_t most) {
  const int64_t slots = task.slots.M * task.slots.T;
  return task.order == nullptr ? slots : std::min(slots, task.slots.E) + slots / most;
}

/** Launches a kernel of `Patch`, a variant of the row, with `ring_bytes` of dynamic shared memory. */
template <auto kKernel, typename Patch>
int launch_experts(const CudaRow& row, const CudaExpertsTask& task, int64_t ring_bytes, const CudaLaunch& how) {
  const dim3 grid(static_cast<unsigned>(ceil_div(task.gemm.N, Patch::kN)),
                  static_cast<unsigned>(most_tiles(task, Patch::kM)));
  return launch<kKernel>(how, grid, dim3(Patch::kThreads), ring_bytes, 1, task, unsplit(row, task.gemm));
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERT_PATCH_CUH_
