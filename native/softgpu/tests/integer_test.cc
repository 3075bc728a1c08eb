// Integers: dp4a and dp2a of every signedness, products by halves, carries, division, min and max.
#include <gtest/gtest.h>

#include <random>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

std::vector<uint32_t> random_register(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> values = lanes_of([&](int) { return static_cast<uint32_t>(random()); });
  values[0] = 0x80808080u, values[1] = 0xffffffffu, values[2] = 0x7f7f7f7fu, values[3] = 0x80000000u;
  return values;
}

int64_t field(uint32_t word, int index, int bits, bool is_signed) {
  const int64_t value = word >> (index * bits) & ((1u << bits) - 1);
  return is_signed && value >> (bits - 1) ? value - (int64_t{1} << bits) : value;
}

TEST(Dp4a, EverySignedness) {
  const Registers inputs = {random_register(1), random_register(2), random_register(3)};
  for (const bool a_signed : {false, true}) {
    for (const bool b_signed : {false, true}) {
      const std::string types = std::string(a_signed ? ".s32" : ".u32") + (b_signed ? ".s32" : ".u32");
      const Registers got = run_lines("dp4a" + types + " %o0, %i0, %i1, %i2;\ndp2a.lo" + types +
                                          " %o1, %i0, %i1, %i2;\ndp2a.hi" + types + " %o2, %i0, %i1, %i2;",
                                      inputs, 3);
      for (int lane = 0; lane < 32; ++lane) {
        const uint32_t a = inputs[0][lane], b = inputs[1][lane], c = inputs[2][lane];
        int64_t four = 0, low = 0, high = 0;
        for (int i = 0; i < 4; ++i) four += field(a, i, 8, a_signed) * field(b, i, 8, b_signed);
        for (int i = 0; i < 2; ++i) low += field(a, i, 16, a_signed) * field(b, i, 8, b_signed);
        for (int i = 0; i < 2; ++i) high += field(a, i, 16, a_signed) * field(b, i + 2, 8, b_signed);
        EXPECT_EQ(got[0][lane], static_cast<uint32_t>(c + four)) << types << ' ' << lane;
        EXPECT_EQ(got[1][lane], static_cast<uint32_t>(c + low)) << types << ' ' << lane;
        EXPECT_EQ(got[2][lane], static_cast<uint32_t>(c + high)) << types << ' ' << lane;
      }
    }
  }
}

TEST(Multiply, HalvesAndWide) {
  const Registers inputs = {random_register(4), random_register(5), random_register(6)};
  const Registers got = run_lines(
      "mul.lo.u32 %o0, %i0, %i1;\nmul.hi.u32 %o1, %i0, %i1;\nmul.hi.s32 %o2, %i0, %i1;\n"
      "mad.lo.s32 %o3, %i0, %i1, %i2;\nmad.hi.u32 %o4, %i0, %i1, %i2;\nmul.wide.u32 %l0, %i0, %i1;\n"
      "mov.b64 {%o5, %o6}, %l0;\nmul.wide.s32 %l1, %i0, %i1;\nmov.b64 {%o7, %o8}, %l1;\n"
      "cvt.s64.s32 %l2, %i2;\nmad.wide.s32 %l3, %i0, %i1, %l2;\nmov.b64 {%o9, %o10}, %l3;",
      inputs, 11);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane], c = inputs[2][lane];
    const uint64_t plain = uint64_t{a} * b;
    const int64_t with_sign = int64_t{static_cast<int32_t>(a)} * static_cast<int32_t>(b);
    const uint64_t sum = static_cast<uint64_t>(with_sign) + static_cast<uint64_t>(int64_t{static_cast<int32_t>(c)});
    const uint32_t expected[11] = {static_cast<uint32_t>(plain),           static_cast<uint32_t>(plain >> 32),
                                   static_cast<uint32_t>(with_sign >> 32), static_cast<uint32_t>(plain) + c,
                                   static_cast<uint32_t>(plain >> 32) + c, static_cast<uint32_t>(plain),
                                   static_cast<uint32_t>(plain >> 32),     static_cast<uint32_t>(with_sign),
                                   static_cast<uint32_t>(with_sign >> 32), static_cast<uint32_t>(sum),
                                   static_cast<uint32_t>(sum >> 32)};
    for (int i = 0; i < 11; ++i) EXPECT_EQ(got[i][lane], expected[i]) << i << ' ' << lane;
  }
}

TEST(Carry, LongAddition) {
  const Registers inputs = {random_register(7), random_register(8), random_register(9), random_register(10)};
  const Registers got = run_lines(
      "add.cc.u32 %o0, %i0, %i2;\naddc.u32 %o1, %i1, %i3;\nsub.cc.u32 %o2, %i0, %i2;\nsubc.u32 %o3, %i1, %i3;", inputs,
      4);
  for (int lane = 0; lane < 32; ++lane) {
    const uint64_t a = inputs[0][lane] | uint64_t{inputs[1][lane]} << 32;
    const uint64_t b = inputs[2][lane] | uint64_t{inputs[3][lane]} << 32;
    EXPECT_EQ(got[0][lane] | uint64_t{got[1][lane]} << 32, a + b);
    EXPECT_EQ(got[2][lane] | uint64_t{got[3][lane]} << 32, a - b);
  }
}

TEST(Divide, TowardsZero) {
  Registers inputs = {random_register(11), random_register(12)};
  for (int lane = 0; lane < 32; ++lane) inputs[1][lane] = (inputs[1][lane] >> (lane % 20)) | 2;
  const Registers got = run_lines(
      "div.u32 %o0, %i0, %i1;\nrem.u32 %o1, %i0, %i1;\ndiv.s32 %o2, %i0, %i1;\n"
      "rem.s32 %o3, %i0, %i1;",
      inputs, 4);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane];
    const int64_t x = static_cast<int32_t>(a), y = static_cast<int32_t>(b);
    EXPECT_EQ(got[0][lane], a / b);
    EXPECT_EQ(got[1][lane], a % b);
    EXPECT_EQ(got[2][lane], static_cast<uint32_t>(x / y));
    EXPECT_EQ(got[3][lane], static_cast<uint32_t>(x % y));
  }
}

TEST(Compare, MinMaxAbsoluteAndSets) {
  const Registers inputs = {random_register(13), random_register(14)};
  const Registers got = run_lines(
      "min.s32 %o0, %i0, %i1;\nmax.s32 %o1, %i0, %i1;\nmin.u32 %o2, %i0, %i1;\nmax.u32 %o3, %i0, %i1;\n"
      "abs.s32 %o4, %i0;\nneg.s32 %o5, %i0;\nsetp.lt.s32 %p0, %i0, %i1;\nselp.b32 %o6, 1, 0, %p0;\n"
      "setp.lt.u32 %p1, %i0, %i1;\nselp.b32 %o7, 1, 0, %p1;\nsetp.ge.s32 %p2, %i0, %i1;\nselp.b32 %o8, 1, 0, %p2;",
      inputs, 9);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane];
    const bool less = static_cast<int32_t>(a) < static_cast<int32_t>(b);
    const uint32_t expected[9] = {less ? a : b, less ? b : a, a < b ? a : b, a < b ? b : a, a >> 31 ? 0 - a : a,
                                  0 - a,        less,         a < b,         !less};
    for (int i = 0; i < 9; ++i) EXPECT_EQ(got[i][lane], expected[i]) << i << ' ' << lane;
  }
}

}  // namespace
}  // namespace ternary::softgpu
