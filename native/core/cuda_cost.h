/**
 * @file cuda_cost.h
 * @brief The cost model of GPU products: what a kernel should take on a device, from data sheets and counted instructions.
 *
 * A product takes the larger of two times, each stretched where the grid cannot fill the device: reading its bytes at the
 * memory's bandwidth, and issuing its instructions through the pipe that needs longest. To that come the launches. The
 * model ranks kernels and splits; it has been held against no hardware yet.
 */
#ifndef TERNARY_CORE_CUDA_COST_H_
#define TERNARY_CORE_CUDA_COST_H_

#include <cstdint>

#include "core/cuda_kernel.h"

namespace ternary {

struct CudaDevice;

/** A device as the model sees it. Rates are warp instructions a clock and SM. */
struct CostDevice {
  const char* name;
  int major;              ///< compute capability
  double sm_count, ghz, gb_per_s;
  double issue;           ///< of all kinds together
  double alu;             ///< logic and 32-bit integer
  double idp;             ///< dp4a
  double imma;            ///< mma.sync m16n8k32 of int8
  double hmma;            ///< mma.sync m16n8k16 of bf16
  double lds;             ///< 128-bit loads of shared memory
  double launch_us;       ///< from one kernel of a stream to the next
  double pdl_launch_us;   ///< the same under PDL
  double latency_us;      ///< of memory, under load
  double extra_mma;       ///< slots that the compiler's padding adds to an int8 mma
};

/** What a kernel issues for 16 weights a lane: 512 weights, 16 rows of W by 32 columns of K. */
struct CostKernel {
  const char* name;       ///< for ternary_predict()
  const char* file_part;  ///< of CudaKernel::file, which tells rows of one stage and layout apart
  CudaStage stage;
  CudaLayout layout;
  int64_t m_max;
  double decode;          ///< ALU instructions that make operands of codes, once a tile of rows of X
  double other;           ///< addresses, loads, loop
  double idp;             ///< a row of X
  double imma, hmma;      ///< 8 rows of X
  int64_t m_tile;         ///< rows of X that share decoded operands
  int ctas_per_sm;        ///< what its registers and shared memory allow
};

struct CostProblem {
  int64_t M, N, K;
  int64_t x_bytes, y_bytes;  ///< an element's
  int planes;                ///< A16
};

struct CostEstimate {
  double us, launch_us, byte_us, instruction_us;
};

/** The model's estimate for a kernel with K split over `splits` CTAs. */
CostEstimate estimate_cost(const CostDevice& device, bool pdl, const CostKernel& kernel, const CostProblem& problem,
                           int splits);

class CudaCost {
 public:
  /** The row of a device's name, or that of its family with its own SMs, clock and bus. */
  CudaCost(const CudaDevice& device, bool pdl);
  /** "A100", "H100", "B200" or "RTX 5090"; throws for another. */
  explicit CudaCost(const char* name);

  /** The splits that the kernel should be given, among those it can do, and what the model expects then. */
  void best_splits(const CudaKernel& kernel, const CudaProblem& problem, int& splits, double& us) const;

  ternary_prediction predict(ternary_layout layout, ternary_activation activation, int64_t M, int64_t N, int64_t K) const;

  const CostDevice& device() const { return device_; }

 private:
  CostDevice device_;
  bool pdl_;
};

/** The devices that have a row of their own. */
inline constexpr int kCostDeviceCount = 4;
extern const CostDevice kCostDevices[kCostDeviceCount];

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COST_H_
