/**
 * @file plan.h
 * @brief How a product is served on a GPU: the kernel, its own plan, and where everything lies in the workspace.
 */
#ifndef TERNARY_CORE_CUDA_PLAN_H_
#define TERNARY_CORE_CUDA_PLAN_H_

#include <cstdint>

#include "abi/cuda_kernel.h"
#include "core/policy/counters.h"
#include "core/product/product.h"
#include "core/product/refusals.h"

struct ternary_runtime;

namespace ternary {

class CudaRuntime;

inline constexpr int64_t kWorkspaceAlignment = 256;

/** Offsets in the workspace; what a product does not need has no bytes. */
struct CudaPlaces {
  int64_t q, s, q_sums, planes, partial, bytes;
};

/** Everything about a product of this kind that does not depend on where its operands are. */
struct CudaProductPlan {
  const CudaKernel* kernel;  ///< null: none serves
  CudaPlan launch;           ///< the kernel's own
  CudaPlaces places;
  int64_t padded;  ///< columns of a row of q or of a plane
  int32_t plane_count;
  int32_t plane_f16;
  Refusals<31> refusals;
};

/** The product's plan, kept from an earlier call or made now. Its refusals are counted; throws if nothing may serve. */
CudaProductPlan plan_for(ternary_runtime& runtime, CudaRuntime& cuda, Op op, const Product& product);

/** The row of CudaStage::activations. */
const CudaKernel& activation_row(const CudaRuntime& cuda);

/** A kernel's row in the runtime's counters: after those of the CPU. */
size_t counted_row(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel);

/** An upper bound of places.bytes of every plan with these weights, this activation and up to M rows. */
int64_t most_workspace(const CudaRuntime& cuda, const ternary_weights& weights, ternary_activation activation,
                       int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLAN_H_
