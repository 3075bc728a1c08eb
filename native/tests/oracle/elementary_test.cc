// Elementary functions of one float: exp within its ulp of the C library's in double, and every function against its lines
// of the contract, written again: powers of two by ldexp, rounding by nearbyint.
#include "abi/elementary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "abi/dtype.h"
#include "support/random.h"

namespace ternary::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kQuietNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kWorstUlp = 0.875;  ///< over all of fp32 it is 0.8657

/** Calls `check` with every bf16, every f16, and a million floats: any bits, and sizes that functions are used with. */
void for_inputs(const std::function<void(float)>& check) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    check(bf16_to_float(static_cast<uint16_t>(bits)));
    check(f16_to_float(static_cast<uint16_t>(bits)));
  }
  Random random(18);
  for (int i = 0; i < 500000; ++i) {
    check(bits_float(static_cast<uint32_t>(random.bits())));
    check(random.bell() * 30);
  }
}

/** Difference from the value without rounding, in units of the last place that fp32 has there; infinity is 2^128. */
double ulps(float got, double expected) {
  expected = std::fmin(expected, 0x1p128);
  const double last_place = std::ldexp(1.0, std::max(std::ilogb(std::fmin(expected, 0x1.fp127)), -126) - 23);
  return std::fabs((std::isinf(got) ? 0x1p128 : double{got}) - expected) / last_place;
}

/** Section 10's lines. */
float contract_exp(float x) {
  if (std::isnan(x)) return x;
  x = std::fmin(std::fmax(x, -104.0f), 89.0f);
  const float n = std::nearbyintf(x * 0x1.715476p+0f);
  const float r = std::fmaf(n, 0x1.05c610p-29f, std::fmaf(n, -0x1.62e430p-1f, x));
  float p = 1.37805939e-3f;
  for (const float c : {8.37312452e-3f, 4.16695364e-2f, 1.66664720e-1f, 4.99999851e-1f, 1.0f, 1.0f}) {
    p = std::fmaf(p, r, c);
  }
  return static_cast<float>(std::ldexp(double{p}, static_cast<int>(n)));  // times 2^a is exact: one rounding here too
}

float contract_gelu(float x) {
  const float cube = x * x * x;
  const float z = 1.5957691216f * std::fmaf(0.044715f, cube, x);
  return x / (1 + contract_exp(-z));
}

void expect_contract(const char* name, float (*function)(float), float (*contract)(float)) {
  int wrong = 0;
  for_inputs([&](float x) {
    const float got = function(x), expected = contract(x);
    if (std::isnan(expected) ? std::isnan(got) : float_bits(got) == float_bits(expected)) return;
    if (++wrong < 5) ADD_FAILURE() << name << " of " << x << " is " << got << ", expected " << expected;
  });
  EXPECT_EQ(wrong, 0) << name;
}

TEST(Elementary, ExpIsWithinItsUlp) {
  double worst = 0;
  for_inputs([&](float x) {
    const float got = elementary::exp<Scalar>(x);
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(got));
      return;
    }
    const double expected = std::exp(double{x});
    const double difference = expected == 0 ? double{got} : ulps(got, expected);
    if (difference > worst) worst = difference;
    EXPECT_LE(difference, kWorstUlp) << x;
  });
  EXPECT_GT(worst, 0.8);  // the measure can see what it forbids
}

TEST(Elementary, EveryFunctionIsItsLinesOfTheContract) {
  expect_contract("exp", elementary::exp<Scalar>, contract_exp);
  expect_contract("sigmoid", elementary::sigmoid<Scalar>, [](float z) { return 1 / (1 + contract_exp(-z)); });
  expect_contract("silu", elementary::silu<Scalar>, [](float x) { return x / (1 + contract_exp(-x)); });
  expect_contract("gelu", elementary::gelu<Scalar>, contract_gelu);
  expect_contract("relu2", elementary::relu2<Scalar>, [](float x) { return x < 0 ? 0.0f : x * x; });
  expect_contract(
      "clamp_gate", [](float g) { return elementary::clamp_gate<Scalar>(g, 7.0f); },
      [](float g) { return g > 7 ? 7 : g; });
  expect_contract(
      "clamp_up", [](float u) { return elementary::clamp_up<Scalar>(u, 7.0f); },
      [](float u) { return u > 7    ? 7
                           : u < -7 ? -7
                                    : u; });
}

TEST(Elementary, ExpAtItsEnds) {
  const auto exp = elementary::exp<Scalar>;
  EXPECT_EQ(exp(0.0f), 1.0f);
  EXPECT_EQ(exp(-0.0f), 1.0f);
  EXPECT_EQ(exp(std::numeric_limits<float>::denorm_min()), 1.0f);
  EXPECT_TRUE(std::isfinite(exp(0x1.62e42ep+6f)));  // the last whose power is finite
  for (const float x : {0x1.62e430p+6f, 89.0f, 89.5f, 1e30f, kInfinity}) EXPECT_EQ(exp(x), kInfinity) << x;
  for (const float x : {-104.0f, -104.5f, -1e30f, -kInfinity}) EXPECT_EQ(float_bits(exp(x)), 0u) << x;
  EXPECT_EQ(exp(-103.5f), 0x1p-149f);  // the smallest denormal
  EXPECT_EQ(exp(-100.0f), 27 * 0x1p-149f);
  EXPECT_EQ(std::fpclassify(exp(-88.0f)), FP_SUBNORMAL);
  for (const uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffc00000u, 0xffffffffu}) {
    EXPECT_TRUE(std::isnan(exp(bits_float(bits)))) << std::hex << bits;
  }
}

TEST(Elementary, FunctionsAtInfinitiesAndNan) {
  EXPECT_EQ(elementary::sigmoid<Scalar>(0.0f), 0.5f);
  EXPECT_EQ(elementary::sigmoid<Scalar>(kInfinity), 1.0f);
  EXPECT_EQ(float_bits(elementary::sigmoid<Scalar>(-kInfinity)), 0u);
  EXPECT_EQ(elementary::silu<Scalar>(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(elementary::silu<Scalar>(-kInfinity)));  // -Inf / Inf, as arithmetic has it
  EXPECT_EQ(float_bits(elementary::silu<Scalar>(-200.0f)), 0x80000000u);
  EXPECT_EQ(elementary::gelu<Scalar>(1e20f), 1e20f);  // its cube is infinite
  EXPECT_EQ(float_bits(elementary::relu2<Scalar>(-0.0f)), 0u);
  EXPECT_EQ(float_bits(elementary::relu2<Scalar>(-kInfinity)), 0u);
  EXPECT_EQ(elementary::clamp_gate<Scalar>(-kInfinity, 7), -kInfinity);  // it has no lower limit
  EXPECT_EQ(elementary::clamp_up<Scalar>(-kInfinity, 7), -7);
  EXPECT_EQ(elementary::clamp_up<Scalar>(kInfinity, 7), 7);
  for (float (*function)(float) :
       {elementary::sigmoid<Scalar>, elementary::silu<Scalar>, elementary::gelu<Scalar>, elementary::relu2<Scalar>}) {
    EXPECT_TRUE(std::isnan(function(kQuietNan)));
  }
  EXPECT_TRUE(std::isnan(elementary::clamp_gate<Scalar>(kQuietNan, 7)));
  EXPECT_TRUE(std::isnan(elementary::clamp_up<Scalar>(kQuietNan, 7)));
}

}  // namespace
}  // namespace ternary::test
