/**
 * @file row_ops.h
 * @brief The operations around experts that have no ternary weights, on the CPU.
 */
#ifndef TERNARY_CORE_MOE_ROW_OPS_H_
#define TERNARY_CORE_MOE_ROW_OPS_H_

#include "core/runtime/runtime.h"

namespace ternary {

/** Runs a checked router. */
void run_route(ternary_runtime& runtime, const ternary_route_operands& operands);

/** Runs checked sums over slots, whose ids have been checked too. */
void run_combine(ternary_runtime& runtime, const ternary_combine_operands& operands);

/** All M rows of the task. */
void run_combine_task(ternary_runtime& runtime, const Kernel& kernel, const CombineTask& task, int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_ROW_OPS_H_
