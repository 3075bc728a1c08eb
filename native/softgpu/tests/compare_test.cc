// setp with every comparison and combination, set, selp, slct, testp.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

struct Comparison {
  const char* name;
  bool less, equal, greater, unordered;  ///< when it holds
};
constexpr Comparison kFloats[] = {{"eq", 0, 1, 0, 0},  {"ne", 1, 0, 1, 0},  {"lt", 1, 0, 0, 0},  {"le", 1, 1, 0, 0},
                                  {"gt", 0, 0, 1, 0},  {"ge", 0, 1, 1, 0},  {"equ", 0, 1, 0, 1}, {"neu", 1, 0, 1, 1},
                                  {"ltu", 1, 0, 0, 1}, {"leu", 1, 1, 0, 1}, {"gtu", 0, 0, 1, 1}, {"geu", 0, 1, 1, 1},
                                  {"num", 1, 1, 1, 0}, {"nan", 0, 0, 0, 1}};

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

TEST(Setp, EveryComparisonOfFloats) {
  const float values[] = {-1.0f, -0.0f, 0.0f, 2.0f, NAN, INFINITY};
  const auto a = lanes_of([&](int lane) { return bits_of(values[lane % 6]); });
  const auto b = lanes_of([&](int lane) { return bits_of(values[lane / 6]); });
  for (const Comparison& how : kFloats) {
    const Registers got = run_lines(std::string("setp.") + how.name +
                                        ".f32 %p0|%p1, %i0, %i1;\n"
                                        "selp.u32 %o0, 1, 0, %p0;\nselp.u32 %o1, 1, 0, %p1;",
                                    {a, b}, 2);
    for (int lane = 0; lane < 32; ++lane) {
      const float x = values[lane % 6], y = values[lane / 6];
      const bool expected = x < y ? how.less : x == y ? how.equal : x > y ? how.greater : how.unordered;
      EXPECT_EQ(got[0][lane], expected) << how.name << ' ' << x << ' ' << y;
      EXPECT_EQ(got[1][lane], !expected) << how.name << ' ' << x << ' ' << y;
    }
  }
}

TEST(Setp, IntegersOfEveryWidth) {
  const auto a = lanes_of([](int lane) { return lane % 3 == 0 ? 0x80000001u : lane % 3 == 1 ? 5u : 0xffffu; });
  const auto b = lanes_of([](int lane) { return lane % 5 == 0 ? 0x7fffffffu : lane % 5 < 3 ? 5u : 0x18000u; });
  const Registers got = run_lines(
      "setp.lt.s32 %p0, %i0, %i1;\nsetp.lo.u32 %p1, %i0, %i1;\ncvt.u16.u32 %h0, %i0;\ncvt.u16.u32 %h1, %i1;\n"
      "setp.gt.s16 %p2, %h0, %h1;\nsetp.hi.u16 %p3, %h0, %h1;\ncvt.s64.s32 %l0, %i0;\ncvt.u64.u32 %l1, %i1;\n"
      "setp.ge.s64 %p4, %l0, %l1;\nsetp.hs.u64 %p5, %l0, %l1;\n"
      "selp.u32 %o0, 1, 0, %p0;\nselp.u32 %o1, 1, 0, %p1;\nselp.u32 %o2, 1, 0, %p2;\nselp.u32 %o3, 1, 0, %p3;\n"
      "selp.u32 %o4, 1, 0, %p4;\nselp.u32 %o5, 1, 0, %p5;",
      {a, b}, 6);
  for (int lane = 0; lane < 32; ++lane) {
    const int64_t wide = static_cast<int32_t>(a[lane]);
    const bool expected[6] = {static_cast<int32_t>(a[lane]) < static_cast<int32_t>(b[lane]),
                              a[lane]<b[lane], static_cast<int16_t>(a[lane])> static_cast<int16_t>(b[lane]),
                              static_cast<uint16_t>(a[lane]) > static_cast<uint16_t>(b[lane]),
                              wide >= static_cast<int64_t>(b[lane]), static_cast<uint64_t>(wide) >= b[lane]};
    for (int i = 0; i < 6; ++i) EXPECT_EQ(got[i][lane], expected[i]) << i << ' ' << lane;
  }
}

