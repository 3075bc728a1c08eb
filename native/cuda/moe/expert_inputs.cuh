/**
 * @file expert_inputs.cuh
 * @brief What the kernels share that make rows ready for experts' products.
 */
#ifndef TERNARY_CUDA_MOE_EXPERT_INPUTS_CUH_
#define TERNARY_CUDA_MOE_EXPERT_INPUTS_CUH_

#include "cuda/experts/expert_ids.cuh"
#include "cuda/quantise/row_columns.cuh"

namespace ternary::cuda {

/** The rows' task with the column alphas of an expert and a part. */
__device__ __forceinline__ ActivationTask rows_of_expert(const CudaExpertInputs& t, int64_t expert, int64_t part) {
  ActivationTask rows = t.activations.rows;
  if (rows.alpha_column != nullptr) rows.alpha_column += (expert * t.vectors + part) * t.alpha_step;
  return rows;
}

/** The id of a slot. */
__device__ __forceinline__ int32_t id_of(const CudaSlots& s, int64_t slot) {
  return SlotIds{s.ids, s.ld_ids, static_cast<int>(s.T)}[static_cast<int>(slot)];
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERT_INPUTS_CUH_
