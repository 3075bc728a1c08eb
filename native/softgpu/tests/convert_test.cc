// cvt between float types: narrow to fp32 for every bit pattern; fp32 to narrow on every neighbourhood of a rounding
// edge, against arithmetic in double that shares nothing with the interpreter's; to and from integers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/** A small float format; `finite_only`: e4m3, whose all-ones is the only NaN and which has no infinities. */
struct Format {
  int exponent_bits, mantissa_bits;
  bool finite_only;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  uint32_t sign() const { return 1u << (exponent_bits + mantissa_bits); }
  double value(uint32_t magnitude) const {
    const int exponent = static_cast<int>(magnitude >> mantissa_bits);
    const double mantissa = magnitude & ((1u << mantissa_bits) - 1);
    const double one = std::ldexp(1.0, mantissa_bits);
    return exponent == 0 ? std::ldexp(mantissa / one, 1 - bias()) : std::ldexp(1 + mantissa / one, exponent - bias());
  }
  /** First magnitude that is no finite number. */
  uint32_t end() const {
    const uint32_t ones = ((1u << exponent_bits) - 1) << mantissa_bits;
    return finite_only ? ones | ((1u << mantissa_bits) - 1) : ones;
  }
};

constexpr Format kF16{5, 10, false}, kBf16{8, 7, false}, kE4m3{4, 3, true}, kE5m2{5, 2, false};

/** Runs lines on any number of 32-bit values, 2048 threads at a time. */
std::vector<uint32_t> map(const std::string& body, std::vector<uint32_t> values) {
  const size_t count = values.size();
  values.resize((count + 2047) / 2048 * 2048);
  Snippet snippet;
  snippet.body = body;
  snippet.block = {256, 1, 1};
  snippet.grid = {static_cast<uint32_t>(values.size() / 256), 1, 1};
  snippet.inputs = {values};
  const Outcome outcome = run(&snippet);
  EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  std::vector<uint32_t> results = outcome.outputs[0];
  results.resize(count);
  return results;
}

/** Every finite magnitude, the middle to its successor, the floats beside both, of both signs; then the extremes. */
std::vector<uint32_t> edges(const Format& format) {
  std::vector<uint32_t> values;
  const auto around = [&](double value) {
    const uint32_t bits = bits_of(static_cast<float>(value));
    for (const uint32_t near : {bits - 1, bits, bits + 1}) {
      if (near > 0x7fffffffu) continue;
      values.push_back(near);
      values.push_back(near | 0x80000000u);
    }
  };
  for (uint32_t magnitude = 0; magnitude < format.end(); ++magnitude) {
    const double here = format.value(magnitude);
    const double step =
        magnitude + 1 < format.end() ? format.value(magnitude + 1) - here : here - format.value(magnitude - 1);
    if (std::fabs(here) > 0 && here < 1e-37) continue;  // below the normal floats: its steps are no floats
    around(here);
    if (here + step / 2 < 3.4e38) around(here + step / 2);
  }
  for (const uint32_t bits : {0x7f800000u, 0xff800000u, 0x7f7fffffu, 0xff7fffffu, 0x00000001u, 0x80000001u, 0u}) {
    values.push_back(bits);
  }
  return values;
}

/** Nearest, ties to even, by search; overflow to infinity, or to the largest if `saturates`. */
uint32_t nearest(const Format& format, uint32_t bits, bool saturates) {
  const uint32_t sign = bits >> 31 ? format.sign() : 0;
  const double value = std::fabs(static_cast<double>(float_of(bits)));
  if (std::isinf(value)) return sign | (saturates ? format.end() - 1 : format.end());
  uint32_t low = 0, high = format.end() - 1;
  if (value >= format.value(high)) {
    const double step = format.value(high) - format.value(high - 1);
    const bool up = value >= format.value(high) + step / 2;  // the largest is odd or saturates: a tie goes up
    return sign | (up && !saturates ? format.end() : high);
  }
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    (format.value(middle) <= value ? low : high) = middle;
  }
  const double below = value - format.value(low), above = format.value(high) - value;
  return sign | (below < above || (below == above && low % 2 == 0) ? low : high);
}

void check_narrowing(const Format& format, const std::string& body, bool saturates) {
  const std::vector<uint32_t> values = edges(format);
  const std::vector<uint32_t> got = map(body, values);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(got[i], nearest(format, values[i], saturates)) << std::hex << values[i];
  }
}

TEST(Cvt, F32ToF16) {
  check_narrowing(kF16, "mov.b32 %f0, %i0;\ncvt.rn.f16.f32 %h0, %f0;\nmov.b32 %o0, {%h0, 0};", false);
}

TEST(Cvt, F32ToBf16) {
  check_narrowing(kBf16, "mov.b32 %f0, %i0;\ncvt.rn.bf16.f32 %h0, %f0;\nmov.b32 %o0, {%h0, 0};", false);
}

TEST(Cvt, F32ToE4m3AndE5m2) {
  const std::string body =
      "mov.b32 %f0, %i0;\nmov.b32 %f1, 0;\ncvt.rn.satfinite.%t.f32 %h0, %f1, %f0;\n"
      "cvt.u32.u16 %o0, %h0;";
  for (const Format& format : {kE4m3, kE5m2}) {
    std::string lines = body;
    lines.replace(lines.find("%t"), 2, format.finite_only ? "e4m3x2" : "e5m2x2");
    check_narrowing(format, lines, true);
  }
}

