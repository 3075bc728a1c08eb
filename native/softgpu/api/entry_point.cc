// cudaGetDriverEntryPoint(): functions of the driver, by name.
#include <cstring>

#include "softgpu/api/api.h"
#include "softgpu/api/tensor_map.h"

using namespace ternary::softgpu;

namespace {

cudaError_t find(const char* symbol, void** function, cudaDriverEntryPointQueryResult* status) {
  return call_even_when_faulted([&](Runtime&) {
    require(symbol != nullptr && function != nullptr, cudaErrorInvalidValue);
    const bool known = std::strcmp(symbol, "cuTensorMapEncodeTiled") == 0;
    *function = known ? reinterpret_cast<void*>(&cuTensorMapEncodeTiled) : nullptr;
    if (status != nullptr) *status = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    if (!known) {
      throw CudaFailure(cudaErrorNotSupported,
                        std::string("the software GPU does not know the driver's function ") + symbol);
    }
  });
}

}  // namespace

extern "C" {

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned int, unsigned long long,
                                             cudaDriverEntryPointQueryResult* status) {
  return find(symbol, function, status);
}

}  // extern "C"
