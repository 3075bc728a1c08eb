/**
 * @file device.h
 * @brief What a simulated device says of itself. Figures are those of a real part of each compute capability.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_DEVICE_H_
#define TERNARY_SOFTGPU_RUNTIME_DEVICE_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "softgpu/runtime/architecture.h"

namespace ternary::softgpu {

struct Device {
  Architecture architecture;
  std::string name;
  int sm_count;
  int shared_bytes_per_sm;
  int shared_bytes_opt_in;  ///< the most that a CTA can have; 48 KiB without asking
  int threads_per_sm;
  int ctas_per_sm;
  int64_t l2_bytes;
  int64_t memory_bytes;
  int clock_khz;
  int memory_clock_khz;
  int memory_bus_bits;
  bool host_memory = false;  ///< kernels use ordinary host memory, as under Linux's HMM
};

inline constexpr int kSharedBytesPerCta = 48 * 1024;
inline constexpr int kSharedBytesReserved = 1024;  ///< of each CTA, by the system, since sm_80
inline constexpr int kRegistersPerSm = 65536;
inline constexpr int kThreadsPerCta = 1024;
inline constexpr int kClusterLimit = 8;  ///< CTAs in a portable cluster

/** The part of a compute capability. Throws std::invalid_argument where there is none. */
Device device_of(const Architecture& architecture);

/** Changes one figure; `key` is one of those of softgpu_set_device(). Throws std::invalid_argument. */
void set_device(Device* device, const std::string& key, const std::string& value);

void fill_properties(const Device& device, int ordinal, cudaDeviceProp* properties);

/** False where the attribute is not known. */
bool device_attribute(const Device& device, int ordinal, cudaDeviceAttr attribute, int* value);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_DEVICE_H_
