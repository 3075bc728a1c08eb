/**
 * @file halving_sum.cuh
 * @brief The last five levels of the contract's trees of partial sums, between the lanes of a warp.
 */
#ifndef TERNARY_CUDA_DEVICE_HALVING_SUM_CUH_
#define TERNARY_CUDA_DEVICE_HALVING_SUM_CUH_

namespace ternary::cuda {

/** The sum of 32 partials, lane i's the i-th, by halves: for lane 0 alone, which meets the same pairs as in memory. */
__device__ __forceinline__ float halving_sum(float part) {
#pragma unroll
  for (int half = 16; half >= 1; half /= 2) part = __fadd_rn(part, __shfl_down_sync(~0u, part, half));
  return part;
}

/** The same for all lanes. */
__device__ __forceinline__ float halving_sum_for_all(float part) { return __shfl_sync(~0u, halving_sum(part), 0); }

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_HALVING_SUM_CUH_
