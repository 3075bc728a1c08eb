/**
 * @file cuda_cost.h
 * @brief The cost model of GPU products: what a kernel should take on a device, from data sheets and its machine code.
 *
 * A product takes the larger of two times, each stretched where the grid cannot fill the device: reading its bytes at the
 * memory's bandwidth, and issuing its instructions through the pipe that needs longest. To that come the launches. What a
 * kernel issues and how many CTAs of it an SM holds are read from its SASS (cuda_figures.h). The model ranks kernels,
 * tiles and splits; it has been held against no hardware yet.
 */
#ifndef TERNARY_CORE_CUDA_COST_H_
#define TERNARY_CORE_CUDA_COST_H_

#include <cstdint>
#include <vector>

#include "core/cuda_cost_code.h"
#include "core/cuda_kernel.h"

namespace ternary {

struct CudaDevice;

/** A device as the model sees it. Rates are warp instructions a clock and SM. */
struct CostDevice {
  const char* name;
  const char* arch;  ///< of its library
  int major;         ///< compute capability
  double sm_count, ghz, gb_per_s;
  double issue;          ///< of all kinds together
  double alu;            ///< logic, permutes, adds
  double multiply;       ///< 32-bit integer multiply-adds
  double idp;            ///< dp4a
  double imma;           ///< mma.sync m16n8k32 of int8
  double hmma;           ///< mma.sync m16n8k16 of bf16
  int threads;           ///< an SM holds
  int64_t shared_bytes;  ///< of an SM
  double launch_us;      ///< from one kernel of a stream to the next
  double pdl_launch_us;  ///< the same under PDL
  double latency_us;     ///< of memory, under load
};

struct CostProblem {
  int64_t M, N, K;
  int64_t x_bytes, y_bytes;  ///< an element's
  int planes;                ///< A16
  bool groups;               ///< of alpha
};

struct CostEstimate {
  double us, launch_us, byte_us, instruction_us;
};

/**
 * Differences that the model does not see: it prefers the kernel that comes first in the table to one that is expected to
 * take no more than a hundredth less.
 */
inline constexpr double kSameCost = 1.01;

/** CTAs of a kernel that an SM holds at a time for this problem: by its registers, threads and shared memory. */
int resident_ctas(const CostDevice& device, const CostKernel& kernel, const CostProblem& problem);

/** The model's estimate for a kernel with K split over `splits` CTAs. */
CostEstimate estimate_cost(const CostDevice& device, bool pdl, const CostKernel& kernel, const CostProblem& problem,
                           int splits);

class CudaCost {
 public:
  /** The row of a device's name, or that of its family with its own SMs, clock and bus. */
  CudaCost(const CudaDevice& device, bool pdl);
  /** "A100", "H100", "B200", "B300" or "RTX 5090"; throws for another. */
  explicit CudaCost(const char* name);

  /** The splits that the kernel should be given, among those it can do, and what the model expects then. */
  void best_splits(const CudaKernel& kernel, const CudaProblem& problem, int& splits, double& us) const;

  ternary_prediction predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                             int64_t K) const;

  const CostDevice& device() const { return device_; }
  /** The kernels of the device's architecture. */
  const std::vector<CostKernel>& kernels() const { return kernels_; }

 private:
  const CostKernel* kernel_of(const CudaKernel& kernel) const;

  CostDevice device_;
  bool pdl_;
  std::vector<CostKernel> kernels_;
};

/** The devices that have a row of their own. */
inline constexpr int kCostDeviceCount = 5;
extern const CostDevice kCostDevices[kCostDeviceCount];

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COST_H_
