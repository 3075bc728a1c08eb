/**
 * @file device.h
 * @brief The devices of the cost model, and which of them stands for a device that is there.
 */
#ifndef TERNARY_CORE_COST_DEVICE_H_
#define TERNARY_CORE_COST_DEVICE_H_

#include <cstdint>
#include <string>

#include "abi/cuda_layout.h"

namespace ternary {

/** What the model is told of a device that is there; 0: unknown. */
struct DeviceAttributes {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  const char* arch;  ///< of the library that serves
  int major;         ///< compute capability
  int sm_count, clock_khz, memory_clock_khz, memory_bus_bits;
};

/** A device as the model sees it. Rates are warp instructions a clock and SM, where they are not said to be others. */
struct CostDevice {
  const char* name;
  const char* arch;  ///< of its library
  int major;         ///< compute capability
  double sm_count, ghz, gb_per_s;
  double l2_ratio;       ///< bandwidth between the L2 and the SMs over that of memory
  double issue;          ///< of all kinds together
  double alu;            ///< logic, permutes, adds
  double multiply;       ///< 32-bit integer multiply-adds
  double idp;            ///< dp4a
  double imma;           ///< mma.sync m16n8k32 of int8
  double hmma;           ///< mma.sync m16n8k16 of bf16
  double tile_macs;      ///< tcgen05.mma of bf16: multiply-adds, not instructions; 0: there is none
  int threads;           ///< an SM holds
  int64_t shared_bytes;  ///< of an SM
  double launch_us;      ///< from one kernel of a stream to the next
  double pdl_launch_us;  ///< the same under PDL
  double latency_us;     ///< of memory, under load

  /** CTAs may be clusters, which read each other's shared memory. */
  bool clusters() const { return major >= 9; }
  /** Bytes that the memory hands over in a microsecond, and the L2. */
  double bytes_per_us() const { return gb_per_s * 1e3; }
  double l2_bytes_per_us() const { return bytes_per_us() * l2_ratio; }
  /** Little's law: what an SM must have on its way, or latency is seen. */
  double wanted_in_flight() const { return bytes_per_us() * latency_us / sm_count; }
};

/** The devices that have a row of their own. */
inline constexpr int kCostDeviceCount = 6;
extern const CostDevice kCostDevices[kCostDeviceCount];

/** The row of a name, e.g. "RTX 5090"; null: there is none. */
const CostDevice* find_cost_device(const std::string& name);

/** The names of all rows as a sentence has them: "A100, H100 ... or RTX 5090". */
std::string cost_device_names();

/** The row of a device's name, or that of its family, with its own SMs, clock and bus. */
CostDevice cost_device_of(const DeviceAttributes& device);

/**
 * M*, the crossover: up to as many rows of X, in steps of eight, tensor cores need no longer to multiply a layout's
 * weights by them than the memory needs to hand the weights over. Follows from the device alone.
 */
int memory_bound_rows(const CostDevice& device, CudaLayout layout);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_DEVICE_H_
