#include "core/recheck/product_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "abi/dtype.h"
#include "core/judge/differences.h"
#include "core/product/a16_bound.h"
#include "core/product/oracle.h"
#include "core/runtime/plan.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

bool same_floats(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_float(a[i], b[i])) return false;
  }
  return true;
}

/** Of two matrices, which may be empty. */
bool same_elements(const Bytes& a, const Bytes& b, ternary_dtype dtype, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (!same_float(load_float(a.data(), dtype, i), load_float(b.data(), dtype, i))) return false;
  }
  return true;
}

}  // namespace

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

MadeRows::MadeRows(const ActivationTask& task, int64_t M, int64_t unit_of_product, ternary_activation activation)
    : K(task.K), unit(unit_of_product) {
  if (activation == TERNARY_A8) {
    q.assign(M * K, 0x55);
    s.assign(M * scales_of_row(K, task.block), -1.0f);
    q_sums.assign(M * sums_of_row(K, unit), 0x55555555);
  } else {
    f.assign(M * K, -1.0f);
  }
}

ActivationTask MadeRows::into(const ActivationTask& task) {
  ActivationTask full = task;
  full.ldq = full.ldf = full.padded = K;
  if (f.empty()) {
    full.unit = unit;
    full.q = q.data(), full.s = s.data(), full.q_sums = q_sums.data();
  } else {
    full.f = f.data();
  }
  return full;
}

bool MadeRows::same(const MadeRows& other) const {
  return q == other.q && q_sums == other.q_sums && same_floats(s, other.s) && same_floats(f, other.f);
}

OracleRows::OracleRows(const Product& product)
    : MadeRows(product.activation_task(), product.M(), product.unit(), product.layer.activation) {
  oracle::activations(into(product.activation_task()), product.M());
}

GemmTask OracleRows::task(const Product& product) const {
  GemmTask task = product.gemm_task();
  task.ldq = task.ldf = K;
  if (f.empty()) {
    task.q = q.data(), task.s = s.data(), task.q_sums = q_sums.data();
  } else {
    task.f = f.data();
  }
  return task;
}

bool makes_oracles_rows(const Kernel& kernel, const ActivationTask& task, int64_t M, int64_t unit,
                        ternary_activation activation) {
  const int64_t sum_elements = task.residual == nullptr ? 0 : (M - 1) * task.ld_residual + task.K;
  Bytes sum(sum_elements * dtype_bytes(task.residual_dtype)), expected_sum(sum.size());
  MadeRows made(task, M, unit, activation), expected = made;
  ActivationTask by_kernel = made.into(task), by_oracle = expected.into(task);
  by_kernel.residual_out = sum.empty() ? nullptr : sum.data();
  by_oracle.residual_out = sum.empty() ? nullptr : expected_sum.data();
  oracle::activations(by_oracle, M);
  constexpr int64_t kAligned = kScratchAlignment / sizeof(float);
  std::vector<float> scratch(activation_scratch(task.K) + kAligned);
  const auto place = static_cast<int64_t>(reinterpret_cast<uintptr_t>(scratch.data()) / sizeof(float) % kAligned);
  kernel.rows.activations(by_kernel, 0, M, scratch.data() + (kAligned - place) % kAligned);
  return made.same(expected) && same_elements(sum, expected_sum, task.residual_dtype, sum_elements);
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
