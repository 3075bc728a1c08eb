#include "core/recheck/quantise_sample.h"

#include "core/base/float_environment.h"
#include "core/judge/differences.h"
#include "core/judge/spread.h"
#include "core/product/oracle.h"

namespace ternary {

QuantiseSample::QuantiseSample(const ternary_quantise_operands& o)
    : operands_(o),
      rows_(spread(o.M, kValidatedRows)),
      columns_(spread(o.K, kValidatedColumns)),
      x_(copied_rows(o.x, o.x_dtype, o.ldx, o.K, rows_)) {
  for (const int64_t m : rows_) {
    if (o.x_scale != nullptr) x_scale_.push_back(o.x_scale[m]);
  }
}

bool QuantiseSample::right() const {
  const FloatEnvironment environment;
  const ternary_quantise_operands& o = operands_;
  const int64_t scales = scales_of_row(o.K, o.block);
  std::vector<int8_t> q(rows_.size() * o.K);
  std::vector<float> s(rows_.size() * scales);
  ternary_quantise_operands few = o;
  few.M = static_cast<int64_t>(rows_.size());
  few.x = x_.data();
  few.ldx = few.ldq = o.K;
  few.x_scale = x_scale_.empty() ? nullptr : x_scale_.data();
  few.q = q.data();
  few.s = s.data();
  oracle::activations(quantise_task(few), few.M);
  for (size_t i = 0; i < rows_.size(); ++i) {
    for (const int64_t k : columns_) {
      if (o.q[rows_[i] * o.ldq + k] != q[i * o.K + k]) return false;
    }
    for (int64_t b = 0; b < scales; ++b) {
      if (!same_float(o.s[rows_[i] * scales + b], s[i * scales + b])) return false;
    }
  }
  return true;
}

}  // namespace ternary
