#include "core/experts/moe.h"

#include <algorithm>
#include <cinttypes>
#include <type_traits>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/sized.h"
#include "core/product/product.h"
#include "core/product/ranges.h"
#include "core/product/rotation.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_moe_spec) >= kFirstMoeSpecBytes && sizeof(ternary_moe_operands) >= kFirstMoeBytes,
              "structs only grow");

constexpr RotationNames kNamesOf13 = {"rotation13", "signs13", "H"}, kNamesOf2 = {"rotation2", "signs2", "I"};

std::vector<float> copy_of(const float* values, int64_t count) {
  return values == nullptr ? std::vector<float>() : std::vector<float>(values, values + count);
}

template <typename T>
T* rows_behind(T* data, ternary_dtype dtype, int64_t ld, int64_t m) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return data == nullptr ? nullptr : static_cast<Byte*>(data) + m * ld * dtype_bytes(dtype);
}

void check_shapes(const ternary_weights& w13, const ternary_weights& w2) {
  if (w13.experts != w2.experts) {
    fail(TERNARY_INVALID_ARGUMENT, "w13 is of %" PRId64 " experts and w2 of %" PRId64 "; they must be of as many",
         w13.experts, w2.experts);
  }
  if (w13.N % 2 != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "w13 has %" PRId64 " rows; they must be even, those of gate and up", w13.N);
  }
  if (w2.K != w13.N / 2) {
    fail(TERNARY_INVALID_ARGUMENT, "w2 has %" PRId64 " columns and w13 %" PRId64 " rows; it must be half of them", w2.K,
         w13.N);
  }
  if (w2.N != w13.K) {
    fail(TERNARY_INVALID_ARGUMENT, "w2 has %" PRId64 " rows and w13 %" PRId64 " columns; they must be equal", w2.N,
         w13.K);
  }
  if (w2.column_alphas > 1) fail(TERNARY_INVALID_ARGUMENT, "w2 has two alphas a column; only w13 may, of gate and up");
}

void check_function(const ternary_moe_spec& spec) {
  static constexpr const char* kOrders[] = {"gate, up", "up, gate", "interleaved"};
  check_choice("gate_order", spec.gate_order, kOrders);
  static constexpr const char* kFunctions[] = {"silu", "silu_clamp", "relu2", "gelu"};
  check_choice("gate_function", spec.gate_function, kFunctions);
  if (spec.gate_function == TERNARY_SILU_CLAMP ? !is_finite(spec.clamp) || spec.clamp <= 0 : spec.clamp != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "clamp is %g; it must be finite and greater than 0 for silu_clamp, and 0 otherwise",
         static_cast<double>(spec.clamp));
  }
}

void check_steps(const ternary_moe_spec& spec) {
  check_float_dtype("round_gate_up", spec.round_gate_up);
  check_float_dtype("round_activation", spec.round_activation);
  check_float_dtype("round_product", spec.round_product);
  check_float_dtype("round_expert", spec.round_expert);
  check_flag("weight_on_input", spec.weight_on_input);
  check_flag("weight_before_rounding", spec.weight_before_rounding);
  check_flag("skip_combine", spec.skip_combine);
  check_scaling(spec.scaling);
  if (spec.weight_on_input != 0 && spec.weight_before_rounding != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "weight_on_input and weight_before_rounding are 1; one of them must be 0");
  }
  if (spec.skip_combine != 0 && spec.scaling != 1) {
    fail(TERNARY_INVALID_ARGUMENT, "scaling is %g and skip_combine is 1; it must be 1 then",
         static_cast<double>(spec.scaling));
  }
}

}  // namespace

const ternary_moe_spec& check_moe_spec(const ternary_moe_spec* given, ternary_moe_spec& room) {
  const ternary_moe_spec& spec = sized("spec", given, room, kFirstMoeSpecBytes);
  check_pointer("w13", spec.w13, alignof(ternary_weights));
  check_pointer("w2", spec.w2, alignof(ternary_weights));
  check_shapes(*spec.w13, *spec.w2);
  check_function(spec);
  check_steps(spec);
  check_activation(spec.activation);
  check_block_of(spec.block, spec.activation, spec.w13->group, "w13's group");
  check_block_of(spec.block, spec.activation, spec.w2->group, "w2's group");
  check_optional_rotation(spec.rotation13, spec.signs13, spec.w13->K, kNamesOf13);
  check_optional_rotation(spec.rotation2, spec.signs2, spec.w2->K, kNamesOf2);
  check_signs("signs13", spec.signs13, spec.w13->K);
  check_signs("signs2", spec.signs2, spec.w2->K);
  return spec;
}

