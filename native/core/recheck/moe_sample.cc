#include "core/recheck/moe_sample.h"

#include "abi/dtype.h"
#include "core/base/float_environment.h"
#include "core/experts/oracle.h"
#include "core/judge/differences.h"
#include "core/judge/spread.h"

namespace ternary {

MoeSample::MoeSample(const ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& o)
    : runtime_(runtime),
      moe_(moe),
      operands_(o),
      rows_(spread(o.M, kValidatedRows)),
      columns_(spread(moe.y_columns(o.T), kValidatedColumns)),
      x_(copied_rows(o.x, o.x_dtype, o.ldx, moe.H(), rows_)),
      ids_(copied_rows(o.expert_ids, TERNARY_F32, o.ld_ids, o.T, rows_)),  // as wide as ids
      weights_(copied_rows(o.expert_weights, o.expert_weights_dtype, o.ld_weights, o.T, rows_)),
      residual_(copied_rows(o.residual, o.residual_dtype, o.ld_residual, moe.H(), rows_)),
      overwritten_(overwritten_residual(o, moe.H())) {
  for (const int64_t m : rows_) {
    if (o.x_scale != nullptr) x_scale_.push_back(o.x_scale[m]);
  }
}

bool MoeSample::right() {
  const FloatEnvironment environment;
  const ternary_moe_operands& o = operands_;
  const int64_t columns = moe_.y_columns(o.T), H = moe_.H();
  Bytes y(rows_.size() * static_cast<size_t>(columns * dtype_bytes(o.y_dtype))), residual_out(residual_.size());
  ternary_moe_operands few = o;
  few.M = static_cast<int64_t>(rows_.size());
  few.x = x_.data();
  few.ldx = few.ld_residual = H;
  few.x_scale = x_scale_.empty() ? nullptr : x_scale_.data();
  few.expert_ids = reinterpret_cast<const int32_t*>(ids_.data());
  few.expert_weights = weights_.empty() ? nullptr : weights_.data();
  few.ld_ids = few.ld_weights = o.T;
  few.y = y.data();
  few.ldy = columns;
  if (o.residual != nullptr) few.residual = residual_.data(), few.residual_out = residual_out.data();
  oracle::apply_moe(moe_, few);
  for (size_t i = 0; i < rows_.size(); ++i) {
    const int64_t m = rows_[i], row = static_cast<int64_t>(i);
    for (const int64_t n : columns_) {
      if (!same_float(load_float(o.y, o.y_dtype, m * o.ldy + n), load_float(few.y, o.y_dtype, row * columns + n))) {
        return false;
      }
    }
    for (int64_t h = 0; o.residual != nullptr && h < H; ++h) {
      if (!same_float(load_float(o.residual_out, o.residual_dtype, m * o.ld_residual + h),
                      load_float(few.residual_out, o.residual_dtype, row * H + h))) {
        return false;
      }
    }
  }
  return true;
}

bool MoeSample::makes_rows_ready(const Kernel& kernel) const {
  const FloatEnvironment environment;
  ActivationTask task = {};
  task.x = x_.data();
  task.x_dtype = operands_.x_dtype;
  task.ldx = task.K = moe_.H();
  task.x_scale = x_scale_.empty() ? nullptr : x_scale_.data();
  task.rotation = moe_.rotation13;
  task.signs = moe_.signs13();
  task.block = moe_.block;
  const int64_t unit = unit_columns(moe_.w13.group, moe_.block);
  return makes_oracles_rows(kernel, task, static_cast<int64_t>(rows_.size()), unit, moe_.activation);
}

RowSet MoeSample::depends_on(const Witness& witness) const { return rows_of(witness); }

RowSet MoeSample::suspects(const Witness& witness) const {
  RowSet rows = {};
  if (runtime_.accelerator() == nullptr && !makes_rows_ready(runtime_.activation_kernel())) {
    rows.add(runtime_.row(runtime_.activation_kernel()));
    return rows;
  }
  for (const Served& served : witness) {
    if (served.path.op == Op::moe_gate_up || served.path.op == Op::moe_down) rows.add(served.path.row);
  }
  return rows;
}

}  // namespace ternary
