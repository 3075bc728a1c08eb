/** The devices of the cost model, with where each figure comes from. */
#include "core/cost/cost.h"

namespace ternary {

/**
 * SMs, memory bandwidth, int8 and bf16 throughput (dense, without sparsity): NVIDIA's data sheets and white papers,
 *   A100 80GB SXM   "A100 Tensor Core GPU" data sheet 2021 (2039 GB/s, int8 624 TOPS, bf16 312 TFLOPS), 108 SMs at 1.41 GHz
 *                   from the "Ampere architecture" white paper: 2048 int8 and 1024 bf16 multiply-adds a clock and SM
 *   H100 SXM        "H100" data sheet 2023 (3.35 TB/s, int8 1979 TOPS, bf16 990 TFLOPS), 132 SMs, "Hopper" white paper: twice
 *                   A100's a clock and SM, through wgmma; clock: 1.83 GHz follows from these
 *   B200            "Blackwell Architecture Technical Brief" 2025, table 3 (8 TB/s), 148 SMs; clock 1.85 GHz assumed
 *   B300            the same brief and "Blackwell Ultra" data sheet 2025: as B200, but int8 0.15 POPS where that has 4.5,
 *                   267 multiply-adds a clock and SM, so an m16n8k32 takes 15 clocks; ptxas pads its mma to that rate
 *   RTX 5090        "RTX Blackwell" white paper (1792 GB/s, 170 SMs, 2.407 GHz, int8 838 TOPS, bf16 209.5 TFLOPS with fp32 sums)
 * Issue 4 a clock (four schedulers), logic, 32-bit adds and multiply-adds 64 lanes each (adds 128 on 12.0), dp4a 64 lanes;
 * threads and shared memory of an SM: "CUDA C++ Programming Guide", tables of arithmetic throughput and of compute
 * capabilities; 10.0 is assumed to be as 9.0.
 * Assumed: mma.sync reaches 0.62 of Hopper's wgmma rate and on 10.0, where it is the path that is kept for old code,
 * Ampere's rate; launches, PDL launches and latency under load from published microbenchmarks of these generations (2 to 4,
 * about 1, 0.6 to 0.8 microseconds). None of it has been measured by us.
 */
// clang-format off: columns
const CostDevice kCostDevices[kCostDeviceCount] = {
    // name      arch      major SMs  GHz    GB/s  issue alu mul idp imma  hmma  threads shared    launch pdl latency
    {"A100",     "sm80",   8,    108, 1.41,  2039, 4,    2,  2,  2,  0.50, 0.50, 2048,   164 << 10, 2.5,  2.5, 0.60},
    {"H100",     "sm90a",  9,    132, 1.83,  3350, 4,    2,  2,  2,  0.62, 0.62, 2048,   228 << 10, 2.5,  1.0, 0.65},
    {"B200",     "sm100f", 10,   148, 1.85,  8000, 4,    2,  2,  2,  0.50, 0.50, 2048,   228 << 10, 2.5,  1.0, 0.75},
    {"B300",     "sm103a", 10,   148, 1.85,  8000, 4,    2,  2,  2,  0.065, 0.50, 2048,  228 << 10, 2.5,  1.0, 0.75},
    {"RTX 5090", "sm120f", 12,   170, 2.407, 1792, 4,    4,  2,  2,  0.25, 0.125, 1536,  100 << 10, 2.5,  1.0, 0.70},
};
// clang-format on

}  // namespace ternary
