// shfl, vote, match, redux, elect, activemask: values for every lane, and the faults of lanes that are not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

std::vector<uint32_t> numbered() {
  return lanes_of([](int lane) { return 1000u + static_cast<uint32_t>(lane); });
}

/** CUDA's description of the four functions for a power-of-two width; PTX describes the instruction in other words. */
int cuda_source(const std::string& mode, int lane, int value, int width, bool* valid) {
  const int first = lane / width * width, in_segment = lane % width;
  int source = lane;
  if (mode == "idx") source = first + value % width, *valid = true;
  if (mode == "up") *valid = in_segment - value >= 0, source = lane - value;
  if (mode == "down") *valid = in_segment + value < width, source = lane + value;
  if (mode == "bfly") source = lane ^ value, *valid = source < first + width;
  return *valid ? source : lane;
}

TEST(Shfl, EveryModeWidthAndDistance) {
  for (const std::string mode : {"idx", "up", "down", "bfly"}) {
    for (int width = 1; width <= 32; width *= 2) {
      for (int value = 0; value < 32; ++value) {
        const int c = (32 - width) << 8 | (mode == "up" ? 0 : 31);
        const Registers got = run_lines("shfl.sync." + mode + ".b32 %o0|%p0, %i0, " + std::to_string(value) + ", " +
                                            std::to_string(c) + ", -1;\nselp.b32 %o1, 1, 0, %p0;",
                                        {numbered()}, 2);
        for (int lane = 0; lane < 32; ++lane) {
          bool valid = false;
          const int source = cuda_source(mode, lane, value, width, &valid);
          ASSERT_EQ(got[0][lane], 1000u + source) << mode << " width " << width << " by " << value << " lane " << lane;
          ASSERT_EQ(got[1][lane], valid) << mode << " width " << width << " by " << value << " lane " << lane;
        }
      }
    }
  }
}

TEST(Shfl, SourceLaneOfItsOwnForEachLane) {
  const Registers got = run_lines("shfl.sync.idx.b32 %o0, %i0, %i1, 31, -1;",
                                  {numbered(), lanes_of([](int lane) { return 31u - static_cast<uint32_t>(lane); })});
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], 1031u - lane);
}

TEST(Shfl, MembersOfTwoHalvesShuffleApart) {
  const Registers got = run_lines(
      "setp.lt.u32 %p0, %tid, 16;\nmov.u32 %r0, 0xffff;\nselp.b32 %r1, %r0, 0xffff0000, %p0;\n"
      "@%p0 bra low;\nshfl.sync.bfly.b32 %o0, %i0, 3, 31, %r1;\nbra end;\n"
      "low: shfl.sync.bfly.b32 %o0, %i0, 5, 31, %r1;\nend:",
      {numbered()});
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], 1000u + (lane ^ (lane < 16 ? 5 : 3)));
}

FaultKind fault_of(const std::string& body) {
  Snippet snippet;
  snippet.body = body;
  return run(&snippet).fault.kind;
}

TEST(Shfl, LanesThatAreNotThere) {
  const std::string half = "setp.lt.u32 %p0, %tid, 16;\nmov.u32 %o0, 0;\n";
  EXPECT_EQ(fault_of(half + "@%p0 shfl.sync.bfly.b32 %o0, %tid, 16, 31, -1;"), FaultKind::divergence);
  EXPECT_EQ(fault_of(half + "@%p0 shfl.sync.bfly.b32 %o0, %tid, 1, 31, -1;\nbar.warp.sync -1;"),
            FaultKind::divergence);  // the others wait elsewhere for these
  EXPECT_EQ(fault_of(half + "@!%p0 bra end;\nshfl.sync.bfly.b32 %o0, %tid, 16, 31, -1;\nend:"), FaultKind::divergence);
  EXPECT_EQ(fault_of("mov.u32 %o0, 0;\nshfl.sync.bfly.b32 %o0, %tid, 1, 31, 0xffff;"), FaultKind::illegal);
  EXPECT_EQ(fault_of(half + "@!%p0 bra end;\nshfl.sync.bfly.b32 %o0, %tid, 16, 31, 0xffff;\nend:"),
            FaultKind::divergence);  // the mask is honest, the source is not in it
  EXPECT_EQ(fault_of(half + "@!%p0 bra end;\nshfl.sync.bfly.b32 %o0, %tid, 1, 31, 0xffff;\nend:"), FaultKind::none);
}

TEST(Vote, AllAnyUniformBallot) {
  for (const uint32_t votes : {0u, ~0u, 1u, 0x80000000u, 0x12345678u, ~1u}) {
    const Registers got = run_lines(
        "setp.ne.u32 %p0, %i0, 0;\nvote.sync.all.pred %p1, %p0, -1;\nvote.sync.any.pred %p2, %p0, -1;\n"
        "vote.sync.uni.pred %p3, %p0, -1;\nvote.sync.any.pred %p4, !%p0, -1;\nselp.b32 %o0, 1, 0, %p1;\n"
        "selp.b32 %o1, 1, 0, %p2;\nselp.b32 %o2, 1, 0, %p3;\nselp.b32 %o3, 1, 0, %p4;\n"
        "vote.sync.ballot.b32 %o4, %p0, -1;\nvote.sync.ballot.b32 %o5, !%p0, -1;",
        {lanes_of([&](int lane) { return votes >> lane & 1; })}, 6);
    const bool all = votes == ~0u, any = votes != 0;
    for (int lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(got[0][lane], all);
      EXPECT_EQ(got[1][lane], any);
      EXPECT_EQ(got[2][lane], all || !any);
      EXPECT_EQ(got[3][lane], !all);
      EXPECT_EQ(got[4][lane], votes);
      EXPECT_EQ(got[5][lane], ~votes);
    }
  }
}

