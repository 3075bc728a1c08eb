// The software GPU's conversions: every narrow value, and the floats around each value and each middle between two,
// against a formulation by value that searches for the nearest; and against the conversions of the kernels under test.
#include "softgpu/exec/float_formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "abi/dtype.h"

namespace ternary::softgpu {
namespace {

/** What the fields of a narrow float say: sign, exponent and mantissa as numbers. */
double worth(uint32_t bits, int exponent_bits, int mantissa_bits, bool has_infinity) {
  const int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1, mantissas = 1 << mantissa_bits;
  const int mantissa = static_cast<int>(bits % mantissas), exponent = static_cast<int>(bits / mantissas) & top;
  const double sign = bits >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  if (exponent == top && has_infinity) return mantissa == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == top && mantissa == mantissas - 1) return std::nan("");
  const double fraction = static_cast<double>(mantissa) / mantissas;
  return exponent == 0 ? sign * fraction * std::exp2(1 - bias) : sign * (1 + fraction) * std::exp2(exponent - bias);
}

double worth_f16(uint32_t bits) { return worth(bits, 5, 10, true); }
double worth_bf16(uint32_t bits) { return worth(bits, 8, 7, true); }
double worth_e4m3(uint32_t bits) { return worth(bits, 4, 3, false); }

/** Same number and sign, or both NaN. */
bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b); }

/** A narrow format with infinities, by its positive values in ascending order, found by search. */
class Nearest {
 public:
  explicit Nearest(double (*worth)(uint32_t), uint32_t infinity) {
    for (uint32_t bits = 0; bits < infinity; ++bits) values_.push_back(worth(bits));
    values_.push_back(2 * values_.back() - values_[infinity - 2]);  // where infinity would be, were it a number
  }

  /** The nearest, of two that are as near the one with even bits. */
  uint16_t bits(float value) const {
    if (std::isnan(value)) return 0x7fff;
    const double magnitude = std::fabs(double{value});
    const auto above = std::lower_bound(values_.begin(), values_.end(), magnitude);
    auto nearest = std::min(above, values_.end() - 1);
    if (above != values_.end() && above != values_.begin()) {
      const double up = *above - magnitude, down = magnitude - above[-1];
      if (down < up || (down == up && (above - values_.begin()) % 2 == 1)) --nearest;
    }
    return static_cast<uint16_t>((nearest - values_.begin()) | (std::signbit(value) ? 0x8000 : 0));
  }

  /** Each value and middle, and the floats beside them, of both signs; NaN, infinities and random bits. */
  std::vector<float> probes() const {
    std::vector<float> probes;
    const auto add_with_neighbours = [&](double center) {
      const float at = static_cast<float>(center);
      for (float probe : {std::nextafterf(at, -HUGE_VALF), at, std::nextafterf(at, HUGE_VALF)}) {
        probes.push_back(probe);
        probes.push_back(-probe);
      }
    };
    for (size_t i = 0; i + 1 < values_.size(); ++i) {
      add_with_neighbours(values_[i]);
      add_with_neighbours((values_[i] + values_[i + 1]) / 2);
    }
    for (uint32_t bits : {0x7f800000u, 0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0x7f7fffffu, 1u, 0x007fffffu}) {
      probes.push_back(float_of(bits));
      probes.push_back(float_of(bits | 0x80000000u));
    }
    std::mt19937 random(1);
    for (int i = 0; i < 1000000; ++i) probes.push_back(float_of(random()));
    return probes;
  }

 private:
  std::vector<double> values_;  ///< by their bits
};

TEST(FloatFormats, EveryNarrowValueIsWorthWhatItsFieldsSay) {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<uint16_t>(bits);
    wrong += !same(worth_f16(bits), from_f16(narrow)) || !same(worth_f16(bits), decode(bits, kF16));
    wrong += !same(worth_bf16(bits), from_bf16(narrow)) || !same(worth_bf16(bits), decode(bits, kBf16));
    ASSERT_EQ(wrong, 0) << std::hex << bits;
  }
  for (uint32_t bits = 0; bits < 256; ++bits) ASSERT_TRUE(same(worth_e4m3(bits), decode(bits, kE4m3))) << bits;
}

TEST(FloatFormats, F16IsTheNearest) {
  const Nearest nearest(worth_f16, 0x7c00);
  for (float value : nearest.probes()) ASSERT_EQ(to_f16(value), nearest.bits(value)) << std::hexfloat << value;
}

TEST(FloatFormats, Bf16IsTheNearest) {
  const Nearest nearest(worth_bf16, 0x7f80);
  for (float value : nearest.probes()) {
    ASSERT_EQ(to_bf16(value), nearest.bits(value)) << std::hexfloat << value;
    ASSERT_EQ(encode(value, kBf16, Rounding::nearest_even, false), nearest.bits(value)) << std::hexfloat << value;
  }
}

// PTX: a NaN that is converted to f16 or bf16 becomes 0x7fff, to e4m3 0x7f.
TEST(FloatFormats, NanIsCanonical) {
  for (uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffc00000u, 0xffffffffu}) {
    EXPECT_EQ(to_f16(float_of(bits)), 0x7fff);
    EXPECT_EQ(to_bf16(float_of(bits)), 0x7fff);
    EXPECT_EQ(encode(float_of(bits), kE4m3, Rounding::nearest_even, true), 0x7fu);
  }
}

// The two were written apart, and differ in nothing but which NaN they give.
TEST(FloatFormats, AgreeWithTheConversionsUnderTest) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<uint16_t>(bits);
    ASSERT_EQ(bits_of(from_f16(narrow)), float_bits(f16_to_float(narrow))) << std::hex << bits;
    ASSERT_EQ(bits_of(from_bf16(narrow)), float_bits(bf16_to_float(narrow))) << std::hex << bits;
  }
  for (uint32_t bits = 0; bits < 256; ++bits) {
    ASSERT_TRUE(same(decode(bits, kE4m3), f8_e4m3_to_float(static_cast<uint8_t>(bits)))) << bits;
  }
  const auto agree = [](uint16_t own, uint16_t under_test, uint16_t infinity) {
    return (own & 0x7fff) > infinity ? (under_test & 0x7fff) > infinity : own == under_test;
  };
  for (float value : Nearest(worth_f16, 0x7c00).probes()) {
    ASSERT_TRUE(agree(to_f16(value), float_to_f16(value), 0x7c00)) << std::hexfloat << value;
  }
  for (float value : Nearest(worth_bf16, 0x7f80).probes()) {
    ASSERT_TRUE(agree(to_bf16(value), float_to_bf16(value), 0x7f80)) << std::hexfloat << value;
  }
}

}  // namespace
}  // namespace ternary::softgpu
