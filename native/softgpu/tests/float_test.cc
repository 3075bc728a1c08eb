// f32, f64 and halves against the host's arithmetic or an independent rounding, and the rule that refuses the inexact.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

float f32(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
/** A GPU's f32 arithmetic gives one NaN. */
uint32_t canonical(float value) { return value != value ? 0x7fffffffu : bits_of(value); }

/** All kinds of numbers: specials, denormals, any bits, and some of like magnitude, whose sums cancel. */
std::vector<uint32_t> floats(uint32_t seed) {
  static const uint32_t kSpecial[] = {0,          0x80000000, 0x7f800000, 0xff800000, 0x7fc00001, 1,
                                      0x807fffff, 0x00800000, 0x7f7fffff, 0x3f800000, 0xbf800001};
  std::mt19937 random(seed);
  return lanes_of([&](int) {
    const uint32_t any = static_cast<uint32_t>(random());
    return any % 4 == 0 ? kSpecial[any / 4 % 11] : any % 4 == 1 ? (any & 0x807fffff) | 0x3f800000 : any;
  });
}

TEST(Float, RoundsAsIeeeSays) {
  for (uint32_t seed = 0; seed < 64; ++seed) {
    const Registers in = {floats(3 * seed), floats(3 * seed + 1), floats(3 * seed + 2)};
    const Registers got = run_lines(
        "add.rn.f32 %o0, %i0, %i1;\nsub.rn.f32 %o1, %i0, %i1;\nmul.rn.f32 %o2, %i0, %i1;\ndiv.rn.f32 %o3, %i0, %i1;\n"
        "fma.rn.f32 %o4, %i0, %i1, %i2;\nsqrt.rn.f32 %o5, %i0;\nrcp.rn.f32 %o6, %i0;\n"
        "add.rn.sat.f32 %o7, %i0, %i1;",
        in, 8);
    for (int lane = 0; lane < 32; ++lane) {
      const float a = f32(in[0][lane]), b = f32(in[1][lane]), c = f32(in[2][lane]);
      volatile float sum = a + b, difference = a - b, product = a * b, quotient = a / b, inverse = 1 / a;
      const float expected[7] = {sum, difference, product, quotient, std::fma(a, b, c), std::sqrt(a), inverse};
      for (int i = 0; i < 7; ++i) {
        ASSERT_EQ(got[i][lane], canonical(expected[i])) << i << ": " << a << ' ' << b << ' ' << c;
      }
      const float clamped = sum > 0 ? std::fmin(sum, 1.0f) : 0.0f;
      ASSERT_EQ(got[7][lane], bits_of(clamped)) << sum;
    }
  }
}

TEST(Float, ExtremesPreferNumbersAndOrderZeros) {
  const uint32_t nan = 0x7fc00000, zero = 0, minus = 0x80000000, one = 0x3f800000, two = 0x40000000;
  const uint32_t cases[][6] = {// a, b, min, max, min.NaN, max.NaN
                               {one, two, one, two, one, two},
                               {two, one, one, two, one, two},
                               {zero, minus, minus, zero, minus, zero},
                               {minus, zero, minus, zero, minus, zero},
                               {nan, one, one, one, 0x7fffffff, 0x7fffffff},
                               {one, nan, one, one, 0x7fffffff, 0x7fffffff},
                               {nan, nan, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}};
  for (const auto& row : cases) {
    const Registers in = {lanes_of([&](int) { return row[0]; }), lanes_of([&](int) { return row[1]; })};
    const Registers got = run_lines(
        "min.f32 %o0, %i0, %i1;\nmax.f32 %o1, %i0, %i1;\nmin.NaN.f32 %o2, %i0, %i1;\n"
        "max.NaN.f32 %o3, %i0, %i1;",
        in, 4);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got[i][7], row[2 + i]) << std::hex << row[0] << ' ' << row[1] << ' ' << i;
  }
}

TEST(Float, SignsAreBits) {
  const Registers in = {floats(99), floats(98)};
  const Registers got = run_lines("abs.f32 %o0, %i0;\nneg.f32 %o1, %i0;\ncopysign.f32 %o2, %i0, %i1;", in, 3);
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got[0][lane], in[0][lane] & 0x7fffffff);
    EXPECT_EQ(got[1][lane], in[0][lane] ^ 0x80000000);
    EXPECT_EQ(got[2][lane], (in[0][lane] & 0x80000000) | (in[1][lane] & 0x7fffffff));
  }
}

