/**
 * @file kinds.h
 * @brief Kinds of calls: those of one kind are served by one path, and computed alike.
 */
#ifndef TERNARY_CORE_RECHECK_KINDS_H_
#define TERNARY_CORE_RECHECK_KINDS_H_

#include "core/experts/moe.h"
#include "core/product/plan_cache.h"
#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** M, N, K, and whatever else a path or its arithmetic depends on: types, layout, groups, norm and so on. */
PlanKey kind_of_call(const Product& product);

/** The same of rows that are made int8. */
PlanKey kind_of_call(const ternary_quantise_operands& operands);

/** The same of a layer of experts, whose kernels depend on the rows that each expert has too. */
PlanKey kind_of_call(const ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_KINDS_H_
