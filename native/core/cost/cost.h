/**
 * @file cost.h
 * @brief The cost model of GPU products: what a kernel should take on a device, from data sheets and its machine code.
 *
 * A product takes the larger of two times, each stretched where the grid cannot fill the device: reading its bytes at the
 * memory's bandwidth, and issuing its instructions through the pipe that needs longest. To that come the launches. What a
 * kernel issues and how many CTAs of it an SM holds are in the committed budget of its machine code
 * (abi/cuda_figures.h), and the shape of a CTA in its row (abi/cuda_rows.h). The model ranks kernels, patches and splits;
 * it has been held against no hardware yet.
 */
#ifndef TERNARY_CORE_COST_COST_H_
#define TERNARY_CORE_COST_COST_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "abi/cuda_kernel.h"
#include "core/cost/code.h"

namespace ternary {

/** What the model is told of a device that is there; 0: unknown. */
struct DeviceAttributes {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  const char* arch;  ///< of the library that serves
  int major;         ///< compute capability
  int sm_count, clock_khz, memory_clock_khz, memory_bus_bits;
};

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
 * Differences that the model does not see: it prefers the kernel that comes first in the table to one that is expected
 * to take no more than a hundredth less.
 */
inline constexpr double kSameCost = 1.01;

/** What the model expects of a row without figures: nothing, and the order of the table speaks for the row. */
inline constexpr double kUnknownCost = std::numeric_limits<double>::infinity();

/** CTAs of a kernel that an SM holds at a time for this problem: by its registers, threads and shared memory. */
int resident_ctas(const CostDevice& device, const CostCode& code, const CostProblem& problem);

/** The model's estimate for a kernel with K split over `splits` CTAs. */
CostEstimate estimate_cost(const CostDevice& device, bool pdl, const CostCode& code, const CostProblem& problem,
                           int splits);

/** A kernel that could serve, and what the model expects of it. */
struct CudaChoice {
  const CudaKernel* kernel;
  CudaPlan plan;
  Reason reason;  ///< why it does not serve
  double us;      ///< kUnknownCost: the row has no figures
};

/**
 * Puts the best first, given the order of the table. Allocates nothing. The table puts a row above those that it is
 * better than, and so a row without figures counts as good as the best of those below it.
 */
void order_choices(CudaChoice* begin, CudaChoice* end);

/** A kernel with its splits, and what the model expects of it. */
struct CostWinner {
  const CostCode* code;
  int splits;
  CostEstimate estimate;
};

class CudaCost {
 public:
  /** The row of a device's name, or that of its family with its own SMs, clock and bus. */
  CudaCost(const DeviceAttributes& device, bool pdl, const FigureLines& figures = kCommittedFigures);
  /** "A100", "H100", "B200", "B300" or "RTX 5090"; throws for another. */
  explicit CudaCost(const char* name, const FigureLines& figures = kCommittedFigures);

  /**
   * The row's answer with the splits that cost least among those it can do, and what the model expects then. Of a row
   * without figures the splits are its own choice, and the time is kUnknownCost.
   */
  Reason plan(const CudaKernel& kernel, const CudaProblem& problem, CudaPlan& plan, double& us) const;

  /** The kernel and its splits that the model expects to serve first, among those that have figures. */
  std::optional<CostWinner> best(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                 int64_t K) const;

  /** For ternary_predict(): best() in its words. */
  std::optional<ternary_prediction> predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N,
                                            int64_t K) const;

  /** Forgets the kernels for which `serves(kernel)` is false, those of libraries that are not there. */
  template <typename Serves>
  void keep(Serves serves) {
    kernels_.erase(
        std::remove_if(kernels_.begin(), kernels_.end(), [&](const auto& kernel) { return !serves(kernel); }),
        kernels_.end());
  }

  const CostDevice& device() const { return device_; }
  /** The kernels of the device's architecture. */
  const std::vector<CostKernel>& kernels() const { return kernels_; }

 private:
  /** Null: no figures. */
  const CostCode* code_of(const CudaKernel& kernel, const CostProblem& problem) const;

  CostDevice device_;
  bool pdl_;
  std::vector<CostKernel> kernels_;
};

/** The devices that have a row of their own. */
inline constexpr int kCostDeviceCount = 5;
extern const CostDevice kCostDevices[kCostDeviceCount];

}  // namespace ternary

#endif  // TERNARY_CORE_COST_COST_H_
