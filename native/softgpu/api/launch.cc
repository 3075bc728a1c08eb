// Registration of device code and its launches: what nvcc's host stubs call, and the functions on kernels.
#include <algorithm>
#include <vector>

#include "softgpu/api/api.h"
#include "softgpu/runtime/launching.h"

using namespace ternary::softgpu;

namespace {

/** What <<<>>> has pushed and the stub has not yet popped. */
thread_local std::vector<cudaLaunchConfig_t> pushed;

Library* library_of(void** handle) { return reinterpret_cast<Library*>(handle); }

cudaError_t launch_kernel(const void* function, const cudaLaunchConfig_t& config, void** arguments,
                          const char* caller = __builtin_FUNCTION()) {
  return call([&](Runtime& runtime) { launch(runtime, runtime.kernel(function), config, arguments); }, caller);
}

cudaLaunchConfig_t config_of(dim3 grid, dim3 block, size_t shared, cudaStream_t stream) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  return config;
}

void fill_attributes(Runtime& runtime, Kernel& kernel, cudaFuncAttributes* attributes) {
  const int ordinal = runtime.current_ordinal();
  const Device& device = runtime.current_device();
  const KernelOutline outline = runtime.outline(kernel, ordinal);
  const uint32_t (&most)[3] = outline.function->max_ntid;
  *attributes = {};
  attributes->sharedSizeBytes = outline.shared_bytes;
  attributes->localSizeBytes = outline.local_bytes;
  attributes->numRegs = kernel.library->registers(kernel.name, device);
  attributes->maxThreadsPerBlock = kThreadsPerCta;
  if (most[0] != 0) {
    attributes->maxThreadsPerBlock = static_cast<int>(most[0] * std::max(1u, most[1]) * std::max(1u, most[2]));
  }
  attributes->ptxVersion = kernel.library->ptx_of(device).architecture.number();
  attributes->binaryVersion = device.architecture.number();
  attributes->maxDynamicSharedSizeBytes = dynamic_shared_limit(kernel, outline.shared_bytes, ordinal);
}

}  // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  void** handle = nullptr;
  call_even_when_faulted([&](Runtime& runtime) { handle = reinterpret_cast<void**>(runtime.add_library(wrapper)); });
  return handle;
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void** handle) {
  if (handle == nullptr) return;
  call_even_when_faulted([&](Runtime& runtime) { runtime.remove_library(library_of(handle)); });
}

void __cudaRegisterFunction(void** handle, const char* stub, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  if (handle == nullptr) return;
  call_even_when_faulted([&](Runtime&) { library_of(handle)->add_kernel(stub, name); });
}

void __cudaRegisterVar(void** handle, char* stand_in, char*, const char* name, int, size_t, int, int) {
  if (handle == nullptr) return;
  call_even_when_faulted([&](Runtime&) { library_of(handle)->add_variable(stand_in, name); });
}

char __cudaInitModule(void**) { return 1; }

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* stub) {
  return call_even_when_faulted(
      [&](Runtime& runtime) { *kernel = reinterpret_cast<cudaKernel_t>(&runtime.kernel(stub)); });
}

cudaError_t cudaGetKernel(cudaKernel_t* kernel, const void* stub) {
  if (kernel == nullptr) return remember(cudaErrorInvalidValue);
  return __cudaGetKernel(kernel, stub);
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, struct CUstream_st* stream) {
  pushed.push_back(config_of(grid, block, shared, stream));
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  if (pushed.empty()) return remember(cudaErrorInvalidConfiguration);
  const cudaLaunchConfig_t config = pushed.back();
  pushed.pop_back();
  *grid = config.gridDim;
  *block = config.blockDim;
  *shared = config.dynamicSmemBytes;
  *static_cast<cudaStream_t*>(stream) = config.stream;
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, size_t shared,
                               cudaStream_t stream) {
  return launch_kernel(kernel, config_of(grid, block, shared, stream), arguments);
}

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t stream) {
  return launch_kernel(function, config_of(grid, block, shared, stream), arguments);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** arguments) {
  if (config == nullptr) return remember(cudaErrorInvalidValue);
  return launch_kernel(function, *config, arguments);
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  return call([&](Runtime& runtime) {
    Kernel& kernel = runtime.kernel(function);
    const int ordinal = runtime.current_ordinal();
    switch (attribute) {
      case cudaFuncAttributeMaxDynamicSharedMemorySize: {
        const uint32_t own = runtime.outline(kernel, ordinal).shared_bytes;
        const int most = runtime.current_device().shared_bytes_opt_in - static_cast<int>(own);
        require(value >= 0 && value <= most, cudaErrorInvalidValue);
        kernel.dynamic_shared_limit[ordinal] = value;
        return;
      }
      case cudaFuncAttributeNonPortableClusterSizeAllowed:
        require(value == 0 || value == 1, cudaErrorInvalidValue);
        return;
      case cudaFuncAttributePreferredSharedMemoryCarveout:
        require(value >= -1 && value <= 100, cudaErrorInvalidValue);
        return;
      default:
        throw CudaFailure(cudaErrorNotSupported, "the software GPU does not know function attribute " +
                                                     std::to_string(static_cast<int>(attribute)));
    }
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return call([&](Runtime& runtime) {
    require(attributes != nullptr, cudaErrorInvalidValue);
    fill_attributes(runtime, runtime.kernel(function), attributes);
  });
}

cudaError_t cudaFuncGetName(const char** name, const void* function) {
  return call([&](Runtime& runtime) {
    require(name != nullptr, cudaErrorInvalidValue);
    *name = runtime.kernel(function).name.c_str();
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* ctas, const void* function, int threads, size_t shared) {
  return call([&](Runtime& runtime) {
    require(ctas != nullptr, cudaErrorInvalidValue);
    *ctas = resident_ctas(runtime, runtime.kernel(function), threads, shared);
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* ctas, const void* function, int threads,
                                                                   size_t shared, unsigned int) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(ctas, function, threads, shared);
}

}  // extern "C"
