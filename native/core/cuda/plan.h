/**
 * @file plan.h
 * @brief How a product is served on a GPU: the kernel, its own plan, and where everything lies in the workspace.
 */
#ifndef TERNARY_CORE_CUDA_PLAN_H_
#define TERNARY_CORE_CUDA_PLAN_H_

#include <cstdint>

#include "abi/cuda_kernel.h"
#include "core/product/refusals.h"

namespace ternary {

inline constexpr int64_t kWorkspaceAlignment = 256;

/** Offsets in the workspace; what a product does not need has no bytes. */
struct CudaPlaces {
  int64_t q, s, q_sums, planes, tail_partial, partial, bytes;
};

/** Everything about a product of this kind that does not depend on where its operands are. */
struct CudaProductPlan {
  const CudaKernel* kernel;  ///< null: none serves
  CudaPlan launch;           ///< the kernel's own
  const CudaKernel* tail;    ///< serves the rows of X from `tail_begin` on; null: the kernel serves them all
  CudaPlan tail_launch;      ///< the tail's own
  int64_t tail_begin;
  CudaPlaces places;
  int64_t padded;  ///< columns of a row of q or of a plane
  int32_t plane_count;
  int32_t plane_f16;
  Refusals<31> refusals;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLAN_H_
