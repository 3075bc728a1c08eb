/**
 * @file expert_ids.cuh
 * @brief Ids of experts that lie on a device, where nobody has checked them.
 */
#ifndef TERNARY_CUDA_EXPERTS_EXPERT_IDS_CUH_
#define TERNARY_CUDA_EXPERTS_EXPERT_IDS_CUH_

#include <cstdint>

namespace ternary::cuda {

/** It is an expert's: others contribute nothing. */
__device__ __forceinline__ bool counts(int32_t id, int64_t E) { return id >= 0 && id < E; }

/** It is neither an expert's nor -1: an error that the next synchronisation tells. */
__device__ __forceinline__ bool is_wrong(int32_t id, int64_t E) { return id < -1 || id >= E; }

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_EXPERTS_EXPERT_IDS_CUH_
