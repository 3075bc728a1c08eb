/**
 * @file pdl.cuh
 * @brief How every kernel of native/cuda is launched, and programmatic dependent launch (PDL): the one place for both.
 *
 * A kernel launched with PDL may start before its predecessor in the stream has finished. So before pdl_wait() a kernel
 * reads nothing but packed weights and their alpha (which no kernel of a chain writes) and writes nothing at all, and
 * every CTA calls it, those that leave early included. After it everything that earlier kernels wrote is there.
 */
#ifndef TERNARY_CUDA_PDL_CUH_
#define TERNARY_CUDA_PDL_CUH_

#include <cuda_runtime.h>

#include "core/cuda_kernel.h"

namespace ternary::cuda {

/** Waits until every earlier kernel of the stream has finished and its writes can be read. */
__device__ __forceinline__ void pdl_wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/**
 * Lets the next kernel of the stream start as soon as every CTA of this one has called it or has ended. Its pdl_wait()
 * still waits for this kernel's end, so a kernel calls it first thing: a successor takes only what all CTAs, resident
 * by then, have left free.
 */
__device__ __forceinline__ void pdl_launch_dependents() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/** Dynamic shared memory that a kernel gets without asking for more. */
inline constexpr int64_t kSharedByDefault = 48 << 10;

/**
 * Launches `kernel`, as part of the stream's PDL chain where `how.pdl` says so, in clusters of `cluster` CTAs along x
 * where that is more than 1. Returns cudaError_t.
 */
template <typename... Parameters, typename... Arguments>
int launch(const CudaLaunch& how, void (*kernel)(Parameters...), dim3 grid, dim3 block, int64_t shared_bytes,
           int cluster, const Arguments&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "one argument a parameter");
  if (shared_bytes > kSharedByDefault) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes));
    if (error != cudaSuccess) return error;
  }
  cudaLaunchAttribute attributes[2];
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = static_cast<size_t>(shared_bytes);
  config.stream = static_cast<cudaStream_t>(how.stream);
  config.attrs = attributes;
  if (how.pdl) {
    attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (cluster > 1) {
    attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[config.numAttrs].val.clusterDim.x = static_cast<unsigned>(cluster);
    attributes[config.numAttrs].val.clusterDim.y = 1;
    attributes[config.numAttrs++].val.clusterDim.z = 1;
  }
  return [&](const Parameters&... converted) {  // the driver copies values of the parameters' types
    void* addresses[] = {const_cast<void*>(static_cast<const void*>(&converted))...};
    return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), addresses);
  }(arguments...);
}

}  // namespace ternary::cuda

/** Defines what a row whose kernel never splits K and has no workspace must define besides its entry and refusal. */
#define TERNARY_CUDA_UNSPLIT(function)                                             \
  int function##_splits(const ternary::CudaProblem&) { return 1; }                 \
  int64_t function##_workspace(const ternary::CudaProblem&, int, int64_t* clear) { \
    *clear = 0;                                                                    \
    return 0;                                                                      \
  }

#endif  // TERNARY_CUDA_PDL_CUH_
