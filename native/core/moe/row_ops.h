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

/** What layers of experts and ternary_combine() have in common: slots, weights and where sums go. */
template <typename Operands>
CombineTask combine_task(const Operands& o, int64_t H, float scaling) {
  CombineTask task = {};
  task.ids = o.expert_ids;
  task.ld_ids = o.ld_ids;
  task.weights = o.expert_weights;
  task.weights_dtype = o.expert_weights_dtype;
  task.ld_weights = o.ld_weights;
  task.T = o.T;
  task.H = H;
  task.scaling = scaling;
  task.residual = o.residual;
  task.residual_out = o.residual_out;
  task.residual_dtype = o.residual_dtype;
  task.ld_residual = o.ld_residual;
  task.y = o.y;
  task.y_dtype = o.y_dtype;
  task.ldy = o.ldy;
  return task;
}

/** The products of a router, which make `logits` [M, E]. */
RouterTask router_task(const ternary_route_operands& operands, float* logits);
/** The choice by the operands' logits, or else by those that were made. */
RouteTask route_task(const ternary_route_operands& operands, const float* made);
CombineTask combine_task(const ternary_combine_operands& operands);

/** All M rows of the task. */
void run_combine_task(ternary_runtime& runtime, const Kernel& kernel, const CombineTask& task, int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_ROW_OPS_H_
