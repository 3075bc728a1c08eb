#include "core/product/product.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/sized.h"
#include "core/product/ranges.h"
#include "core/product/rotation.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_operands) >= kFirstOperandsBytes &&
                  sizeof(ternary_quantise_operands) >= kFirstQuantiseBytes,
              "operands only grow");

/** X, its type and its scale. */
void check_x(const void* x, ternary_dtype dtype, int64_t ldx, const float* x_scale, int64_t M, int64_t K,
             bool int8_allowed) {
  check_dtype("x_dtype", dtype);
  if (dtype == TERNARY_I8 && !int8_allowed) {
    fail(TERNARY_INVALID_ARGUMENT,
         "x_dtype is I8; it is allowed only for linear with A8, with x_scale and without rotation and alpha "
         "per column");
  }
  if (dtype == TERNARY_I8 && x_scale == nullptr) fail(TERNARY_INVALID_ARGUMENT, "x_scale is null; I8 needs it");
  if (dtype != TERNARY_I8 && dtype != TERNARY_F8_E4M3 && x_scale != nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "x_scale is given; it belongs to I8 and F8_E4M3 and must be null for other types");
  }
  check_vector("x_scale", x_scale);
  check_matrix("x", "ldx", x, dtype, M, K, ldx);
}

void check_residual(const ternary_operands& o, int64_t K, bool norm) {
  if (o.residual == nullptr) {
    if (o.residual_out != nullptr) fail(TERNARY_INVALID_ARGUMENT, "residual_out is given without residual");
    return;
  }
  if (!norm) fail(TERNARY_INVALID_ARGUMENT, "residual is given; it belongs to layers with norm_weight");
  check_float_dtype("residual_dtype", o.residual_dtype);
  check_matrix("residual", "ld_residual", o.residual, o.residual_dtype, o.M, K, o.ld_residual);
  check_pointer("residual_out", o.residual_out, dtype_bytes(o.residual_dtype));
}

}  // namespace

ActivationTask Product::activation_task() const {
  ActivationTask task = {};
  task.x = operands.x;
  task.x_dtype = operands.x_dtype;
  task.ldx = operands.ldx;
  task.x_scale = operands.x_scale;
  task.residual = operands.residual;
  task.residual_out = operands.residual_out;
  task.residual_dtype = operands.residual_dtype;
  task.ld_residual = operands.ld_residual;
  task.norm_weight = layer.norm_weight();
  task.eps = layer.eps;
  task.rotation = layer.rotation;
  task.signs = layer.signs();
  task.alpha_column = weights().column_alpha();
  task.K = weights().K;
  task.block = layer.block;
  return task;
}

GemmTask Product::gemm_task() const {
  GemmTask task = {};
  task.w = weights().codes.get();
  task.alpha = weights().alpha.data();
  task.group = weights().group;
  task.block = layer.block;
  task.bias = layer.bias();
  task.y = operands.y;
  task.y_dtype = operands.y_dtype;
  task.ldy = operands.ldy;
  task.M = operands.M;
  task.N = weights().N;
  task.K = weights().K;
  return task;
}

ActivationTask quantise_task(const ternary_quantise_operands& operands) {
  ActivationTask task = {};
  task.x = operands.x;
  task.x_dtype = operands.x_dtype;
  task.ldx = operands.ldx;
  task.x_scale = operands.x_scale;
  task.rotation = operands.rotation;
  task.signs = operands.rotation_signs;
  task.alpha_column = operands.alpha_column;
  task.K = operands.K;
  task.block = operands.block;
  task.q = operands.q;
  task.ldq = operands.ldq;
  task.padded = operands.K;
  task.s = operands.s;
  return task;
}

void check_rows(int64_t M) {
  if (M < 1 || M > kMaxM) fail(TERNARY_INVALID_ARGUMENT, "M is %" PRId64 "; it must be 1 to %" PRId64, M, kMaxM);
}

void check_float_x(const void* x, ternary_dtype dtype, int64_t ldx, const float* x_scale, int64_t M, int64_t K) {
  check_x(x, dtype, ldx, x_scale, M, K, false);
}

const ternary_layer& check_layer(const ternary_layer* layer) {
  check_pointer("layer", layer, alignof(ternary_layer));
  return *layer;
}

const ternary_operands& check_operands(const ternary_layer& layer, const ternary_operands* given,
                                       ternary_operands& room) {
  const ternary_operands& o = sized("operands", given, room, kFirstOperandsBytes);
  check_rows(o.M);
  const int64_t N = layer.weights.N, K = layer.weights.K;
  const bool norm = layer.has_norm();
  const bool int8_allowed =
      !norm && layer.rotation == 0 && layer.activation == TERNARY_A8 && layer.weights.column_alpha() == nullptr;
  check_x(o.x, o.x_dtype, o.ldx, o.x_scale, o.M, K, int8_allowed);
  check_float_dtype("y_dtype", o.y_dtype);
  check_matrix("y", "ldy", o.y, o.y_dtype, o.M, N, o.ldy);
  check_residual(o, K, norm);

  const Range y = matrix_range("y", o.y, o.y_dtype, o.M, N, o.ldy);
  const Range residual = matrix_range("residual", o.residual, o.residual_dtype, o.M, K, o.ld_residual);
  const Range residual_out = matrix_range("residual_out", o.residual_out, o.residual_dtype, o.M, K, o.ld_residual);
  const int64_t scales = o.x_dtype == TERNARY_I8 ? scales_of_row(K, layer.block) : 1;
  const Range inputs[] = {matrix_range("x", o.x, o.x_dtype, o.M, K, o.ldx),
                          vector_range("x_scale", o.x_scale, o.M * scales), residual};
  check_apart(y, inputs, 3);
  check_apart(y, &residual_out, 1);
  check_apart(residual_out, inputs, o.residual_out == o.residual ? 2 : 3);
  return o;
}

const ternary_quantise_operands& check_quantise(const ternary_quantise_operands* given,
                                                ternary_quantise_operands& room) {
  const ternary_quantise_operands& o = sized("operands", given, room, kFirstQuantiseBytes);
  check_rows(o.M);
  check_shape(1, o.K);
  check_float_x(o.x, o.x_dtype, o.ldx, o.x_scale, o.M, o.K);
  check_vector("alpha_column", o.alpha_column);
  check_block(o.block);
  check_optional_rotation(o.rotation, o.rotation_signs, o.K);
  check_matrix("q", "ldq", o.q, TERNARY_I8, o.M, o.K, o.ldq);
  check_pointer("s", o.s, alignof(float));
  const Range q = matrix_range("q", o.q, TERNARY_I8, o.M, o.K, o.ldq);
  const Range s = vector_range("s", o.s, o.M * scales_of_row(o.K, o.block));
  const Range inputs[] = {matrix_range("x", o.x, o.x_dtype, o.M, o.K, o.ldx), vector_range("x_scale", o.x_scale, o.M),
                          vector_range("alpha_column", o.alpha_column, o.K),
                          vector_range("rotation_signs", o.rotation_signs, o.K)};
  check_apart(q, inputs, 4);
  check_apart(s, inputs, 4);
  check_apart(q, &s, 1);
  return o;
}

}  // namespace ternary
