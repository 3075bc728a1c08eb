/**
 * @file runtime.h
 * @brief The part of a runtime that belongs to its GPU.
 */
#ifndef TERNARY_CORE_CUDA_RUNTIME_H_
#define TERNARY_CORE_CUDA_RUNTIME_H_

#include <string>
#include <vector>

#include "core/cost/cost.h"
#include "core/cuda/device.h"
#include "core/cuda/staging.h"
#include "core/cuda/workspace.h"
#include "core/policy/settings.h"

namespace ternary {

class CudaRuntime {
 public:
  /** `first_row`: where the backend's kernels begin among the rows of the runtime's counters. */
  CudaRuntime(const CudaDevice& found, const Settings& settings, int64_t first_row);

  size_t row(const CudaKernel& kernel) const {
    return static_cast<size_t>(first_row_ + (&kernel - device.backend->kernels));
  }

  /** "gemv_a8_i2s.cuda.sm90a" of every kernel, in the table's order. */
  std::vector<std::string> kernel_names() const;

  /** Elements of ternary_runtime_info()'s `kernels`, each after a comma. */
  std::string kernels_json() const;
  /** ternary_runtime_info()'s `cuda`. */
  std::string json() const;

  const CudaDevice device;
  const bool pdl;  ///< launch with programmatic stream serialisation
  const CudaCost cost;
  CudaWorkspaces workspaces;
  CudaLanes lanes;

 private:
  const int64_t first_row_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_RUNTIME_H_
