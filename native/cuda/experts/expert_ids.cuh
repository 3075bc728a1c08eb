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

/** The id of a slot, its row times T and its place there. */
struct SlotIds {
  const int32_t* ids;
  int64_t ld;
  int T;

  __device__ __forceinline__ const int32_t* place(int slot) const {
    if (ld == T) return ids + slot;
    const int m = slot / T;
    return ids + (m * ld + (slot - m * T));
  }
  __device__ __forceinline__ int32_t operator[](int slot) const { return *place(slot); }
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_EXPERTS_EXPERT_IDS_CUH_
