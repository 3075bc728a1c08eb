/**
 * @file planning.h
 * @brief Makes the plans of a runtime's products on its GPU, and keeps them.
 */
#ifndef TERNARY_CORE_CUDA_PLANNING_H_
#define TERNARY_CORE_CUDA_PLANNING_H_

#include "core/cuda/runtime.h"
#include "core/product/product.h"
#include "core/runtime/planning.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** What a key of the kept plans says of its product. */
PlannedProduct cuda_product_of(const PlanKey& key);

/** As is_current() of core/runtime/planning.h. */
bool is_current_on_gpu(const ternary_runtime& runtime, const PlanKey& key);

/** The product's plan, kept from an earlier call or made now. Its refusals are counted; throws if nothing may serve. */
CudaProductPlan plan_for(ternary_runtime& runtime, CudaRuntime& cuda, Op op, const Product& product);

/** The row of a stage that has no product, of which there is one. */
const CudaKernel& row_of(const CudaRuntime& cuda, CudaStage stage);

/** A kernel's row in the runtime's counters: after those of the CPU. */
size_t counted_row(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLANNING_H_
