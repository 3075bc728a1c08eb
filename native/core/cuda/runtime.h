/**
 * @file runtime.h
 * @brief The part of a runtime that belongs to its GPU.
 */
#ifndef TERNARY_CORE_CUDA_RUNTIME_H_
#define TERNARY_CORE_CUDA_RUNTIME_H_

#include <atomic>
#include <string>
#include <vector>

#include "core/cost/cost.h"
#include "core/cost/experts.h"
#include "core/cuda/device/device.h"
#include "core/cuda/device_check.h"
#include "core/cuda/lane.h"
#include "core/cuda/plan.h"
#include "core/cuda/workspace.h"
#include "core/cuda/wrong_ids.h"
#include "core/policy/settings.h"
#include "core/product/plan_cache.h"

namespace ternary {

class CudaRuntime {
 public:
  CudaRuntime(const CudaDevice& found, const Settings& settings, const Residuals& residuals);

  /** "gemv_a8_i2s.cuda.sm90a" of every kernel, in the table's order; at last "cutlass.cuda.sm100a" if that library is
   *  missing, so that products that it could have served are counted. */
  std::vector<std::string> kernel_names() const;

  /** Elements of ternary_runtime_info()'s `kernels`, each after a comma. */
  std::string kernels_json() const;
  /** ternary_runtime_info()'s `cuda`. */
  std::string json() const;

  /** The function of the kernel at a place of kernel_names(); empty where that stands for a missing library. */
  std::string kernel_file(size_t place) const;

  /** Counts a kernel's launch that has been made; throws for one that failed. */
  void launched(int error, const CudaKernel& kernel) {
    check_cuda(*device.cuda, error, kernel.file);
    launches_.fetch_add(1, std::memory_order_relaxed);
  }
  /** Kernels that have been launched; of a graph's those that it captured, not their replays. */
  uint64_t launches() const { return launches_.load(std::memory_order_relaxed); }

  const CudaDevice device;
  const bool pdl;  ///< launch with programmatic stream serialisation
  const CudaCost cost;
  const ExpertCost experts;
  const CutlassChoice cutlass;
  const Top2Kernels top2;
  PlanCache<CudaProductPlan> plans;
  CudaWorkspaces workspaces;
  CudaLanes lanes;
  CudaWrongIds wrong_ids;

 private:
  std::atomic<uint64_t> launches_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_RUNTIME_H_
