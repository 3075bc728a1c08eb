#include "core/experts/combine.h"

#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/sized.h"
#include "core/experts/slots.h"
#include "core/product/ranges.h"
#include "core/weights/layout.h"
#include "core/weights/weights.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_align_operands) >= kFirstAlignBytes &&
                  sizeof(ternary_combine_operands) >= kFirstCombineBytes,
              "operands only grow");

}  // namespace

const ternary_align_operands& check_align(const ternary_align_operands* given, ternary_align_operands& room) {
  const ternary_align_operands& o = sized("operands", given, room, kFirstAlignBytes);
  check_slots(slots_of(o, o.E));
  check_experts(o.E);
  if (o.M * o.T > INT32_MAX) {
    fail(TERNARY_INVALID_ARGUMENT, "M is %" PRId64 " and T is %" PRId64 "; their product must be below 2^31", o.M, o.T);
  }
  check_pointer("slots", o.slots, alignof(int32_t));
  check_pointer("offsets", o.offsets, alignof(int32_t));
  const Range ids = matrix_range("expert_ids", o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids);
  const Range slots = matrix_range("slots", o.slots, TERNARY_F32, 1, o.M * o.T, 0);
  const Range offsets = matrix_range("offsets", o.offsets, TERNARY_F32, 1, o.E + 1, 0);
  check_apart(slots, &ids, 1);
  check_apart(offsets, &ids, 1);
  check_apart(offsets, &slots, 1);
  return o;
}

const ternary_combine_operands& check_combine(const ternary_combine_operands* given, ternary_combine_operands& room) {
  const ternary_combine_operands& o = sized("operands", given, room, kFirstCombineBytes);
  const Slots slots = slots_of(o, o.E);
  check_slots(slots);
  check_experts(o.E);
  if (o.H < 1 || o.H > kMaxN) fail(TERNARY_INVALID_ARGUMENT, "H is %" PRId64 "; it must be 1 to %" PRId64, o.H, kMaxN);
  check_float_dtype("d_dtype", o.d_dtype);
  check_matrix("d", "ldd", o.d, o.d_dtype, o.M, o.T * o.H, o.ldd);
  check_slot_weights(slot_weights_of(o), slots, false);
  check_scaling(o.scaling);
  const Range inputs[] = {
      matrix_range("d", o.d, o.d_dtype, o.M, o.T * o.H, o.ldd),
      matrix_range("expert_ids", o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids),
      matrix_range("expert_weights", o.expert_weights, o.expert_weights_dtype, o.M, o.T, o.ld_weights)};
  check_slot_sums(slot_sums_of(o), o.M, o.H, o.H, inputs, 3);
  return o;
}

CombineTask combine_task(const ternary_combine_operands& o) {
  CombineTask task = combine_task(o, o.H, o.scaling);
  task.d = o.d;
  task.d_dtype = task.rounded_to = o.d_dtype;
  task.ldd = o.ldd;
  task.use = o.expert_weights == nullptr ? WeightUse::used_before : WeightUse::in_sum;
  return task;
}

}  // namespace ternary
