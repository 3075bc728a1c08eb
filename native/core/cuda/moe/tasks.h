/**
 * @file tasks.h
 * @brief What each kernel of a layer of experts is given, of some rows of a call.
 */
#ifndef TERNARY_CORE_CUDA_MOE_TASKS_H_
#define TERNARY_CORE_CUDA_MOE_TASKS_H_

#include "core/cuda/copies/moe.h"
#include "core/cuda/moe/plan.h"

namespace ternary {

/** Rows 0 ... M - 1 of `operands`, at most plan.rows, on the device. */
struct CudaMoeCall {
  const ternary_moe& moe;
  const CudaMoe& copy;
  const ternary_moe_operands& operands;
  const CudaMoePlan& plan;
  const CudaMoeKernels& kernels;
  uint8_t* workspace;
  uint32_t* wrong_ids;

  int64_t slots() const { return operands.M * plan.T; }
  template <typename T>
  T* at(int64_t offset) const {
    return reinterpret_cast<T*>(workspace + offset);
  }
};

CudaAlignTask align_task(const CudaMoeCall& call);
CudaExpertRowsTask rows_task(const CudaMoeCall& call);
/** Of a part of x': the rows of W13 that it needs. */
CudaExpertsTask gate_up_task(const CudaMoeCall& call, int64_t part);
CudaExpertGateTask gate_task(const CudaMoeCall& call);
CudaExpertsTask down_task(const CudaMoeCall& call);
CudaCombineTask combine_task(const CudaMoeCall& call);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_MOE_TASKS_H_