TEST(Float, DoublesRoundOnce) {
  const Registers in = {floats(5), floats(6), floats(7), floats(8)};
  const Registers got = run_lines(
      "mov.b64 %l0, {%i0, %i1};\nmov.b64 %l1, {%i2, %i3};\nadd.rn.f64 %l2, %l0, %l1;\nmov.b64 {%o0, %o1}, %l2;\n"
      "fma.rn.f64 %l2, %l0, %l1, %l0;\nmov.b64 {%o2, %o3}, %l2;\ndiv.rn.f64 %l2, %l0, %l1;\nmov.b64 {%o4, %o5}, %l2;",
      in, 6);
  for (int lane = 0; lane < 32; ++lane) {
    auto wide = [&](const Registers& from, int low) {
      const uint64_t raw = from[low][lane] | uint64_t{from[low + 1][lane]} << 32;
      double value;
      std::memcpy(&value, &raw, 8);
      return value;
    };
    const double a = wide(in, 0), b = wide(in, 2);
    const double expected[3] = {a + b, std::fma(a, b, a), a / b};
    for (int i = 0; i < 3; ++i) {
      const double value = wide(got, 2 * i);
      EXPECT_TRUE(value == expected[i] || (value != value && expected[i] != expected[i])) << i << ' ' << lane;
    }
  }
}

/** Rounds to a format by searching it: the nearest of all 65536 values, ties to the even one. */
class Rounded {
 public:
  Rounded(int exponent_bits, int mantissa_bits) {
    for (int bits = 0; bits < 1 << (exponent_bits + mantissa_bits); ++bits) {
      const int exponent = bits >> mantissa_bits, mantissa = bits & ((1 << mantissa_bits) - 1);
      if (exponent == (1 << exponent_bits) - 1) break;
      const int bias = (1 << (exponent_bits - 1)) - 1;
      const long double fraction = std::ldexp(static_cast<long double>(mantissa), -mantissa_bits);
      values_.push_back(exponent ? std::ldexp(1.0L + fraction, exponent - bias) : std::ldexp(fraction, 1 - bias));
    }
    infinity_ = static_cast<uint32_t>(values_.size());
    limit_ = values_.back() + (values_.back() - values_[values_.size() - 2]) / 2;
  }
  long double value(uint32_t bits) const { return bits >> 15 ? -values_[bits & 0x7fff] : values_[bits & 0x7fff]; }
  bool finite(uint32_t bits) const { return (bits & 0x7fff) < infinity_; }
  uint32_t bits(long double value) const {
    const uint32_t sign = std::signbit(value) ? 0x8000 : 0;
    const long double magnitude = std::fabs(value);
    if (magnitude >= limit_) return sign | infinity_;
    const auto place = std::lower_bound(values_.begin(), values_.end(), magnitude);
    const size_t above = static_cast<size_t>(place - values_.begin());
    if (above == values_.size()) return sign | (infinity_ - 1);
    if (above == 0 || values_[above] == magnitude) return sign | static_cast<uint32_t>(above);
    const long double up = values_[above] - magnitude, down = magnitude - values_[above - 1];
    const bool higher = up < down || (up == down && above % 2 == 0);
    return sign | static_cast<uint32_t>(higher ? above : above - 1);
  }

 private:
  std::vector<long double> values_;
  uint32_t infinity_;
  long double limit_;
};

/** Products of halves have 22 bits; with a third half of any size 64 bits of long double hold fma's sum where the sizes
 *  are within 40 powers of two of each other, so the test keeps to such. */
