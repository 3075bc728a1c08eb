/**
 * @file combine.h
 * @brief What servers ask for by itself: slots sorted by expert, and experts' outputs added up. Their rules, and what
 *        kernels are given.
 */
#ifndef TERNARY_CORE_EXPERTS_COMBINE_H_
#define TERNARY_CORE_EXPERTS_COMBINE_H_

#include <cstddef>

#include "abi/kernel.h"

namespace ternary {

/** Sizes of the structs in 0.2.0, the first version that had them. */
inline constexpr size_t kFirstAlignBytes = 72, kFirstCombineBytes = 160;

/** As check_operands(): they read no ids, see check_ids(). */
const ternary_align_operands& check_align(const ternary_align_operands* given, ternary_align_operands& room);
const ternary_combine_operands& check_combine(const ternary_combine_operands* given, ternary_combine_operands& room);

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

CombineTask combine_task(const ternary_combine_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_COMBINE_H_
