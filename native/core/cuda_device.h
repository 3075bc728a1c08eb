/**
 * @file cuda_device.h
 * @brief A GPU that can serve: its properties and the backend library with code for it.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_H_
#define TERNARY_CORE_CUDA_DEVICE_H_

#include <cstdint>
#include <string>

#include "core/cuda_kernel.h"
#include "core/cudart.h"

namespace ternary {

struct CudaDevice {
  const Cudart* cuda = nullptr;
  const CudaBackend* backend = nullptr;
  int ordinal = 0;
  std::string name;
  int major = 0, minor = 0;     ///< compute capability
  int driver = 0, runtime = 0;  ///< versions as CUDA writes them, 13010
  int sm_count = 0;
  int shared_bytes = 0, shared_bytes_sm = 0;  ///< a block may opt in to, an SM has
  int clock_khz = 0, memory_clock_khz = 0, memory_bus_bits = 0, l2_bytes = 0;
  int64_t memory_bytes = 0;
  bool pageable_access = false;  ///< it reads ordinary host memory too
};

/** Why there is no GPU; `library`: there is one, but no library with code for it. */
struct NoCuda {
  std::string reason;
  bool library = false;
};

/** Looks for device `ordinal`; an empty reason means that `device` is set. Throws a Failure only if a library beside
 *  this one is damaged. */
NoCuda find_cuda_device(int ordinal, CudaDevice& device);

/** Makes the device current for a scope, and what was current afterwards. */
class CudaDeviceScope {
 public:
  explicit CudaDeviceScope(const CudaDevice& device);
  ~CudaDeviceScope();
  CudaDeviceScope(const CudaDeviceScope&) = delete;
  CudaDeviceScope& operator=(const CudaDeviceScope&) = delete;

 private:
  const CudaDevice& device_;
  int before_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_H_