void check_halves(const char* type, const Rounded& format, uint32_t exponent_low, uint32_t mantissa_bits) {
  std::mt19937 random(17);
  for (int round = 0; round < 60; ++round) {
    Registers in(3);
    for (auto& one : in) {
      one = lanes_of([&](int) {
        const uint32_t any = static_cast<uint32_t>(random());
        return (any & 0x8000) | (exponent_low + any % 12) << mantissa_bits | (any >> 16 & ((1u << mantissa_bits) - 1));
      });
    }
    const std::string t(type);
    const Registers got = run_lines("cvt.u16.u32 %h0, %i0;\ncvt.u16.u32 %h1, %i1;\ncvt.u16.u32 %h2, %i2;\nadd.rn." + t +
                                        " %h3, %h0, %h1;\n"
                                        "sub.rn." +
                                        t + " %h4, %h0, %h1;\nmul.rn." + t + " %h5, %h0, %h1;\nfma.rn." + t +
                                        " %h6, %h0, %h1, %h2;\nmax." + t +
                                        " %h7, %h0, %h1;\ncvt.u32.u16 %o0, %h3;\ncvt.u32.u16 %o1, %h4;\ncvt.u32.u16 "
                                        "%o2, %h5;\ncvt.u32.u16 %o3, %h6;\n"
                                        "cvt.u32.u16 %o4, %h7;",
                                    in, 5);
    for (int lane = 0; lane < 32; ++lane) {
      const long double a = format.value(in[0][lane]), b = format.value(in[1][lane]), c = format.value(in[2][lane]);
      const long double expected[5] = {a + b, a - b, a * b, a * b + c, std::max(a, b)};
      for (int i = 0; i < 5; ++i) {
        if (expected[i] == 0) continue;  // whose sign is not the sum's alone
        ASSERT_EQ(got[i][lane], format.bits(expected[i])) << type << ' ' << i << ' ' << lane;
      }
    }
  }
}

TEST(Half, RoundsOnce) { check_halves("f16", Rounded(5, 10), 4, 10); }
TEST(Half, BrainRoundsOnce) { check_halves("bf16", Rounded(8, 7), 120, 7); }
TEST(Half, DenormalsAndOverflow) { check_halves("f16", Rounded(5, 10), 0, 10); }
TEST(Half, Overflow) { check_halves("f16", Rounded(5, 10), 18, 10); }

TEST(Half, PairsAreTwoHalves) {
  std::mt19937 random(3);
  const Registers in = {lanes_of([&](int) { return static_cast<uint32_t>(random()) & 0x3fff3fff; }),
                        lanes_of([&](int) { return static_cast<uint32_t>(random()) & 0x3fff3fff; })};
  for (const std::string type : {"f16", "bf16"}) {
    const Registers got =
        run_lines("fma.rn." + type +
                      "x2 %o0, %i0, %i1, %i0;\nmov.b32 {%h0, %h1}, %i0;\nmov.b32 {%h2, %h3}, %i1;\n"
                      "fma.rn." +
                      type + " %h4, %h0, %h2, %h0;\nfma.rn." + type + " %h5, %h1, %h3, %h1;\nmov.b32 %o1, {%h4, %h5};",
                  in, 2);
    EXPECT_EQ(got[0], got[1]) << type;
  }
}

std::string refusal(const std::string& body, bool exact) {
  Snippet snippet;
  snippet.body = body;
  snippet.exact_arithmetic = exact;
  try {
    run(&snippet);
  } catch (const ptx::PtxError& error) {
    return error.what();
  }
  return "";
}

// Each of these has bits that a GPU is free to choose, so kernels under the numerics contract must not use them.
TEST(Rules, InexactArithmeticIsRefused) {
  for (const char* line :
       {"add.f32 %o0, %f0, %f1;", "sub.f32 %o0, %f0, %f1;", "mul.f32 %o0, %f0, %f1;", "add.rn.ftz.f32 %o0, %f0, %f1;",
        "div.approx.f32 %o0, %f0, %f1;", "div.full.f32 %o0, %f0, %f1;", "sqrt.approx.f32 %o0, %f0;",
        "rcp.approx.ftz.f32 %o0, %f0;", "rsqrt.approx.f32 %o0, %f0;", "ex2.approx.f32 %o0, %f0;",
        "lg2.approx.f32 %o0, %f0;", "sin.approx.f32 %o0, %f0;", "tanh.approx.f32 %o0, %f0;", "mul.f64 %l0, %l1, %l2;",
        "add.f64 %l0, %l1, %l2;", "add.f16 %h0, %h1, %h2;", "mul.bf16 %h0, %h1, %h2;", "sub.f16x2 %o0, %r1, %r2;",
        "mul.bf16x2 %o0, %r1, %r2;"}) {
    const std::string sentence = refusal(line, true);
    EXPECT_NE(sentence.find("kernel snippet, PTX line "), std::string::npos) << line;
    EXPECT_NE(sentence.find(line), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("refused"), std::string::npos) << sentence;
    EXPECT_EQ(refusal(line, false), "") << line;
  }
  EXPECT_EQ(refusal("add.rn.f32 %o0, %f0, %f1;", true), "");
  EXPECT_NE(refusal("add.rz.f32 %o0, %f0, %f1;", true), "");
  EXPECT_EQ(refusal("mul.rn.f64 %l0, %l1, %l2;", true), "");
  EXPECT_EQ(refusal("mul.rn.bf16x2 %o0, %r1, %r2;", true), "");
}

