#include "cuda/device/kernel_list.h"

#include <cuda_runtime_api.h>

namespace ternary::cuda {

const ListedKernel* ListedKernel::first_ = nullptr;

int prepare_kernels(int shared_bytes) {
  for (const ListedKernel* listed = ListedKernel::first(); listed != nullptr; listed = listed->next()) {
    cudaFuncAttributes attributes = {};
    cudaError_t error = cudaFuncGetAttributes(&attributes, listed->kernel());  // loads it
    if (error != cudaSuccess) return error;
    const int most = shared_bytes - static_cast<int>(attributes.sharedSizeBytes);
    if (most <= attributes.maxDynamicSharedSizeBytes) continue;
    error = cudaFuncSetAttribute(listed->kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, most);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

}  // namespace ternary::cuda
