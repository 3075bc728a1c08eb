#include "core/cuda/device/device.h"

#include <functional>

namespace ternary {

const CudaLibrary* CudaDevice::missing_cutlass() const {
  for (const CudaLibrary& library : libraries) {
    if (library.missing && library.name == kCutlassLibrary) return &library;
  }
  return nullptr;
}

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

size_t CudaDevice::kernel_count() const {
  size_t count = 0;
  for (const CudaBackend* library : backends) count += static_cast<size_t>(library->kernel_count);
  return count;
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
