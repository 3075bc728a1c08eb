// The bound of A16 products on a GPU. Both sums are of the same K products x' * w * alpha, exact but for the roundings
// that every order has: each of at most K + K / 32 + 8 additions is off by at most 2^-23 of the partial sums, which are
// at most the sum of magnitudes (2^-23: tensor cores may truncate). x' itself is one rounding (norm and
// rotation: the same bits on both sides, but here they are computed in double), and what lies below bf16's smallest denormal is not seen by its
// planes.
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

/** Half the distance of neighbours around y in a type, and of its denormals. */
double rounding(ternary_dtype dtype, double y) {
  switch (dtype) {
    case TERNARY_F16: return std::fabs(y) * 0x1p-11 + 0x1p-25;
    case TERNARY_BF16: return std::fabs(y) * 0x1p-8 + 0x1p-133;
    default: return std::fabs(y) * 0x1p-24 + 0x1p-149;
  }
}

}  // namespace

double a16_bound(const Problem& p, int64_t m, int64_t n, double expected) {
  const ProblemSpec& s = p.spec();
  double magnitude = 0, alphas = 0, largest = 0;
  const std::vector<double> row = prepared_row(p, m, largest);
  for (int64_t k = 0; k < s.K; ++k) {
    const double x = row[k], w = p.w.as<int8_t>()[n * s.K + k], alpha = alpha_of(p, n, k);
    magnitude += std::fabs(x * w * alpha);
    largest = std::fmax(largest, std::fabs(x * (s.kind == TERNARY_ALPHA_COLUMN ? alpha : 1)));
    alphas += std::fabs(w * alpha);
  }
  const double bias = p.bias.empty() ? 0 : std::fabs(double{p.bias.as<float>()[n]});
  const double reach = magnitude + bias, K = static_cast<double>(s.K);
  const double most = s.y_dtype == TERNARY_F16 ? 60000 : 1e37;
  if (!(reach < most) || !(largest < 1e37) || !(alphas < 1e37) || !std::isfinite(expected)) return -1;
  return 2 * ((K + K / 32 + 8) * 0x1p-23 * reach + alphas * 0x1p-132) +
         2 * rounding(s.y_dtype, std::fabs(expected) + reach * 0x1p-10);
}

}  // namespace ternary::test
