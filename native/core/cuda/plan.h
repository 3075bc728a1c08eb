/**
 * @file plan.h
 * @brief How a product is served on a GPU: the kernel, its splits and where everything lies in the workspace.
 */
#ifndef TERNARY_CORE_CUDA_PLAN_H_
#define TERNARY_CORE_CUDA_PLAN_H_

#include <cstdint>
#include <vector>

#include "core/cuda/runtime.h"
#include "core/policy/counters.h"
#include "core/product/product.h"

namespace ternary {

inline constexpr int64_t kWorkspaceAlignment = 256;

/** Offsets in the workspace; what a product does not need has no bytes. */
struct CudaPlaces {
  int64_t q = 0, s = 0, q_sums = 0, planes = 0, partial = 0, bytes = 0;
};

struct CudaPlan {
  const CudaKernel* kernel = nullptr;
  CudaProblem problem = {};
  int splits = 1;
  int64_t padded = 0;       ///< columns of a row of q or of a plane
  int64_t clear_bytes = 0;  ///< of `partial`, set to zero before the product
  int64_t partial_bytes = 0;
  int plane_count = 0;
  bool plane_f16 = false;
  CudaPlaces places;
};

/** A kernel that would have been preferred, and why it does not serve. */
struct CudaRefusal {
  const CudaKernel* kernel;
  Reason reason;
};

/** The best kernel that accepts, nothing launched; kernel is null if none does. Refusals in the order of preference. */
CudaPlan plan_product(const CudaRuntime& cuda, const Settings& settings, const Product& product,
                      std::vector<CudaRefusal>& refusals);

/** The row of CudaStage::activations. */
const CudaKernel& activation_row(const CudaRuntime& cuda);

/** An upper bound of places.bytes of every plan with these weights, this activation and up to M rows. */
int64_t most_workspace(const CudaRuntime& cuda, const ternary_weights& weights, ternary_activation activation,
                       int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLAN_H_