TEST(Cvt, NanStaysNan) {
  const std::vector<uint32_t> nans = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0x7fffffffu};
  for (const uint32_t half : map("mov.b32 %f0, %i0;\ncvt.rn.f16.f32 %h0, %f0;\nmov.b32 %o0, {%h0, 0};", nans)) {
    EXPECT_GT(half & 0x7fff, 0x7c00u);
  }
  for (const uint32_t half : map("mov.b32 %f0, %i0;\ncvt.rn.bf16.f32 %h0, %f0;\nmov.b32 %o0, {%h0, 0};", nans)) {
    EXPECT_GT(half & 0x7fff, 0x7f80u);
  }
}

/** All patterns of a 16-bit format to fp32. */
void check_widening(const Format& format, const std::string& body, uint32_t patterns) {
  std::vector<uint32_t> values(patterns);
  for (uint32_t i = 0; i < patterns; ++i) values[i] = i;
  const std::vector<uint32_t> got = map(body, values);
  for (uint32_t i = 0; i < patterns; ++i) {
    const uint32_t magnitude = i & (format.sign() - 1);
    const float result = float_of(got[i]);
    const bool infinite = !format.finite_only && magnitude == format.end();
    if (magnitude >= format.end() && !infinite) {
      ASSERT_TRUE(std::isnan(result)) << i;
    } else {
      const double size = infinite ? std::numeric_limits<double>::infinity() : format.value(magnitude);
      ASSERT_EQ(static_cast<double>(result), i & format.sign() ? -size : size) << i;
      ASSERT_EQ(std::signbit(result), (i & format.sign()) != 0) << i;
    }
  }
}

TEST(Cvt, F16ToF32) { check_widening(kF16, "cvt.u16.u32 %h0, %i0;\ncvt.f32.f16 %f0, %h0;\nmov.b32 %o0, %f0;", 65536); }

TEST(Cvt, Bf16ToF32) {
  check_widening(kBf16, "cvt.u16.u32 %h0, %i0;\ncvt.f32.bf16 %f0, %h0;\nmov.b32 %o0, %f0;", 65536);
}

TEST(Cvt, E4m3AndE5m2ToF32ByF16) {
  for (const Format& format : {kE4m3, kE5m2}) {
    const std::string type = format.finite_only ? "e4m3x2" : "e5m2x2";
    check_widening(format,
                   "cvt.u16.u32 %h0, %i0;\ncvt.rn.f16x2." + type +
                       " %r0, %h0;\nmov.b32 {%h1, %h2}, %r0;\n"
                       "cvt.f32.f16 %f0, %h1;\nmov.b32 %o0, %f0;",
                   256);
  }
}

TEST(Cvt, PairsKeepTheirOrder) {
  const Registers got = run_lines(
      "mov.b32 %f0, 0x3f800000;\nmov.b32 %f1, 0x40000000;\ncvt.rn.f16x2.f32 %o0, %f0, %f1;\n"
      "cvt.rn.bf16x2.f32 %o1, %f0, %f1;\ncvt.rn.satfinite.e4m3x2.f32 %h0, %f0, %f1;\ncvt.u32.u16 %o2, %h0;",
      {}, 3);
  EXPECT_EQ(got[0][0], 0x3c004000u);  // the first source is the upper half
  EXPECT_EQ(got[1][0], 0x3f804000u);
  EXPECT_EQ(got[2][0], 0x3840u);
}

TEST(Cvt, FloatAndInteger) {
  std::vector<uint32_t> values = {0, 1, 16777216, 16777217, 16777219, 0x7fffffffu, 0x80000000u, 0xffffffffu};
  const std::vector<uint32_t> from_signed = map("cvt.rn.f32.s32 %f0, %i0;\nmov.b32 %o0, %f0;", values);
  const std::vector<uint32_t> from_unsigned = map("cvt.rn.f32.u32 %f0, %i0;\nmov.b32 %o0, %f0;", values);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(from_signed[i], bits_of(static_cast<float>(static_cast<int32_t>(values[i]))));
    EXPECT_EQ(from_unsigned[i], bits_of(static_cast<float>(values[i])));
  }
  const std::vector<float> floats = {0.5f,           1.5f,  2.5f,   -0.5f,
                                     -1.5f,          -2.5f, 126.5f, 2147483648.0f,
                                     -2147483648.0f, 3e9f,  -3e9f,  std::numeric_limits<float>::infinity()};
  std::vector<uint32_t> bits;
  for (const float value : floats) bits.push_back(bits_of(value));
  const std::vector<uint32_t> even = map("mov.b32 %f0, %i0;\ncvt.rni.s32.f32 %o0, %f0;", bits);
  const std::vector<uint32_t> zero = map("mov.b32 %f0, %i0;\ncvt.rzi.s32.f32 %o0, %f0;", bits);
  for (size_t i = 0; i < floats.size(); ++i) {  // out of range is clamped
    const auto clamp = [](double x) {
      return static_cast<uint32_t>(static_cast<int32_t>(std::min(std::max(x, -2147483648.0), 2147483647.0)));
    };
    EXPECT_EQ(even[i], clamp(std::nearbyint(static_cast<double>(floats[i])))) << floats[i];
    EXPECT_EQ(zero[i], clamp(std::trunc(static_cast<double>(floats[i])))) << floats[i];
  }
}

}  // namespace
}  // namespace ternary::softgpu