TEST(Match, AnyAndAll) {
  const auto value = [](int lane) { return static_cast<uint32_t>(lane * lane % 7); };
  const Registers got = run_lines(
      "match.any.sync.b32 %o0, %i0, -1;\nmatch.all.sync.b32 %o1|%p0, %i0, -1;\nselp.b32 %o2, 1, 0, %p0;\n"
      "mov.u32 %r0, 5;\nmatch.all.sync.b32 %o3|%p1, %r0, -1;\nselp.b32 %o4, 1, 0, %p1;\n"
      "cvt.u64.u32 %l0, %i0;\nshl.b64 %l0, %l0, 32;\nmatch.any.sync.b64 %o5, %l0, -1;",
      {lanes_of(value)}, 6);
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t same = 0;
    for (int other = 0; other < 32; ++other) same |= static_cast<uint32_t>(value(other) == value(lane)) << other;
    EXPECT_EQ(got[0][lane], same);
    EXPECT_EQ(got[1][lane], 0u);
    EXPECT_EQ(got[2][lane], 0u);
    EXPECT_EQ(got[3][lane], ~0u);
    EXPECT_EQ(got[4][lane], 1u);
    EXPECT_EQ(got[5][lane], same);
  }
}

TEST(Redux, EveryOperation) {
  std::mt19937 random(3);
  std::vector<uint32_t> values(32);
  for (uint32_t& value : values) value = random();
  const Registers got = run_lines(
      "redux.sync.add.u32 %o0, %i0, -1;\nredux.sync.min.u32 %o1, %i0, -1;\nredux.sync.max.u32 %o2, %i0, -1;\n"
      "redux.sync.min.s32 %o3, %i0, -1;\nredux.sync.max.s32 %o4, %i0, -1;\nredux.sync.and.b32 %o5, %i0, -1;\n"
      "redux.sync.or.b32 %o6, %i0, -1;\nredux.sync.xor.b32 %o7, %i0, -1;\nredux.sync.add.s32 %o8, %i0, -1;",
      {values}, 9);
  uint32_t sum = 0, conjunction = ~0u, disjunction = 0, parity = 0;
  for (const uint32_t value : values) sum += value, conjunction &= value, disjunction |= value, parity ^= value;
  const auto as_signed = [](uint32_t a, uint32_t b) { return static_cast<int32_t>(a) < static_cast<int32_t>(b); };
  const uint32_t expected[9] = {sum,
                                *std::min_element(values.begin(), values.end()),
                                *std::max_element(values.begin(), values.end()),
                                *std::min_element(values.begin(), values.end(), as_signed),
                                *std::max_element(values.begin(), values.end(), as_signed),
                                conjunction,
                                disjunction,
                                parity,
                                sum};
  for (int op = 0; op < 9; ++op) {
    for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[op][lane], expected[op]) << op;
  }
}

TEST(Redux, FloatOfSm100) {
  const float values[4] = {-3.5f, 2.0f, -0.0f, 0.0f};
  std::vector<uint32_t> bits(32);
  for (int lane = 0; lane < 32; ++lane) std::memcpy(&bits[lane], &values[lane % 4], 4);
  bits[9] = 0x7fc00001;
  const Registers got = run_lines(
      "redux.sync.min.f32 %o0, %i0, -1;\nredux.sync.max.f32 %o1, %i0, -1;\nredux.sync.max.abs.f32 %o2, %i0, -1;\n"
      "redux.sync.max.NaN.f32 %o3, %i0, -1;",
      {bits}, 4, 100);
  EXPECT_EQ(got[0][0], 0xc0600000u);
  EXPECT_EQ(got[1][0], 0x40000000u);
  EXPECT_EQ(got[2][0], 0x40600000u);
  EXPECT_EQ(got[3][0], 0x7fffffffu);
}

TEST(Elect, LowestLaneLeads) {
  const Registers got = run_lines("elect.sync %o0|%p0, -1;\nselp.b32 %o1, 1, 0, %p0;", {}, 2);
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got[0][lane], 0u);
    EXPECT_EQ(got[1][lane], lane == 0);
  }
}

TEST(Activemask, LanesOfTheBranch) {
  const Registers got = run_lines(
      "setp.lt.u32 %p0, %tid, 7;\n@%p0 bra low;\nactivemask.b32 %o0;\nbra end;\nlow: activemask.b32 %o0;\nend:", {});
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], lane < 7 ? 0x7fu : ~0x7fu);
}

}  // namespace
}  // namespace ternary::softgpu
