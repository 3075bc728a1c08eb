/** The oracle's layers of experts. */
#include <algorithm>
#include <vector>

#include "abi/dtype.h"
#include "abi/kernel.h"
#include "core/experts/oracle.h"
#include "core/product/gate.h"
#include "core/product/oracle.h"

namespace ternary::oracle {
namespace {

using Floats = std::vector<float>;

/** What is done to the rows before a product with one expert's matrix. */
struct Rotation {
  int64_t columns;
  const float* signs;
};

/** v as the layer reads it, times expert e's matrix; column alphas are those of the part. */
Floats product(const ternary_moe& moe, const ternary_weights& weights, int64_t e, int part, const Rotation& rotation,
               const Floats& v) {
  const bool a8 = moe.activation == TERNARY_A8;
  const int64_t K = weights.K;
  std::vector<int8_t> q(a8 ? K : 0);
  Floats s(a8 ? scales_of_row(K, moe.block) : 0), f(a8 ? 0 : K), y(weights.N);

  ActivationTask row = {};
  row.x = v.data();
  row.x_dtype = TERNARY_F32;
  row.rotation = rotation.columns;
  row.signs = rotation.signs;
  row.alpha_column = weights.expert_column_alpha(e, part);
  row.K = row.ldx = row.ldq = row.ldf = row.padded = K;
  row.block = moe.block;
  GemmTask task = {};
  if (a8) {
    task.q = row.q = q.data();
    task.s = row.s = s.data();
  } else {
    task.f = row.f = f.data();
  }
  activations(row, 1);

  task.ldq = task.ldf = K;
  task.block = moe.block;
  task.w = weights.expert_codes(e);
  task.alpha = weights.expert_alpha(e);
  task.group = weights.group;
  task.y = y.data();
  task.y_dtype = TERNARY_F32;
  task.ldy = task.N = weights.N;
  task.M = 1;
  task.K = K;
  gemm(task, weights.layout);
  return y;
}

/** Gates and ups, in the order of W13's rows. */
Floats gates_and_ups(const ternary_moe& moe, int64_t e, const Floats& x) {
  const Rotation rotation = {moe.rotation13, moe.signs13()};
  Floats y = product(moe, moe.w13, e, 0, rotation, x);
  if (moe.w13.column_alphas < 2) return y;
  const Floats of_up = product(moe, moe.w13, e, 1, rotation, x);
  for (int64_t i = 0; i < moe.I(); ++i) y[moe.row13(i, 1)] = of_up[moe.row13(i, 1)];
  return y;
}

Floats gated(const ternary_moe& moe, const Floats& y) {
  Floats h(moe.I());
  GateTask task = moe.gate_task();
  task.in = task.up_in = y.data();
  task.h = h.data();
  gate(task, 1);
  return h;
}

/** d of one row and slot, whose weight is w. */
Floats expert(const ternary_moe& moe, int64_t e, Floats x, float w) {
  for (int64_t k = 0; moe.weight_on_input && k < moe.H(); ++k) x[k] = x[k] * w;
  const Floats h = gated(moe, gates_and_ups(moe, e, x));
  Floats d = product(moe, moe.w2, e, 0, {moe.rotation2, moe.signs2()}, h);
  for (float& value : d) value = round_float(moe.weight_before_rounding ? w * value : value, moe.round_expert);
  return d;
}

/** Row m of X as fp32. */
Floats row_of(const ternary_moe_operands& o, int64_t H, int64_t m) {
  Floats x(H);
  for (int64_t k = 0; k < H; ++k) {
    x[k] = load_float(o.x, o.x_dtype, m * o.ldx + k);
    if (o.x_scale != nullptr) x[k] = x[k] * o.x_scale[m];
  }
  return x;
}

}  // namespace

void apply_moe(const ternary_moe& moe, const ternary_moe_operands& o) {
  const Slots slots = slots_of(o, moe.E());
  const SlotWeights weights = slot_weights_of(o);
  const SlotWeights used = {};
  for (int64_t m = 0; m < o.M; ++m) {
    const Floats x = row_of(o, moe.H(), m);
    Floats d(o.T * moe.H(), 0.0f);
    for (int64_t t = 0; t < o.T; ++t) {
      if (slots.id(m, t) == -1) continue;
      const float w = moe.reads_weights() ? load_float(weights.weights, weights.dtype, m * weights.ld + t) : 1;
      const Floats of_slot = expert(moe, slots.id(m, t), x, w);
      std::copy(of_slot.begin(), of_slot.end(), d.begin() + t * moe.H());
    }
    if (moe.skip_combine) {
      for (size_t i = 0; i < d.size(); ++i) store_float(o.y, o.y_dtype, m * o.ldy + static_cast<int64_t>(i), d[i]);
    } else {
      sum_slots(slots, moe.weighs_sum() ? weights : used, d, moe.scaling, slot_sums_of(o), m);
    }
  }
}

}  // namespace ternary::oracle
