/**
 * @file apply.h
 * @brief Synchronous calls on host memory, as a runtime's watches have them: validated, sampled, or as they are.
 */
#ifndef TERNARY_CORE_RECHECK_APPLY_H_
#define TERNARY_CORE_RECHECK_APPLY_H_

#include "core/experts/moe.h"
#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** A product of checked operands, on the runtime's device. */
void apply(ternary_runtime& runtime, const Product& product);

/** Rows of checked operands made int8. */
void apply_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands);

/** A layer of experts with checked operands and ids. */
void apply_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_APPLY_H_
