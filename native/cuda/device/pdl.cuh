/**
 * @file pdl.cuh
 * @brief How every kernel of native/cuda is launched, and programmatic dependent launch (PDL): the one place for both.
 *
 * A kernel launched with PDL may start before its predecessor in the stream has finished. So before pdl_wait() a kernel
 * reads nothing but packed weights and their alpha (which no kernel of a chain writes) and writes nothing at all, and
 * every CTA calls it, those that leave early included. After it everything that earlier kernels wrote is there.
 */
#ifndef TERNARY_CUDA_DEVICE_PDL_CUH_
#define TERNARY_CUDA_DEVICE_PDL_CUH_

#include <cuda_runtime.h>

#include "abi/cuda_kernel.h"
#include "cuda/device/kernel_list.h"

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

/** Calls cudaLaunchKernelExC() with values of the kernel's parameters' types, which is what the driver copies. */
template <typename... Parameters, typename... Arguments>
int launch_converted(const cudaLaunchConfig_t& config, void (*kernel)(Parameters...), const Arguments&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "one argument a parameter");
  return [&](const Parameters&... converted) {
    void* addresses[] = {const_cast<void*>(static_cast<const void*>(&converted))...};
    return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(kernel), addresses);
  }(arguments...);
}

/** The place of a kernel in the list of those that can be launched. */
template <auto kKernel>
inline const ListedKernel kListed{reinterpret_cast<const void*>(kKernel)};

/**
 * Launches `kKernel`, as part of the stream's PDL chain where `how.pdl` says so, in clusters of `cluster` CTAs along x
 * where that is more than 1. Returns cudaError_t. Sets nothing that another thread's launch could meet: how much shared
 * memory a kernel may have is prepare_kernels()'s matter.
 */
template <auto kKernel, typename... Arguments>
int launch(const CudaLaunch& how, dim3 grid, dim3 block, int64_t shared_bytes, int cluster,
           const Arguments&... arguments) {
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
  static_cast<void>(&kListed<kKernel>);  // which puts it there
  return launch_converted(config, kKernel, arguments...);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_PDL_CUH_