ternary_moe_operands rows_of(const ternary_moe_operands& all, int64_t m, int64_t rows) {
  ternary_moe_operands some = all;
  some.M = rows;
  some.x = rows_behind(all.x, all.x_dtype, all.ldx, m);
  if (all.x_scale != nullptr) some.x_scale = all.x_scale + m;
  some.expert_ids = all.expert_ids + m * all.ld_ids;
  some.expert_weights = rows_behind(all.expert_weights, all.expert_weights_dtype, all.ld_weights, m);
  some.y = rows_behind(all.y, all.y_dtype, all.ldy, m);
  some.residual = rows_behind(all.residual, all.residual_dtype, all.ld_residual, m);
  some.residual_out = rows_behind(all.residual_out, all.residual_dtype, all.ld_residual, m);
  return some;
}

const ternary_moe& check_moe(const ternary_moe* moe) {
  check_pointer("moe", moe, alignof(ternary_moe));
  return *moe;
}

const ternary_moe_operands& check_moe_operands(const ternary_moe& moe, const ternary_moe_operands* given,
                                               ternary_moe_operands& room) {
  const ternary_moe_operands& o = sized("operands", given, room, kFirstMoeBytes);
  const Slots slots = slots_of(o, moe.E());
  check_slots(slots);
  check_float_x(o.x, o.x_dtype, o.ldx, o.x_scale, o.M, moe.H());
  check_slot_weights(slot_weights_of(o), slots, moe.reads_weights());
  if (moe.skip_combine && o.residual != nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "residual is given; it must be null for a layer with skip_combine");
  }
  const Range inputs[] = {
      matrix_range("x", o.x, o.x_dtype, o.M, moe.H(), o.ldx), vector_range("x_scale", o.x_scale, o.M),
      matrix_range("expert_ids", o.expert_ids, TERNARY_F32, o.M, o.T, o.ld_ids),
      matrix_range("expert_weights", o.expert_weights, o.expert_weights_dtype, o.M, o.T, o.ld_weights)};
  check_slot_sums(slot_sums_of(o), o.M, moe.y_columns(o.T), moe.H(), inputs, 4);
  return o;
}

}  // namespace ternary

using namespace ternary;

ternary_moe::ternary_moe(const ternary_moe_spec& spec)
    : w13(*spec.w13),
      w2(*spec.w2),
      order(spec.gate_order),
      function(spec.gate_function),
      clamp(spec.clamp),
      scaling(spec.scaling),
      round_gate_up(spec.round_gate_up),
      round_activation(spec.round_activation),
      round_product(spec.round_product),
      round_expert(spec.round_expert),
      weight_on_input(spec.weight_on_input != 0),
      weight_before_rounding(spec.weight_before_rounding != 0),
      skip_combine(spec.skip_combine != 0),
      activation(spec.activation),
      block(spec.block),
      rotation13(spec.rotation13),
      rotation2(spec.rotation2),
      signs13_(copy_of(spec.signs13, spec.w13->K)),
      signs2_(copy_of(spec.signs2, spec.w2->K)) {
  retain(w13);  // nothing fails after it
  retain(w2);
}

GateTask ternary_moe::gate_task() const {
  GateTask task = {};
  task.order = order;
  task.function = function;
  task.limit = clamp;
  task.round_gate_up = round_gate_up;
  task.round_activation = round_activation;
  task.round_product = round_product;
  task.I = task.ldh = I();
  task.ld_in = 2 * I();
  return task;
}

RowRange ternary_moe::rows_of_part(int part, int64_t multiple) const {
  const RowRange all = {0, 2 * I()};
  if (x_parts() < 2 || order == TERNARY_INTERLEAVED) return all;
  if (row13(0, part) == 0) return {0, std::min(round_up(I(), multiple), all.end)};
  return {I() / multiple * multiple, all.end};
}

WeightUse ternary_moe::weight_use() const {
  return weight_before_rounding ? WeightUse::before_rounding
         : weight_on_input      ? WeightUse::used_before
                                : WeightUse::in_sum;
}

ternary_moe::~ternary_moe() {
  release(&w13);
  release(&w2);
}
