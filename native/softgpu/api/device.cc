// Devices: how many, which, what they say of themselves.
#include <cstdio>

#include "softgpu/api/api.h"

using namespace ternary::softgpu;

namespace {

constexpr int kCudaVersion = 13010;
constexpr int kOldDriverVersion = 12080;  // SOFTGPU_DRIVER=old

Device& device_at(Runtime& runtime, int ordinal) {
  std::vector<Device>& devices = runtime.devices();
  require(ordinal >= 0 && ordinal < static_cast<int>(devices.size()), cudaErrorInvalidDevice);
  return devices[static_cast<size_t>(ordinal)];
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  if (count != nullptr) *count = 0;
  return call_even_when_faulted([&](Runtime& runtime) {
    require(count != nullptr, cudaErrorInvalidValue);
    *count = static_cast<int>(runtime.devices().size());
  });
}

cudaError_t cudaGetDevice(int* device) {
  return call_even_when_faulted([&](Runtime& runtime) {
    require(device != nullptr, cudaErrorInvalidValue);
    *device = runtime.current_ordinal();
  });
}

cudaError_t cudaSetDevice(int device) {
  return call([&](Runtime& runtime) { runtime.set_current(device); });
}

cudaError_t cudaInitDevice(int device, unsigned int, unsigned int) {
  return call([&](Runtime& runtime) { device_at(runtime, device); });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call_even_when_faulted([&](Runtime& runtime) {
    require(properties != nullptr, cudaErrorInvalidValue);
    fill_properties(device_at(runtime, device), device, properties);
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call_even_when_faulted([&](Runtime& runtime) {
    require(value != nullptr, cudaErrorInvalidValue);
    if (!device_attribute(device_at(runtime, device), device, attribute, value)) {
      throw CudaFailure(cudaErrorInvalidValue, "the software GPU does not know device attribute " +
                                                   std::to_string(static_cast<int>(attribute)));
    }
  });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return call([&](Runtime&) {
    if (least != nullptr) *least = 0;
    if (greatest != nullptr) *greatest = -5;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  return call([&](Runtime& runtime) {
    device_at(runtime, device);
    require(text != nullptr && length > 0, cudaErrorInvalidValue);
    std::snprintf(text, static_cast<size_t>(length), "0000:%02X:00.0", device + 1);
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  return call_even_when_faulted([&](Runtime& runtime) {
    require(version != nullptr, cudaErrorInvalidValue);
    *version = runtime.environment().driver_too_old ? kOldDriverVersion : kCudaVersion;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  if (version == nullptr) return remember(cudaErrorInvalidValue);
  *version = kCudaVersion;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  return call([](Runtime& runtime) {
    runtime.forbid_while_capturing();
    runtime.queue().wait_for_all();
  });
}

cudaError_t cudaDeviceReset() {
  return call_even_when_faulted([](Runtime& runtime) {
    runtime.devices();
    if (runtime.queue().fault() == cudaSuccess) runtime.queue().wait_for_all();
    runtime.reset();
  });
}

}  // extern "C"
