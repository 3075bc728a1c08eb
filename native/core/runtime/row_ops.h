/**
 * @file row_ops.h
 * @brief The operations that go row by row, on the CPU: no weights, one kernel each.
 */
#ifndef TERNARY_CORE_RUNTIME_ROW_OPS_H_
#define TERNARY_CORE_RUNTIME_ROW_OPS_H_

#include "core/runtime/runtime.h"

namespace ternary {

/** Runs a checked quantisation. */
void run_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands);

/** Runs a checked rotation. */
void run_rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands);

/** Runs checked norms of heads. */
void run_qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_ROW_OPS_H_
