/** The devices of the cost model, with where each figure comes from. */
#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/cost/device.h"

namespace ternary {
namespace {

/** The row of the library that serves, else that of the newest family that the device's follows. */
const CostDevice& row_of_family(const DeviceAttributes& device) {
  const CostDevice* found = &kCostDevices[0];
  for (const CostDevice& row : kCostDevices) {
    if (std::strcmp(row.arch, device.arch) == 0) return row;
    if (row.major <= device.major) found = &row;
  }
  return *found;
}

/** A row with the attributes of the device that it stands for. */
CostDevice scaled(const CostDevice& row, const DeviceAttributes& device) {
  CostDevice scaled = row;
  if (device.sm_count > 0) scaled.sm_count = device.sm_count;
  if (device.clock_khz > 0) scaled.ghz = device.clock_khz / 1e6;
  if (device.memory_clock_khz > 0 && device.memory_bus_bits > 0) {  // two transfers a clock
    scaled.gb_per_s = 2.0 * device.memory_clock_khz * 1e3 * device.memory_bus_bits / 8 / 1e9;
  }
  return scaled;
}

/** Time of one SM, in nanoseconds, for a step of 512 weights: to be handed their bytes, and to multiply eight rows of X. */
double step_bytes_ns(const CostDevice& device, CudaLayout layout) {
  const double bytes = static_cast<double>(kCudaTileBytes) * 32 / static_cast<double>(cuda_tile_columns(layout));
  return bytes * device.sm_count / device.gb_per_s;
}
double step_eight_ns(const CostDevice& device) { return 1 / (device.imma * device.ghz); }

}  // namespace

/**
 * SMs, memory bandwidth, int8 and bf16 throughput (dense, without sparsity): NVIDIA's data sheets and white papers,
 *   A100 80GB SXM   "A100 Tensor Core GPU" data sheet 2021 (2039 GB/s, int8 624 TOPS, bf16 312 TFLOPS), 108 SMs at 1.41 GHz
 *                   from the "Ampere architecture" white paper: 2048 int8 and 1024 bf16 multiply-adds a clock and SM
 *   H100 SXM        "H100" data sheet 2023 (3.35 TB/s, int8 1979 TOPS, bf16 990 TFLOPS), 132 SMs, "Hopper" white paper: twice
 *                   A100's a clock and SM, through wgmma; clock: 1.83 GHz follows from these
 *   H200            "H200" data sheet 2024 (4.8 TB/s), the rest as H100
 *   B200            "Blackwell Architecture Technical Brief" 2025, table 3 (8 TB/s, bf16 2.25 PFLOPS), 148 SMs; clock 1.85 GHz
 *                   assumed, with which 2.25 PFLOPS are 4109 multiply-adds a clock and SM through tcgen05: 4096
 *   B300            the same brief and "Blackwell Ultra" data sheet 2025: as B200, but int8 0.15 POPS where that has 4.5,
 *                   267 multiply-adds a clock and SM, so an m16n8k32 takes 15 clocks; ptxas pads its mma to that rate
 *   RTX 5090        "RTX Blackwell" white paper (1792 GB/s, 170 SMs, 2.407 GHz, int8 838 TOPS, bf16 209.5 TFLOPS with fp32 sums)
 * Issue 4 a clock (four schedulers), logic, 32-bit adds and multiply-adds 64 lanes each (adds 128 on 12.0), dp4a 64 lanes;
 * threads and shared memory of an SM: "CUDA C++ Programming Guide", tables of arithmetic throughput and of compute
 * capabilities; 10.0 is assumed to be as 9.0.
 * Assumed: mma.sync reaches 0.62 of Hopper's wgmma rate and on 10.0, where it is the path that is kept for old code,
 * Ampere's rate; launches, PDL launches and latency under load from published microbenchmarks of these generations (2 to 4,
 * about 1, 0.6 to 0.8 microseconds). None of it has been measured by us.
 *
 * The L2's bandwidth over the memory's: 5120 bytes a clock on A100 ("Ampere architecture" white paper), of which 0.7 are
 * assumed to be reached: 2.5. Assumed: H100 and H200 have as many bytes a clock, B200 and B300 twice as many (two dies), and
 * the RTX 5090, whose memory is slow for its clock, as many as A100 at its own clock, which is 4.8 of the memory's.
 */
// clang-format off: columns
const CostDevice kCostDevices[kCostDeviceCount] = {
    // name      arch      major SMs  GHz    GB/s  L2   issue alu mul idp imma  hmma  tiles threads shared   launch pdl latency
    {"A100",     "sm80",   8,    108, 1.41,  2039, 2.5, 4,    2,  2,  2,  0.50, 0.50, 0,    2048,   164 << 10, 2.5, 2.5, 0.60},
    {"H100",     "sm90a",  9,    132, 1.83,  3350, 2.0, 4,    2,  2,  2,  0.62, 0.62, 0,    2048,   228 << 10, 2.5, 1.0, 0.65},
    {"H200",     "sm90a",  9,    132, 1.83,  4800, 1.4, 4,    2,  2,  2,  0.62, 0.62, 0,    2048,   228 << 10, 2.5, 1.0, 0.65},
    {"B200",     "sm100f", 10,   148, 1.85,  8000, 1.7, 4,    2,  2,  2,  0.50, 0.50, 4096, 2048,   228 << 10, 2.5, 1.0, 0.75},
    {"B300",     "sm103a", 10,   148, 1.85,  8000, 1.7, 4,    2,  2,  2,  0.065, 0.50, 4096, 2048,  228 << 10, 2.5, 1.0, 0.75},
    {"RTX 5090", "sm120f", 12,   170, 2.407, 1792, 4.8, 4,    4,  2,  2,  0.25, 0.125, 0,   1536,   100 << 10, 2.5, 1.0, 0.70},
};
// clang-format on

const CostDevice* find_cost_device(const std::string& name) {
  const auto row = std::find_if(std::begin(kCostDevices), std::end(kCostDevices),
                                [&](const CostDevice& device) { return name == device.name; });
  return row == std::end(kCostDevices) ? nullptr : row;
}

std::string cost_device_names() {
  std::string names = kCostDevices[0].name;
  for (int i = 1; i < kCostDeviceCount; ++i) {
    names += (i + 1 < kCostDeviceCount ? ", " : " or ") + std::string(kCostDevices[i].name);
  }
  return names;
}

/** An H100 is not like every other, so the named rows are scaled too. */
CostDevice cost_device_of(const DeviceAttributes& device) {
  const auto named = [&](const CostDevice& row) { return device.name.find(row.name) != std::string::npos; };
  const auto row = std::find_if(std::begin(kCostDevices), std::end(kCostDevices), named);
  CostDevice found = scaled(row == std::end(kCostDevices) ? row_of_family(device) : *row, device);
  found.arch = device.arch;
  return found;
}

int memory_bound_rows(const CostDevice& device, CudaLayout layout) {
  return 8 * static_cast<int>(step_bytes_ns(device, layout) / step_eight_ns(device));
}

}  // namespace ternary
