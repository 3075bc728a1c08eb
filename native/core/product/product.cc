#include "core/product/product.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** A named range of memory; empty if the pointer is null. */
struct Range {
  const char* name;
  const void* pointer;
  int64_t bytes;
};

Range vector_range(const char* name, const float* pointer, int64_t count) {
  return {name, pointer, count * static_cast<int64_t>(sizeof(float))};
}

Range matrix_range(const char* name, const void* pointer, ternary_dtype dtype, int64_t rows, int64_t columns,
                   int64_t ld) {
  return {name, pointer, ((rows - 1) * ld + columns) * dtype_bytes(dtype)};
}

void check_apart(const Range& output, const Range* inputs, int count) {
  for (int i = 0; i < count; ++i) {
    if (output.pointer == nullptr || inputs[i].pointer == nullptr) continue;
    check_no_overlap(output.name, output.pointer, output.bytes, inputs[i].name, inputs[i].pointer, inputs[i].bytes);
  }
}

void check_matrix(const char* name, const char* ld_name, const void* pointer, ternary_dtype dtype, int64_t rows,
                  int64_t columns, int64_t ld) {
  check_pointer(name, pointer, dtype_bytes(dtype));
  check_stride(ld_name, ld, columns, rows, dtype_bytes(dtype));
}

void check_vector(const char* name, const float* pointer) {
  if (pointer != nullptr) check_pointer(name, pointer, alignof(float));
}

/** X, its type and its scale. */
void check_x(const void* x, ternary_dtype dtype, int64_t ldx, const float* x_scale, int64_t M, int64_t K,
             bool int8_allowed) {
  check_dtype("x_dtype", dtype);
  if (dtype == TERNARY_I8 && !int8_allowed) {
    fail(TERNARY_INVALID_ARGUMENT,
         "x_dtype is I8; it is allowed only for linear with A8, with x_scale and without alpha "
         "per column");
  }
  if (dtype == TERNARY_I8 && x_scale == nullptr) fail(TERNARY_INVALID_ARGUMENT, "x_scale is null; I8 needs it");
  if (dtype != TERNARY_I8 && dtype != TERNARY_F8_E4M3 && x_scale != nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "x_scale is given; it belongs to I8 and F8_E4M3 and must be null for other types");
  }
  check_vector("x_scale", x_scale);
  check_matrix("x", "ldx", x, dtype, M, K, ldx);
}

void check_residual(const Product& p) {
  if (p.residual == nullptr) {
    if (p.residual_out != nullptr) fail(TERNARY_INVALID_ARGUMENT, "residual_out is given without residual");
    return;
  }
  check_float_dtype("residual_dtype", p.residual_dtype);
  check_matrix("residual", "ld_residual", p.residual, p.residual_dtype, p.M, p.weights->K, p.ld_residual);
  check_pointer("residual_out", p.residual_out, dtype_bytes(p.residual_dtype));
}

void check_norm(const Product& p) {
  check_pointer("norm_weight", p.norm_weight, alignof(float));
  if (!is_finite(p.eps) || p.eps <= 0) {
    fail(TERNARY_INVALID_ARGUMENT, "eps is %g; it must be finite and greater than 0", static_cast<double>(p.eps));
  }
  check_residual(p);
}

}  // namespace

ActivationTask Product::activation_task() const {
  ActivationTask task = {};
  task.x = x;
  task.x_dtype = x_dtype;
  task.ldx = ldx;
  task.x_scale = x_scale;
  task.residual = residual;
  task.residual_out = residual_out;
  task.residual_dtype = residual_dtype;
  task.ld_residual = ld_residual;
  task.norm_weight = norm_weight;
  task.eps = eps;
  task.alpha_column = weights->column_alpha();
  task.K = weights->K;
  return task;
}

GemmTask Product::gemm_task() const {
  GemmTask task = {};
  task.w = weights->codes;
  task.alpha = weights->alpha.data();
  task.group = weights->group;
  task.bias = bias;
  task.y = y;
  task.y_dtype = y_dtype;
  task.ldy = ldy;
  task.M = M;
  task.N = weights->N;
  task.K = weights->K;
  return task;
}

void check_rows(int64_t M) {
  if (M < 1 || M > kMaxM) fail(TERNARY_INVALID_ARGUMENT, "M is %" PRId64 "; it must be 1 to %" PRId64, M, kMaxM);
}

void check_product(const Product& p) {
  check_pointer("weights", p.weights, alignof(ternary_weights));
  check_activation(p.activation);
  check_rows(p.M);
  const int64_t N = p.weights->N, K = p.weights->K;
  const bool int8_allowed = !p.norm && p.activation == TERNARY_A8 && p.weights->column_alpha() == nullptr;
  check_x(p.x, p.x_dtype, p.ldx, p.x_scale, p.M, K, int8_allowed);
  check_float_dtype("y_dtype", p.y_dtype);
  check_matrix("y", "ldy", p.y, p.y_dtype, p.M, N, p.ldy);
  check_vector("bias", p.bias);
  if (p.norm) check_norm(p);

  const Range y = matrix_range("y", p.y, p.y_dtype, p.M, N, p.ldy);
  const Range residual = matrix_range("residual", p.residual, p.residual_dtype, p.M, K, p.ld_residual);
  const Range residual_out = matrix_range("residual_out", p.residual_out, p.residual_dtype, p.M, K, p.ld_residual);
  const Range inputs[] = {matrix_range("x", p.x, p.x_dtype, p.M, K, p.ldx), vector_range("x_scale", p.x_scale, p.M),
                          vector_range("bias", p.bias, N), vector_range("norm_weight", p.norm_weight, K), residual};
  check_apart(y, inputs, 5);
  check_apart(y, &residual_out, 1);
  check_apart(residual_out, inputs, p.residual_out == p.residual ? 4 : 5);
}

void check_quantise(const ActivationTask& task, int64_t M) {
  check_rows(M);
  check_shape(1, task.K);
  check_x(task.x, task.x_dtype, task.ldx, task.x_scale, M, task.K, false);
  check_vector("alpha_column", task.alpha_column);
  check_matrix("q", "ldq", task.q, TERNARY_I8, M, task.K, task.ldq);
  check_pointer("s", task.s, alignof(float));
  const Range q = matrix_range("q", task.q, TERNARY_I8, M, task.K, task.ldq), s = vector_range("s", task.s, M);
  const Range inputs[] = {matrix_range("x", task.x, task.x_dtype, M, task.K, task.ldx),
                          vector_range("x_scale", task.x_scale, M),
                          vector_range("alpha_column", task.alpha_column, task.K)};
  check_apart(q, inputs, 3);
  check_apart(s, inputs, 3);
  check_apart(q, &s, 1);
}

}  // namespace ternary
