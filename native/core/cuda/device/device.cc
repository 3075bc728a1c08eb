#include "core/cuda/device/device.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <vector>

#include "core/base/failure.h"
#include "core/cuda/device/arch.h"
#include "core/runtime/backend.h"

namespace ternary {
namespace {

/** Large enough for cudaDeviceProp of any CUDA 13 (1008 bytes in 13.1); only its first member is read. */
struct DeviceProperties {
  char name[256];
  char rest[3840];
};

std::string error_text(const Cudart& cuda, int error) {
  cuda.GetLastError();
  return std::string(cuda.GetErrorString(error)) + " (" + cuda.GetErrorName(error) + ")";
}

/** Versions first: a driver that is missing or old makes every other function fail with less to say. */
std::string driver_missing(const Cudart& cuda, CudaDevice& device) {
  if (const int error = cuda.RuntimeGetVersion(&device.runtime)) {
    return "the CUDA runtime failed: " + error_text(cuda, error);
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
  if (error != kCudaSuccess) return "CUDA devices cannot be counted: " + error_text(cuda, error);
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

std::string described(const CudaDevice& device) {
  return device.name + " (compute capability " + std::to_string(device.major) + '.' + std::to_string(device.minor) +
         ')';
}

constexpr const char* kLibraries[] = {
#define CUDA_LIBRARY(name, folder) #name,
#include "abi/cuda_libraries.inc"
#undef CUDA_LIBRARY
};

/** The first library's. */
std::string file_of(const std::string& arch) { return cuda_backend_file(kLibraries[0], arch); }

/** Architectures for which a library lies in the folder of the backends. */
std::vector<std::string> archs_of(const char* library) {
  std::vector<std::string> present;
  for (const char* arch : kCudaArchs) {
    if (has_cuda_backend(cuda_backend_file(library, arch))) present.push_back(arch);
  }
  return present;
}

std::string no_library(const CudaDevice& device, const std::vector<std::string>& present) {
  const std::vector<std::string> archs = cuda_archs_for(device.major, device.minor);
  std::string sentence = "no library has code for " + described(device) + ": ";
  if (archs.empty()) return sentence + "none is made for it";
  for (size_t i = 0; i < archs.size(); ++i) {
    sentence += (i ? " or " : "") + file_of(archs[i]);
  }
  sentence += " is needed beside libternary.so, which has ";
  for (size_t i = 0; i < present.size(); ++i) sentence += (i ? ", " : "") + present[i];
  return sentence + (present.empty() ? "none" : "");
}

/** Makes a library the device's, if the device runs its code; else CUDA's error. */
int take_library(const std::string& file, CudaDevice& device) {
  const CudaBackend& backend = cuda_backend(file);
  const CudaDeviceScope scope(device);
  const int error = backend.prepare(device.shared_bytes);
  if (error == kCudaSuccess) device.backends.push_back(&backend);
  return error;
}

/** Whether an error says that a library has no code for the device, rather than that the device is in trouble. */
bool has_no_code(int error) {
  return error == kCudaInvalidFunction || error == kCudaInvalidImage || error == kCudaNoImage;
}

/** PTX of `a` and `f` architectures runs where their machine code does; of these only sm80's runs on every later one. */
void take_ptx(CudaPtx allowed, const std::vector<std::string>& present, CudaDevice& device, NoCuda& none) {
  const std::string arch = kCudaPtxArch;
  if (device.major < 8 || std::find(present.begin(), present.end(), arch) == present.end()) return;
  if (allowed == CudaPtx::never) {
    none.reason += "; TERNARY_DEVICE=cuda would have the driver compile the PTX of " + file_of(arch) + " for it";
    return;
  }
  if (const int error = take_library(file_of(arch), device)) {
    none.reason += "; nor does it run the PTX of " + file_of(arch) + ": " + error_text(*device.cuda, error);
    return;
  }
  device.warning = none.reason + "; the driver has compiled the PTX of " + file_of(arch) +
                   " for it, which is made for older devices: it may be slow, and nobody has tested it there";
  none = {};
}

/** Takes the first library; if none of its architectures serves, says why. */
NoCuda take_first_library(CudaPtx ptx, CudaDevice& device) {
  const std::vector<std::string> present = archs_of(kLibraries[0]);
  NoCuda none = {no_library(device, present), true};
  for (const std::string& arch : cuda_archs_for(device.major, device.minor, present)) {
    const int error = take_library(file_of(arch), device);
    if (error == kCudaSuccess) return {};
    none.reason = described(device) + " does not run " + file_of(arch) + ": " + error_text(*device.cuda, error);
    if (!has_no_code(error)) return {none.reason};
  }
  take_ptx(ptx, present, device, none);
  return none;
}

/** Takes of each other library the best that the device runs. */
void take_other_libraries(CudaDevice& device) {
  for (size_t i = 1; i < std::size(kLibraries); ++i) {
    for (const std::string& arch : cuda_archs_for(device.major, device.minor, archs_of(kLibraries[i]))) {
      if (take_library(cuda_backend_file(kLibraries[i], arch), device) == kCudaSuccess) break;
      device.cuda->GetLastError();  // others serve
    }
  }
}

}  // namespace

size_t CudaDevice::place(const CudaKernel& kernel) const {
  size_t before = 0;
  for (const CudaBackend* library : backends) {
    // By address: the distance of two libraries' rows is no number of rows.
    const CudaKernel* const end = library->kernels + library->kernel_count;
    if (!std::less<>()(&kernel, library->kernels) && std::less<>()(&kernel, end)) {
      return before + static_cast<size_t>(&kernel - library->kernels);
    }
    before += static_cast<size_t>(library->kernel_count);
  }
  return before;  // never: every kernel is a library's
}

NoCuda find_cuda_device(int ordinal, CudaPtx ptx, CudaDevice& device) {
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
  NoCuda none = take_first_library(ptx, device);
  if (none.reason.empty()) take_other_libraries(device);
  return none;
}

CudaDeviceScope::CudaDeviceScope(const CudaDevice& device) : CudaDeviceScope(*device.cuda, device.ordinal) {
  check_cuda(cuda_, error_, "making the device current");
}

CudaDeviceScope::CudaDeviceScope(const Cudart& cuda, int ordinal) noexcept
    : cuda_(cuda), ordinal_(ordinal), before_(ordinal) {
  cuda.ThreadExchangeStreamCaptureMode(&mode_before_);
  error_ = cuda.GetDevice(&before_);
  if (error_ == kCudaSuccess && before_ != ordinal) error_ = cuda.SetDevice(ordinal);
}

CudaDeviceScope::~CudaDeviceScope() {
  if (before_ != ordinal_) cuda_.SetDevice(before_);
  cuda_.ThreadExchangeStreamCaptureMode(&mode_before_);
}

}  // namespace ternary
