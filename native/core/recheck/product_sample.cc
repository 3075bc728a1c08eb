#include "core/recheck/product_sample.h"

#include "abi/dtype.h"
#include "core/base/float_environment.h"
#include "core/judge/differences.h"
#include "core/judge/spread.h"
#include "core/product/a16_bound.h"
#include "core/product/oracle.h"

namespace ternary {
namespace {

std::vector<float> copied_scales(const Product& product, const std::vector<int64_t>& rows) {
  const ternary_operands& o = product.operands;
  const int64_t scales = o.x_dtype == TERNARY_I8 ? scales_of_row(product.weights().K, product.layer.block) : 1;
  std::vector<float> copied;
  for (const int64_t m : rows) {
    if (o.x_scale != nullptr) copied.insert(copied.end(), o.x_scale + m * scales, o.x_scale + (m + 1) * scales);
  }
  return copied;
}

/** As Y of a type holds it. */
float stored(float value, ternary_dtype dtype) {
  float room = 0;
  store_float(&room, dtype, 0, value);
  return load_float(&room, dtype, 0);
}

}  // namespace

ProductSample::ProductSample(const ternary_runtime& runtime, const Product& product)
    : runtime_(runtime),
      product_(product),
      rows_(spread(product.M(), kValidatedRows)),
      columns_(spread(product.weights().N, kValidatedColumns)),
      x_(copied_rows(product.operands.x, product.operands.x_dtype, product.operands.ldx, product.weights().K, rows_)),
      residual_(copied_rows(product.operands.residual, product.operands.residual_dtype, product.operands.ld_residual,
                            product.weights().K, rows_)),
      x_scale_(copied_scales(product, rows_)),
      overwritten_(overwritten_residual(product.operands, product.weights().K)) {}

ternary_operands ProductSample::packed(void* residual_out) const {
  ternary_operands few = product_.operands;
  few.M = static_cast<int64_t>(rows_.size());
  few.x = x_.data();
  few.ldx = few.ld_residual = product_.weights().K;
  few.x_scale = x_scale_.empty() ? nullptr : x_scale_.data();
  if (few.residual != nullptr) {
    few.residual = residual_.data();
    few.residual_out = residual_out;
  }
  return few;
}

bool ProductSample::right() {
  const FloatEnvironment environment;
  Bytes residual_out(residual_.size());
  const ternary_operands few = packed(residual_out.data());
  const Product product = {product_.layer, few};
  const OracleRows ready(product);
  const GemmTask task = ready.task(product);
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (row_is_right(product, ready, task, static_cast<int64_t>(i))) continue;
    wrong_row_ = rows_[i];
    return false;
  }
  return true;
}

bool ProductSample::row_is_right(const Product& few, const OracleRows& ready, const GemmTask& task, int64_t i) const {
  const ternary_operands& o = product_.operands;
  const int64_t m = rows_[i], K = product_.weights().K;
  for (const int64_t n : columns_) {
    const float expected = stored(oracle::gemm_element(task, product_.weights().layout, i, n), o.y_dtype);
    const float y = load_float(o.y, o.y_dtype, m * o.ldy + n);
    if (same_float(y, expected)) continue;
    if (ready.f.empty() || !within(a16_bound_of(few, ready, i, n, expected), y, expected)) return false;
  }
  for (int64_t k = 0; o.residual != nullptr && k < K; ++k) {
    const float expected = load_float(few.operands.residual_out, o.residual_dtype, i * K + k);
    if (!same_float(load_float(o.residual_out, o.residual_dtype, m * o.ld_residual + k), expected)) return false;
  }
  return true;
}

bool ProductSample::makes_rows_ready(const Kernel& kernel) const {
  const FloatEnvironment environment;
  const ternary_operands few = packed(nullptr);
  const Product product = {product_.layer, few};
  return makes_oracles_rows(kernel, product.activation_task(), few.M, product_.unit(), product_.layer.activation);
}

RowSet ProductSample::depends_on(const Witness& witness) const {
  RowSet rows = rows_of(witness);
  if (runtime_.accelerator() == nullptr) rows.add(runtime_.row(runtime_.activation_kernel()));
  return rows;
}

RowSet ProductSample::suspects(const Witness& witness) const {
  RowSet rows = {};
  if (runtime_.accelerator() == nullptr && !makes_rows_ready(runtime_.activation_kernel())) {
    rows.add(runtime_.row(runtime_.activation_kernel()));
    return rows;
  }
  const Served* suspect = nullptr;
  for (const Served& served : witness) {
    const bool product = served.path.op == Op::linear || served.path.op == Op::rmsnorm_linear;
    if (product && served.first_row <= wrong_row_) suspect = &served;
  }
  if (suspect != nullptr) rows.add(suspect->path.row);
  return rows;
}

}  // namespace ternary
