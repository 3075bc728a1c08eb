// The contract itself against exact mathematics, with derived bounds: an oracle that is wrong in the same way as every
// kernel would pass the comparisons of bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "abi/dtype.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

constexpr double kUlp = 0x1p-24;  // half the distance of two floats around 1

/** One output in double, and what a bound needs. */
struct Exact {
  double y = 0;          // sum of x * w * alpha, plus bias
  double magnitude = 0;  // sum of |x * w * alpha|
  double alphas = 0;     // sum of |w * alpha| (alpha 1 where it multiplies x)
  double amax = 0;       // largest |x'|
};

Exact exact_output(const Problem& p, int64_t m, int64_t n) {
  const ProblemSpec& s = p.spec();
  const bool column = s.kind == TERNARY_ALPHA_COLUMN;
  Exact e;
  for (int64_t k = 0; k < s.K; ++k) {
    double x = load_float(p.x.data(), s.x_dtype, m * p.ldx() + k);
    if (!p.x_scale.empty()) x *= p.x_scale.as<float>()[m];
    const double alpha = alpha_of(p, n, k), w = p.w.as<int8_t>()[n * s.K + k];
    e.y += x * w * alpha;
    e.magnitude += std::fabs(x * w * alpha);
    e.alphas += std::fabs(column ? w : w * alpha);
    e.amax = std::max(e.amax, std::fabs(column ? x * alpha : x));
  }
  if (!p.bias.empty()) e.y += p.bias.as<float>()[n];
  return e;
}

/** Runs specs of one activation kind and compares every finite output with `bound`. */
template <typename Bound>
void check_oracle(ternary_activation activation, Bound bound) {
  int64_t outputs = 0;
  double worst = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    ProblemSpec spec = random_spec(seed * 31, 300000);
    spec.activation = activation;
    spec.norm = false;
    spec.residual.reset();
    spec.values = Values::finite;
    spec.y_dtype = TERNARY_F32;
    if (spec.x_dtype == TERNARY_I8) spec.x_dtype = TERNARY_F32;
    const Problem problem(spec);
    const Output got = problem.expected();
    for (int64_t m = 0; m < spec.M; ++m) {
      for (int64_t n = 0; n < spec.N; ++n) {
        const Exact exact = exact_output(problem, m, n);
        if (exact.magnitude > 1e30 || exact.amax > 1e30) continue;  // intermediate overflow is allowed there
        const double allowed = bound(spec, exact), error = std::fabs(double{got.y.value(m, n)} - exact.y);
        ASSERT_LE(error, allowed) << spec.text() << " at " << m << "," << n;
        worst = std::max(worst, error / allowed);
        ++outputs;
      }
    }
  }
  EXPECT_GT(outputs, 5000);
  EXPECT_GT(worst, 0.01) << "the bound is too wide to find anything";
}

TEST(Accuracy, A16IsWithinTheBoundOfAscendingSums) {
  // x' is one rounding (or two, fp8 with a scale), a sum of K terms K more of its partial sums, each at most the sum of
  // magnitudes; alpha, super-blocks and bias a few more. Denormal results may lose 2^-149 an operation.
  check_oracle(TERNARY_A16, [](const ProblemSpec& s, const Exact& e) {
    return static_cast<double>(s.K + 8) * kUlp * (e.magnitude + std::fabs(e.y)) * 1.01 +
           static_cast<double>(s.K + 8) * 0x1p-149;
  });
}

TEST(Accuracy, A8IsWithinHalfAStepOfEveryActivation) {
  // |x' - q * s| <= s / 2 = a / 254 for every k (a few roundings of 127 / a, x * inv and a / 127 move a tie), so y is
  // off by at most a / 254 * sum|w * alpha|, and by the roundings of steps 5 and 6.
  check_oracle(TERNARY_A8, [](const ProblemSpec& s, const Exact& e) {
    const double a = std::max(e.amax, 1e-5);
    return a / 254 * e.alphas * (1 + 512 * kUlp) +
           static_cast<double>(s.K / 32 + 10) * kUlp * (e.magnitude + a * e.alphas + std::fabs(e.y));
  });
}

TEST(Accuracy, RmsNormIsWithinItsBound) {
  // 256 partial sums of K/256 terms and 8 levels of the tree, then a division, an addition, a square root, a division
  // and two products: (K / 256 + 16) roundings relative to the value, half of those of the sum after the root.
  for (int64_t K : {1, 100, 256, 1000, 5000}) {
    ProblemSpec spec;
    spec.M = 4;
    spec.K = K;
    spec.activation = TERNARY_A16;
    spec.norm = true;
    spec.values = Values::finite;
    spec.kind = TERNARY_ALPHA_ROW;
    spec.seed = static_cast<uint64_t>(K);
    const Problem problem(spec);
    const Output got = problem.expected();
    for (int64_t m = 0; m < spec.M; ++m) {
      const float* x = problem.x.as<float>() + m * problem.ldx();
      double squares = 0, largest = 0;
      for (int64_t k = 0; k < K; ++k) {
        squares += double{x[k]} * x[k];
        largest = std::max(largest, std::fabs(double{x[k]}));
      }
      if (largest > 1e18 || (largest < 1e-18 && largest > 0)) continue;  // the fp32 squares leave the range
      const double r = 1 / std::sqrt(squares / static_cast<double>(K) + double{problem.eps});
      double y = 0, magnitude = 0;
      for (int64_t k = 0; k < K; ++k) {
        const double term = x[k] * r * problem.norm_weight.as<float>()[k] * problem.w.as<int8_t>()[k];
        y += term;
        magnitude += std::fabs(term);
      }
      const double alpha = problem.alpha.as<float>()[0];
      EXPECT_NEAR(got.y.value(m, 0), y * alpha,
                  static_cast<double>(K + K / 256 + 20) * kUlp * magnitude * alpha + 1e-40)
          << spec.text() << " row " << m;
    }
  }
}

}  // namespace
}  // namespace ternary::test
