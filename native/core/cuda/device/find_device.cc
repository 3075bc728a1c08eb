#include "core/cuda/device/find_device.h"

#include "core/base/failure.h"

namespace ternary {
namespace {

/** Large enough for cudaDeviceProp of any CUDA 13 (1008 bytes in 13.1); only its first member is read. */
struct DeviceProperties {
  char name[256];
  char rest[3840];
};

/** Versions first: a driver that is missing or old makes every other function fail with less to say. */
std::string driver_missing(const Cudart& cuda, CudaDevice& device) {
  if (const int error = cuda.RuntimeGetVersion(&device.runtime)) {
    return "the CUDA runtime failed: " + cuda_error_text(cuda, error);
  }
  const int error = cuda.DriverGetVersion(&device.driver);
  if (error != kCudaSuccess || device.driver == 0) return "no NVIDIA driver is installed";
  if (device.driver < kLeastDriver) {
    return "the NVIDIA driver is too old: it is for CUDA " + cuda_version_text(device.driver) +
           ", CUDA 13.0 (driver 580) or later is needed";
  }
  return "";
}

std::string device_missing(const Cudart& cuda, int ordinal) {
  int count = 0;
  const int error = cuda.GetDeviceCount(&count);
  if (error == kCudaNoDevice || (error == kCudaSuccess && count == 0)) {
    cuda.GetLastError();
    return "the machine has no CUDA device that this process may use";
  }
  if (error != kCudaSuccess) return "CUDA devices cannot be counted: " + cuda_error_text(cuda, error);
  if (ordinal < count) return "";
  return "there is no CUDA device " + std::to_string(ordinal) + "; the machine has " + std::to_string(count);
}

int attribute(const CudaDevice& device, CudaAttribute which) {
  int value = 0;
  check_cuda(*device.cuda, device.cuda->DeviceGetAttribute(&value, static_cast<int>(which), device.ordinal),
             "cudaDeviceGetAttribute");
  return value;
}

void read_properties(CudaDevice& device) {
  const Cudart& cuda = *device.cuda;
  DeviceProperties properties = {};
  check_cuda(cuda, cuda.GetDeviceProperties(&properties, device.ordinal), "cudaGetDeviceProperties");
  properties.name[sizeof properties.name - 1] = 0;
  device.name = properties.name;
  device.major = attribute(device, CudaAttribute::capability_major);
  device.minor = attribute(device, CudaAttribute::capability_minor);
  device.sm_count = attribute(device, CudaAttribute::sm_count);
  device.shared_bytes = attribute(device, CudaAttribute::shared_bytes_block);
  device.shared_bytes_sm = attribute(device, CudaAttribute::shared_bytes_sm);
  device.clock_khz = attribute(device, CudaAttribute::clock_khz);
  device.memory_clock_khz = attribute(device, CudaAttribute::memory_clock_khz);
  device.memory_bus_bits = attribute(device, CudaAttribute::memory_bus_bits);
  device.l2_bytes = attribute(device, CudaAttribute::l2_bytes);
  device.pageable_access = attribute(device, CudaAttribute::pageable_access) != 0;
  const CudaDeviceScope scope(device);
  size_t free_bytes = 0, total_bytes = 0;
  check_cuda(cuda, cuda.MemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo");
  device.memory_bytes = static_cast<int64_t>(total_bytes);
}

}  // namespace

NoCuda find_cuda_device(int ordinal, CudaPtx ptx, CutlassChoice cutlass, CudaDevice& device) {
  std::string why;
  device.cuda = cudart(why);
  if (device.cuda == nullptr) return {why};
  device.ordinal = ordinal;
  why = driver_missing(*device.cuda, device);
  if (why.empty()) why = device_missing(*device.cuda, ordinal);
  if (!why.empty()) return {why};
  try {
    read_properties(device);
  } catch (const Failure& failure) {
    return {failure.what()};
  }
  return take_libraries(cuda_library_rows(), ptx, cutlass, device);
}

}  // namespace ternary
