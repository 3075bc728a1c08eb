/**
 * @file plan.h
 * @brief How a GEMM of this folder is shared out: a patch of Y for each CTA or pair of CTAs, or for some that share K.
 *
 * Those that share K add their sums to memory, of which the last to come makes Y (output.cuh). So of each patch there is
 * one set of sums, whatever the splits.
 */
#ifndef TERNARY_CUTLASS_GEMM_PLAN_H_
#define TERNARY_CUTLASS_GEMM_PLAN_H_

#include <cstdint>
#include <cstring>

#include "abi/cuda_kernel.h"
#include "abi/cuda_rows.h"

namespace ternary::cutlass_gemm {

/** Rows of W of a CTA: a warp of the epilogue has 32 of the 128 rows of tensor memory. */
inline constexpr int kCtaRows = 128;

/** What a launch reads of its plan (CudaPlan::own). */
struct GemmPlan {
  int32_t sm_count;
  int32_t ticket_bytes;  ///< at the front of CudaGemmTask::partial: 4 of each CTA's tile, and padding
};
static_assert(sizeof(GemmPlan) <= sizeof CudaPlan::own);

inline GemmPlan gemm_plan_of(const CudaPlan& plan) {
  GemmPlan own;
  std::memcpy(&own, plan.own, sizeof own);
  return own;
}

/** Plans a row by the shape of its first variant. */
Reason plan_gemm(const CudaRow& row, const CudaProblem& problem, CudaPlan* plan);

}  // namespace ternary::cutlass_gemm

#endif  // TERNARY_CUTLASS_GEMM_PLAN_H_
