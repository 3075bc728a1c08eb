// Scalar conversions, exhaustive, against a formulation by value: fields and powers of two in double, no bit tricks.
#include "abi/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ternary::test {
namespace {

/** A small IEEE-like format: its value from its fields, exact in double. */
struct Format {
  int exponent_bits, mantissa_bits;
  bool infinities;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  int top() const { return (1 << exponent_bits) - 1; }
  uint32_t sign_bit() const { return 1u << (exponent_bits + mantissa_bits); }

  double value(uint32_t bits) const {
    const double sign = bits & sign_bit() ? -1 : 1;
    const int exponent = static_cast<int>(bits >> mantissa_bits) & top();
    const int mantissa = static_cast<int>(bits & ((1u << mantissa_bits) - 1));
    if (infinities && exponent == top()) return mantissa == 0 ? sign * INFINITY : NAN;
    if (!infinities && exponent == top() && mantissa == (1 << mantissa_bits) - 1) return NAN;
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias() - mantissa_bits);
    return sign * std::ldexp(1 + std::ldexp(mantissa, -mantissa_bits), exponent - bias());
  }

  /** The nearest value, ties to even: the value counted in units of its last place, rounded as an integer. */
  double rounded(float x) const {
    if (!std::isfinite(x) || x == 0) return x;
    const int exponent = std::max(std::ilogb(x), 1 - bias());
    const int unit = exponent - mantissa_bits;
    const double result = std::ldexp(std::nearbyint(std::ldexp(double{x}, -unit)), unit);
    return std::fabs(result) >= std::ldexp(1.0, bias() + 1) ? std::copysign(INFINITY, x) : result;
  }
};

constexpr Format kF16{5, 10, true}, kBf16{8, 7, true}, kF8{4, 3, false};

void expect_value(double expected, float got, uint32_t bits) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(got)) << std::hex << bits;
    return;
  }
  EXPECT_EQ(expected, double{got}) << std::hex << bits;
  EXPECT_EQ(std::signbit(expected), std::signbit(got)) << std::hex << bits;
}

/** Every value of the format, the middle to its neighbour, and the floats beside both, of both signs. */
template <typename Encode, typename Decode>
void check_rounding(const Format& format, Encode encode, Decode decode) {
  int wrong = 0;
  for (uint32_t bits = 0; bits < format.sign_bit(); ++bits) {
    const double low = format.value(bits);
    if (!std::isfinite(low)) continue;
    double high = format.value(bits + 1);
    if (std::isinf(high)) high = std::ldexp(1.0, format.bias() + 1);
    const float middle = static_cast<float>((low + high) / 2);
    for (float center : {static_cast<float>(low), middle}) {
      for (float x : {std::nextafterf(center, -INFINITY), center, std::nextafterf(center, INFINITY)}) {
        for (float sign : {1.0f, -1.0f}) {
          const float got = decode(encode(sign * x));
          const double expected = format.rounded(sign * x);
          if (double{got} == expected && std::signbit(got) == std::signbit(sign * x)) continue;
          if (++wrong < 5) ADD_FAILURE() << sign * x << " became " << got << ", expected " << expected;
        }
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

template <typename Encode, typename Decode>
void check_special(Encode encode, Decode decode) {
  for (uint32_t payload : {0x7f800001u, 0x7fbfffffu, 0x7fc00000u, 0x7fffffffu, 0x7f802000u, 0x7f810000u}) {
    EXPECT_TRUE(std::isnan(decode(encode(bits_float(payload))))) << std::hex << payload;
    EXPECT_TRUE(std::isnan(decode(encode(bits_float(payload | 0x80000000u))))) << std::hex << payload;
  }
  EXPECT_EQ(decode(encode(INFINITY)), INFINITY);
  EXPECT_EQ(decode(encode(-INFINITY)), -INFINITY);
  EXPECT_EQ(decode(encode(std::numeric_limits<float>::max())), INFINITY);
  EXPECT_EQ(decode(encode(-std::numeric_limits<float>::max())), -INFINITY);
  const float tiny = decode(encode(-std::numeric_limits<float>::denorm_min()));
  EXPECT_TRUE(tiny == 0 && std::signbit(tiny));
}

TEST(Dtype, EveryF16Decodes) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    expect_value(kF16.value(bits), f16_to_float(static_cast<uint16_t>(bits)), bits);
  }
}

TEST(Dtype, EveryBf16Decodes) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    expect_value(kBf16.value(bits), bf16_to_float(static_cast<uint16_t>(bits)), bits);
  }
}

TEST(Dtype, EveryF8Decodes) {
  for (uint32_t bits = 0; bits < 256; ++bits) {
    expect_value(kF8.value(bits), f8_e4m3_to_float(static_cast<uint8_t>(bits)), bits);
  }
  EXPECT_EQ(f8_e4m3_to_float(0x7e), 448.0f);
}

TEST(Dtype, F16RoundsOnceToNearestEven) {
  check_rounding(kF16, float_to_f16, f16_to_float);
  check_special(float_to_f16, f16_to_float);
}

TEST(Dtype, Bf16RoundsOnceToNearestEven) {
  check_rounding(kBf16, float_to_bf16, bf16_to_float);
  check_special(float_to_bf16, bf16_to_float);
}

TEST(Dtype, NarrowValuesSurviveTheRoundTrip) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<uint16_t>(bits);
    if (!std::isnan(f16_to_float(narrow))) {
      EXPECT_EQ(float_to_f16(f16_to_float(narrow)), narrow);
    }
    if (!std::isnan(bf16_to_float(narrow))) {
      EXPECT_EQ(float_to_bf16(bf16_to_float(narrow)), narrow);
    }
  }
}

}  // namespace
}  // namespace ternary::test
