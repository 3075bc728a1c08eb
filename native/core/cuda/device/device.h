/**
 * @file device.h
 * @brief A GPU that can serve: its properties and the backend libraries with code for it.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_DEVICE_H_
#define TERNARY_CORE_CUDA_DEVICE_DEVICE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/cuda_kernel.h"
#include "core/cuda/device/cudart.h"
#include "core/policy/knob_kinds.h"

namespace ternary {

/** The library that TERNARY_CUTLASS is about. */
inline constexpr std::string_view kCutlassLibrary = "cutlass";

/** A row of cuda_libraries.inc, as a device has it. */
struct CudaLibrary {
  std::string name;      ///< "bitnet"
  std::string arch;      ///< "sm100f": the code that serves or, where `missing`, that would; else empty
  std::string reason;    ///< why it does not serve, a sentence; empty if it does
  bool missing = false;  ///< it is made for the device and may serve, but is not there or does not run
};

struct CudaDevice {
  const Cudart* cuda = nullptr;
  /** Libraries with code for it, in the order of cuda_libraries.inc; of the first there is one. */
  std::vector<const CudaBackend*> backends;
  std::vector<CudaLibrary> libraries;  ///< every row of cuda_libraries.inc
  int ordinal = 0;
  std::string name;
  int major = 0, minor = 0;     ///< compute capability
  int driver = 0, runtime = 0;  ///< versions as CUDA writes them, 13010
  int sm_count = 0;
  int shared_bytes = 0, shared_bytes_sm = 0;  ///< a CTA may opt in to, an SM has
  int clock_khz = 0, memory_clock_khz = 0, memory_bus_bits = 0, l2_bytes = 0;
  int64_t memory_bytes = 0;
  bool pageable_access = false;  ///< it reads ordinary host memory too
  std::string warning;           ///< that its code is the driver's, compiled from PTX for older devices; or empty

  /** The library that has a kernel for every product. */
  const CudaBackend& backend() const { return *backends.front(); }

  /** CUTLASS's library, if it is missing; else null. */
  const CudaLibrary* missing_cutlass() const;

  /** Place of a kernel of one of the libraries among those of all, in that order. */
  size_t place(const CudaKernel& kernel) const;

  /** Kernels of all libraries. */
  size_t kernel_count() const;

  /** Calls `use(kernel, backend)` for every kernel of every library, in the order in which they are counted. */
  template <typename Use>
  void each_kernel(Use use) const {
    for (const CudaBackend* library : backends) {
      for (int row = 0; row < library->kernel_count; ++row) use(library->kernels[row], *library);
    }
  }
};

/**
 * Makes a device current for a scope, and what was current afterwards. Around all that the library does on a device, so
 * the thread's mode of capture is relaxed meanwhile: what is allocated, freed, sent and waited for here belongs to no
 * graph, and in other modes would break a capture that another thread, or other code of this one, has going on.
 */
class CudaDeviceScope {
 public:
  /** Throws a Failure if the device cannot be made current. */
  explicit CudaDeviceScope(const CudaDevice& device);
  /** For destructors: entered() says whether it could. */
  CudaDeviceScope(const Cudart& cuda, int ordinal) noexcept;
  ~CudaDeviceScope();
  CudaDeviceScope(const CudaDeviceScope&) = delete;
  CudaDeviceScope& operator=(const CudaDeviceScope&) = delete;
  bool entered() const { return error_ == kCudaSuccess; }

 private:
  const Cudart& cuda_;
  const int ordinal_;
  int mode_before_ = kCaptureModeRelaxed;
  int before_;
  int error_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_DEVICE_H_