TEST(Setp, CombinesWithAPredicate) {
  const auto a = lanes_of([](int lane) { return static_cast<uint32_t>(lane & 1); });
  const auto c = lanes_of([](int lane) { return static_cast<uint32_t>(lane >> 1 & 1); });
  for (const std::string how : {"and", "or", "xor"}) {
    for (const std::string negation : {"", "!"}) {
      const Registers got = run_lines("setp.eq.u32 %p2, %i1, 1;\nsetp.eq." + how + ".u32 %p0|%p1, %i0, 1, " + negation +
                                          "%p2;\nselp.u32 %o0, 1, 0, %p0;\nselp.u32 %o1, 1, 0, %p1;",
                                      {a, c}, 2);
      for (int lane = 0; lane < 32; ++lane) {
        const bool holds = lane & 1, with = (lane >> 1 & 1) != (negation == "!");
        auto combined = [&](bool x) { return how == "and" ? x && with : how == "or" ? x || with : x != with; };
        EXPECT_EQ(got[0][lane], combined(holds)) << how << negation << lane;
        EXPECT_EQ(got[1][lane], combined(!holds)) << how << negation << lane;
      }
    }
  }
}

// A guarded comparison leaves the predicate of other lanes alone.
TEST(Setp, GuardKeepsOtherLanes) {
  const auto lane_number = lanes_of([](int lane) { return static_cast<uint32_t>(lane); });
  const Registers got = run_lines(
      "setp.lt.u32 %p1, %i0, 8;\nsetp.ge.u32 %p0, %i0, 0;\n@%p1 setp.eq.u32 %p0, %i0, 3;\n"
      "selp.u32 %o0, 1, 0, %p0;",
      {lane_number});
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], lane == 3 || lane >= 8) << lane;
}

TEST(Set, GivesMasksAndOnes) {
  const auto a = lanes_of([](int lane) { return static_cast<uint32_t>(lane); });
  const Registers got = run_lines("set.lt.u32.u32 %o0, %i0, 4;\nset.ge.f32.s32 %o1, %i0, 4;", {a}, 2);
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got[0][lane], lane < 4 ? ~0u : 0u);
    EXPECT_EQ(got[1][lane], lane >= 4 ? 0x3f800000u : 0u);
  }
}

TEST(Slct, ChoosesBySign) {
  const auto c = lanes_of([](int lane) { return lane == 0 ? 0x80000000u : static_cast<uint32_t>(lane - 8); });
  const Registers got = run_lines("slct.u32.s32 %o0, 1, 2, %i0;\nslct.u32.f32 %o1, 1, 2, %i0;", {c}, 2);
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], lane == 0 || lane < 8 ? 2u : 1u) << lane;
  EXPECT_EQ(got[1][0], 1u) << "-0 is not less than 0";
}

TEST(Testp, Properties) {
  const float values[] = {0.0f, 1.0f, 1e-40f, INFINITY, NAN, -2.0f};
  const auto a = lanes_of([&](int lane) { return bits_of(values[lane % 6]); });
  const char* names[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
  const bool expected[6][6] = {{1, 1, 1, 0, 0, 1}, {0, 0, 0, 1, 0, 0}, {1, 1, 1, 1, 0, 1},
                               {0, 0, 0, 0, 1, 0}, {0, 1, 0, 0, 0, 1}, {0, 0, 1, 0, 0, 0}};
  for (int i = 0; i < 6; ++i) {
    const Registers got = run_lines(std::string("testp.") + names[i] + ".f32 %p0, %i0;\nselp.u32 %o0, 1, 0, %p0;", {a});
    for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], expected[i][lane % 6]) << names[i] << ' ' << lane % 6;
  }
}

}  // namespace
}  // namespace ternary::softgpu
