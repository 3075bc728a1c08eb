/**
 * @file async_copy.cuh
 * @brief cp.async from device to shared memory, 16 bytes a thread, and the batches that a pipeline waits for: PTX calls
 * them groups.
 */
#ifndef TERNARY_CUDA_DEVICE_ASYNC_COPY_CUH_
#define TERNARY_CUDA_DEVICE_ASYNC_COPY_CUH_

#include <cstdint>

namespace ternary::cuda {

/** Copies 16 bytes, zeros instead if not `valid` (then the source is not read). Both addresses are 16-byte aligned. */
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid) {
  const uint32_t target = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(__cvta_generic_to_global(global)),
               "r"(valid ? 16 : 0)
               : "memory");
}

/** Ends a batch of copies; an empty one counts too. */
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/** Waits until all but the last `pending` batches of this thread have landed; others' need a barrier besides. */
template <int pending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_ASYNC_COPY_CUH_
