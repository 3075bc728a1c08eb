// The sums that the bound of A16 products is made of, from a problem's own numbers: x' is one rounding (norm and rotation:
// the same bits on both sides, but here they are computed in double).
#include "core/product/a16_bound.h"

#include <cmath>
#include <vector>

#include "abi/dtype.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** v of row m, column k: X with its scale and residual. */
double value_of(const Problem& p, int64_t m, int64_t k) {
  const ProblemSpec& s = p.spec();
  double v = load_float(p.x.data(), s.x_dtype, m * p.ldx() + k);
  if (!p.x_scale.empty()) v *= p.x_scale.as<float>()[m];
  if (s.residual) v += load_float(p.residual.data(), *s.residual, m * p.ld_residual() + k);
  return v;
}

double reciprocal_rms(const Problem& p, int64_t m) {
  double squares = 0;
  for (int64_t k = 0; k < p.spec().K; ++k) squares += value_of(p, m, k) * value_of(p, m, k);
  return 1 / std::sqrt(squares / static_cast<double>(p.spec().K) + double{p.eps});
}

/** Row m behind the norm and the rotation; the largest square of what the norm sums is left in `largest`. */
std::vector<double> prepared_row(const Problem& p, int64_t m, double& largest) {
  const ProblemSpec& s = p.spec();
  const double r = s.norm ? reciprocal_rms(p, m) : 1;
  std::vector<double> x(static_cast<size_t>(s.K));
  for (int64_t k = 0; k < s.K; ++k) {
    x[k] = value_of(p, m, k);
    largest = std::fmax(largest, x[k] * x[k]);
    if (s.norm) x[k] *= r * p.norm_weight.as<float>()[k];
    if (s.signs) x[k] *= p.signs.as<float>()[k];
  }
  for (int64_t stride = 1; stride < s.rotation; stride *= 2) {
    for (int64_t k = 0; k < s.K; ++k) {
      if ((k & stride) != 0) continue;
      const double a = x[k], b = x[k + stride];
      x[k] = (a + b) * std::sqrt(0.5);
      x[k + stride] = (a - b) * std::sqrt(0.5);
    }
  }
  return x;
}

}  // namespace

double a16_bound(const Problem& p, int64_t m, int64_t n, double expected) {
  const ProblemSpec& s = p.spec();
  A16Sums sums;
  const std::vector<double> row = prepared_row(p, m, sums.largest);
  for (int64_t k = 0; k < s.K; ++k) {
    const double x = row[k], w = p.w.as<int8_t>()[n * s.K + k], alpha = alpha_of(p, n, k);
    sums.magnitude += std::fabs(x * w * alpha);
    sums.largest = std::fmax(sums.largest, std::fabs(x * (s.kind == TERNARY_ALPHA_COLUMN ? alpha : 1)));
    sums.alphas += std::fabs(w * alpha);
  }
  if (!p.bias.empty()) sums.bias = std::fabs(double{p.bias.as<float>()[n]});
  return ternary::a16_bound(sums, s.K, s.y_dtype, expected);
}

}  // namespace ternary::test
