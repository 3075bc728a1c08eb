#include "core/product/oracle_product.h"

#include <type_traits>
#include <vector>

#include "abi/dtype.h"
#include "core/product/oracle.h"

namespace ternary::oracle {
namespace {

template <typename T>
T* row_of(T* matrix, ternary_dtype dtype, int64_t ld, int64_t m) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return matrix == nullptr ? nullptr : static_cast<Byte*>(matrix) + m * ld * dtype_bytes(dtype);
}

/** The operands of one row of X, whose scales are `scales` where it is int8. */
ternary_operands operands_of_row(const ternary_operands& operands, int64_t scales, int64_t m) {
  ternary_operands row = operands;
  row.x = row_of(operands.x, operands.x_dtype, operands.ldx, m);
  row.x_scale =
      operands.x_scale == nullptr ? nullptr : operands.x_scale + m * (operands.x_dtype == TERNARY_I8 ? scales : 1);
  row.residual = row_of(operands.residual, operands.residual_dtype, operands.ld_residual, m);
  row.residual_out = row_of(operands.residual_out, operands.residual_dtype, operands.ld_residual, m);
  row.y = row_of(operands.y, operands.y_dtype, operands.ldy, m);
  row.M = 1;
  return row;
}

}  // namespace

void apply(const Product& product) {
  const int64_t K = product.weights().K, scales = scales_of_row(K, product.layer.block);
  const bool a8 = product.layer.activation == TERNARY_A8;
  std::vector<int8_t> q(a8 ? K : 0);  // of one row, so that memory does not grow with M
  std::vector<float> f(a8 ? 0 : K);
  std::vector<float> s(a8 ? scales : 0);
  for (int64_t m = 0; m < product.M(); ++m) {
    const ternary_operands operands = operands_of_row(product.operands, scales, m);
    const Product row = {product.layer, operands};
    ActivationTask rows = row.activation_task();
    GemmTask task = row.gemm_task();
    task.ldq = rows.ldq = task.ldf = rows.ldf = rows.padded = K;
    if (a8) {
      task.q = rows.q = q.data();
      task.s = rows.s = s.data();
    } else {
      task.f = rows.f = f.data();
    }
    activations(rows, 1);
    gemm(task, product.weights().layout);
  }
}

}  // namespace ternary::oracle
