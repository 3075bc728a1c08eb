/**
 * @file cluster.cuh
 * @brief How CTAs that share K meet: the barriers of a cluster and loads from its shared memories, or a ticket in device
 * memory where the CTAs are no cluster.
 */
#ifndef TERNARY_CUDA_DEVICE_CLUSTER_CUH_
#define TERNARY_CUDA_DEVICE_CLUSTER_CUH_

#include <cuda_runtime.h>

#include <cstdint>

namespace ternary::cuda {

/** Behind it each CTA of the cluster may load what the others wrote into their own shared memories before it. */
__device__ __forceinline__ void publish_shared() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/** Behind it no CTA of the cluster loads from another's shared memory any more. A release: remote loads precede it. */
__device__ __forceinline__ void leave_shared() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/** What lies at `place` of this CTA's shared memory, as CTA `rank` of the cluster has it. */
__device__ __forceinline__ int load_remote(const int* place, int rank) {
  int value = 0;
#if __CUDA_ARCH__ >= 900
  uint32_t address;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(address)
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(place))), "r"(rank));
  asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
#endif
  return value;
}

/** The same for four words at a multiple of 16 bytes. */
__device__ __forceinline__ uint4 load_remote(const uint4* place, int rank) {
  uint4 value = {0, 0, 0, 0};
#if __CUDA_ARCH__ >= 900
  uint32_t address;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(address)
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(place))), "r"(rank));
  asm volatile("ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "r"(address)
               : "memory");
#endif
  return value;
}

/**
 * Whether this CTA is the last of `count` that take a ticket, all threads of each; to it the others' writes and atomics
 * of device memory are visible, by loads that pass the first-level cache. One thread's fence orders those of its whole
 * CTA, for a barrier precedes it; of 256 fences each would wait for its own thread's stores in turn.
 */
__device__ __forceinline__ bool last_to_come(int32_t* ticket, int count) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(ticket, 1) == count - 1;
    __threadfence();
  }
  __syncthreads();
  return last;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_CLUSTER_CUH_
