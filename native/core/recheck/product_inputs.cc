#include "core/recheck/product_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "abi/dtype.h"
#include "core/product/a16_bound.h"
#include "core/product/oracle.h"
#include "core/weights/layout.h"

namespace ternary {

Bytes copied_rows(const void* matrix, ternary_dtype dtype, int64_t ld, int64_t columns,
                  const std::vector<int64_t>& rows) {
  if (matrix == nullptr) return {};
  const auto row_bytes = static_cast<size_t>(columns * dtype_bytes(dtype));
  Bytes bytes(rows.size() * row_bytes);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto* row = static_cast<const uint8_t*>(matrix) + rows[i] * ld * dtype_bytes(dtype);
    std::memcpy(bytes.data() + i * row_bytes, row, row_bytes);
  }
  return bytes;
}

KeptMatrix::KeptMatrix(void* matrix, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld)
    : matrix_(static_cast<uint8_t*>(matrix)),
      rows_(rows),
      row_bytes_(columns * dtype_bytes(dtype)),
      stride_bytes_(ld * dtype_bytes(dtype)),
      bytes_(matrix == nullptr ? 0 : rows * row_bytes_) {
  for (int64_t m = 0; matrix_ != nullptr && m < rows_; ++m) {
    std::memcpy(bytes_.data() + m * row_bytes_, matrix_ + m * stride_bytes_, row_bytes_);
  }
}

void KeptMatrix::restore() const {
  for (int64_t m = 0; matrix_ != nullptr && m < rows_; ++m) {
    std::memcpy(matrix_ + m * stride_bytes_, bytes_.data() + m * row_bytes_, row_bytes_);
  }
}

OracleRows::OracleRows(const Product& product)
    : K(product.weights().K), scales(scales_of_row(K, product.layer.block)), sums(sums_of_row(K, product.unit())) {
  const int64_t M = product.M();
  ActivationTask task = product.activation_task();
  task.ldq = task.ldf = task.padded = K;
  if (product.layer.activation == TERNARY_A8) {
    q.resize(M * K), s.resize(M * scales), q_sums.resize(M * sums);
    task.unit = product.unit();
    task.q = q.data(), task.s = s.data(), task.q_sums = q_sums.data();
  } else {
    f.resize(M * K);
    task.f = f.data();
  }
  oracle::activations(task, M);
}

GemmTask OracleRows::task(const Product& product) const {
  GemmTask task = product.gemm_task();
  task.ldq = task.ldf = K;
  if (q.empty()) {
    task.f = f.data();
  } else {
    task.q = q.data(), task.s = s.data(), task.q_sums = q_sums.data();
  }
  return task;
}

double a16_bound_of(const Product& product, const OracleRows& rows, int64_t row, int64_t n, double expected) {
  const ternary_weights& w = product.weights();
  const int64_t groups = w.group == 0 ? 1 : ceil_div(w.K, w.group);
  A16Sums sums;
  for (int64_t k = 0; k < w.K; ++k) {
    const double x = std::fabs(double{rows.f[row * w.K + k]});
    sums.largest = std::fmax(sums.largest, std::isnan(x) ? HUGE_VAL : x);
    if (code_at(w.codes.get(), w.layout, w.K, n, k) == 1) continue;
    const int64_t place = w.group == 0 ? n : group_alpha(n, k / w.group, groups);
    const double alpha = std::fabs(double{w.alpha.data()[place]});
    sums.magnitude += x * alpha;
    sums.alphas += alpha;
  }
  if (product.layer.bias() != nullptr) sums.bias = std::fabs(double{product.layer.bias()[n]});
  return a16_bound(sums, w.K, product.operands.y_dtype, expected);
}

}  // namespace ternary