// What is known in another place, or was read and not heeded, is no better than unknown.
TEST(Rules, ModifiersThatMeanNothingWhereTheyStandAreRefused) {
  for (const char* line : {"ld.global.L1::evict_surely.u32 %o0, [%data];",
                           "ld.release.gpu.global.u32 %o0, [%data];",
                           "st.acquire.gpu.global.u32 [%data], %r0;",
                           "atom.volatile.global.add.u32 %o0, [%data], 1;",
                           "ld.relaxed.cta.global.u32 %o0, [%data];",
                           "atom.relaxed.cluster.global.add.u32 %o0, [%data], 1;",
                           "atom.cta.add.u32 %o0, [%data], 1;",
                           "ldu.volatile.global.u32 %o0, [%data];",
                           "ldu.shared.u32 %o0, [mem];",
                           "ld.global.L2::cache_hint.u32 %o0, [%data], %r0;",
                           "st.global.L2::cache_hint.u32 [%data], %r1, %r0;",
                           "red.global.L2::cache_hint.add.u32 [%data], %r1, %r0;",
                           "fence.acquire.gpu;",
                           "fence.release.sync_restrict::shared::cluster.cluster;",
                           "mbarrier.arrive.noComplete.shared.b64 %l0, [mem];",
                           "cvt.rna.satfinite.tf32.f32 %o0, %f0;",
                           "cvt.rn.relu.tf32.f32 %o0, %f0;",
                           "cvt.rn.sat.f16x2.f32 %o0, %f0, %f1;",
                           "cvt.rni.relu.s32.f32 %o0, %f0;",
                           "ret.uni;"}) {
    const std::string sentence = refusal(line, true);
    EXPECT_NE(sentence.find(line), std::string::npos) << line << ": " << sentence;
  }
  for (const char* line :
       {"ld.global.L1::evict_last.L2::128B.u32 %o0, [%data];", "ld.global.L2::cache_hint.u32 %o0, [%data], %l0;",
        "st.global.L2::cache_hint.u32 [%data], %r1, %l0;", "red.global.L2::cache_hint.add.u32 [%data], %r1, %l0;",
        "ldu.global.v2.u32 {%o0, %r1}, [%data];", "fence.acq_rel.gpu;", "bra.uni HERE;\nHERE:",
        "fence.acquire.sync_restrict::shared::cluster.cluster;", "ld.relaxed.sys.global.u32 %o0, [%data];"}) {
    EXPECT_EQ(refusal(line, true), "") << line;
  }
}

TEST(Rules, UnknownModifiersAndOpcodesNameThemselves) {
  EXPECT_NE(refusal("add.surprise.u32 %o0, %r0, %r1;", true).find("unknown modifier .surprise"), std::string::npos);
  EXPECT_NE(refusal("frobnicate.u32 %o0, %r0;", true).find("unknown opcode frobnicate.u32"), std::string::npos);
  EXPECT_NE(refusal("add.u32 %o0, %r0, %l0;", true).find("register %l0 of 64 bits where 32"), std::string::npos);
  EXPECT_NE(refusal("add.u32 %o0, %r0, %nothing;", true).find("unknown special register %nothing"), std::string::npos);
  EXPECT_NE(refusal("add.u32 %o0, %r0;", true).find("operand"), std::string::npos);
}

}  // namespace
}  // namespace ternary::softgpu
