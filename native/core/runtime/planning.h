/**
 * @file planning.h
 * @brief Makes the plans of a runtime's products on the CPU, and keeps them.
 */
#ifndef TERNARY_CORE_RUNTIME_PLANNING_H_
#define TERNARY_CORE_RUNTIME_PLANNING_H_

#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** How M rows of K columns are made ready. */
RowShare share_rows(const ternary_runtime& runtime, int64_t M, int64_t K);

/** How a product is counted, and whether its norm runs before, in a pass of its own. */
struct Passes {
  Op op;
  bool two;
};
Passes passes_of(const ternary_runtime& runtime, const Product& product);

/** The product's plan, kept from an earlier call or made now. Its refusals are counted; throws if nothing may serve. */
Plan plan_for(ternary_runtime& runtime, const Product& product, const Passes& passes);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_PLANNING_H_
