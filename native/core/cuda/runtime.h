/**
 * @file runtime.h
 * @brief The part of a runtime that belongs to its GPU.
 */
#ifndef TERNARY_CORE_CUDA_RUNTIME_H_
#define TERNARY_CORE_CUDA_RUNTIME_H_

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
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_RUNTIME_H_
