// atom and red: every operation and type on global and shared memory, from many threads and CTAs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "softgpu/exec/float_formats.h"
#include "softgpu/ptx/module.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

struct Operation {
  const char* op;  ///< with type
  uint64_t (*result)(uint64_t old, uint64_t b);
};

uint64_t s32(uint64_t bits) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(bits))); }
bool below(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) < static_cast<int64_t>(b); }

const Operation kOperations[] = {
    {"add.u32", [](uint64_t a, uint64_t b) { return a + b; }},
    {"add.s32", [](uint64_t a, uint64_t b) { return a + b; }},
    {"min.u32", [](uint64_t a, uint64_t b) { return a < b ? a : b; }},
    {"max.u32", [](uint64_t a, uint64_t b) { return a > b ? a : b; }},
    {"min.s32", [](uint64_t a, uint64_t b) { return below(s32(a), s32(b)) ? a : b; }},
    {"max.s32", [](uint64_t a, uint64_t b) { return below(s32(a), s32(b)) ? b : a; }},
    {"and.b32", [](uint64_t a, uint64_t b) { return a & b; }},
    {"or.b32", [](uint64_t a, uint64_t b) { return a | b; }},
    {"xor.b32", [](uint64_t a, uint64_t b) { return a ^ b; }},
    {"inc.u32", [](uint64_t a, uint64_t b) { return a >= b ? 0 : a + 1; }},
    {"dec.u32", [](uint64_t a, uint64_t b) { return a == 0 || a > b ? b : a - 1; }},
    {"add.u64", [](uint64_t a, uint64_t b) { return a + b; }},
    {"min.u64", [](uint64_t a, uint64_t b) { return a < b ? a : b; }},
    {"max.u64", [](uint64_t a, uint64_t b) { return a > b ? a : b; }},
    {"min.s64", [](uint64_t a, uint64_t b) { return below(a, b) ? a : b; }},
    {"max.s64", [](uint64_t a, uint64_t b) { return below(a, b) ? b : a; }},
    {"and.b64", [](uint64_t a, uint64_t b) { return a & b; }},
    {"or.b64", [](uint64_t a, uint64_t b) { return a | b; }},
    {"xor.b64", [](uint64_t a, uint64_t b) { return a ^ b; }},
};

bool is_wide(const std::string& op) { return op.substr(op.size() - 2) == "64"; }

/** One word a lane: first atom (global), then red (shared, started from the old value); %o: returned old, new, new. */
TEST(Atomic, EveryOperation) {
  std::mt19937_64 random(6);
  for (const Operation& operation : kOperations) {
    const std::string op = operation.op, type = op.substr(op.find('.') + 1);
    const bool wide = is_wide(op);
    const std::string r = wide ? "%l" : "%r", bits = wide ? "b64" : "b32";
    std::vector<uint32_t> a_low(32), a_high(32), b_low(32), b_high(32);
    for (int lane = 0; lane < 32; ++lane) {
      a_low[lane] = static_cast<uint32_t>(random()), a_high[lane] = static_cast<uint32_t>(random());
      b_low[lane] = static_cast<uint32_t>(random()), b_high[lane] = static_cast<uint32_t>(random());
    }
    a_low[3] = b_low[3], a_high[3] = b_high[3], a_low[4] = 0;
    Snippet snippet;
    snippet.inputs = {a_low, a_high, b_low, b_high};
    snippet.outputs = 6;
    const auto out = [&](int index, const std::string& value) {
      const std::string low = "%o" + std::to_string(index), high = "%o" + std::to_string(index + 1);
      return wide ? "mov.b64 {" + low + ", " + high + "}, " + value + ";\n"
                  : "mov.b32 " + low + ", " + value + ";\nmov.b32 " + high + ", 0;\n";
    };
    snippet.body =
        (wide ? std::string("mov.b64 %l1, {%i0, %i1};\nmov.b64 %l2, {%i2, %i3};\n")
              : std::string("mov.b32 %r1, %i0;\nmov.b32 %r2, %i2;\n")) +
        "mul.wide.u32 %l8, %tid, 8;\nadd.u64 %l8, %data, %l8;\nmov.u32 %r8, mem;\nmad.lo.u32 %r8, %tid, 8, %r8;\n"
        "st.global." +
        bits + " [%l8], " + r + "1;\nst.shared." + bits + " [%r8], " + r +
        "1;\n"
        "atom.global." +
        op + " " + r + "3, [%l8], " + r + "2;\nld.global." + bits + " " + r +
        "4, [%l8];\n"
        "red.relaxed.cta.shared." +
        op + " [%r8], " + r + "2;\nld.shared." + bits + " " + r + "5, [%r8];\n" + out(0, r + "3") + out(2, r + "4") +
        out(4, r + "5");
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (int lane = 0; lane < 32; ++lane) {
      const uint64_t mask = wide ? ~uint64_t{0} : 0xffffffffu;
      const uint64_t a = (a_low[lane] | uint64_t{a_high[lane]} << 32) & mask;
      const uint64_t b = (b_low[lane] | uint64_t{b_high[lane]} << 32) & mask;
      const uint64_t expected[3] = {a, operation.result(a, b) & mask, operation.result(a, b) & mask};
      for (int i = 0; i < 3; ++i) {
        const uint64_t got = outcome.outputs[2 * i][lane] | uint64_t{outcome.outputs[2 * i + 1][lane]} << 32;
        ASSERT_EQ(got, expected[i]) << op << " lane " << lane << " " << i;
      }
    }
  }
}

TEST(Atomic, ExchangeAndCompare) {
  Snippet snippet;
  snippet.outputs = 3;
  snippet.body =
      "mul.wide.u32 %l8, %tid, 4;\nadd.u64 %l8, %data, %l8;\nst.global.u32 [%l8], %tid;\n"
      "atom.global.exch.b32 %o0, [%l8], 5;\natom.acq_rel.gpu.global.cas.b32 %o1, [%l8], 5, 77;\n"
      "atom.global.cas.b32 %o2, [%l8], 5, 99;";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(outcome.outputs[0][lane], lane);
    EXPECT_EQ(outcome.outputs[1][lane], 5u);
    EXPECT_EQ(outcome.outputs[2][lane], 77u);
  }
}

// 8 CTAs of 128 threads on one word: no sum is lost, and every thread got a number of its own.
TEST(Atomic, ManyThreadsOneWord) {
  Snippet snippet;
  snippet.grid = {8, 1, 1};
  snippet.block = {128, 1, 1};
  snippet.body = "atom.global.add.u32 %o0, [%data], 1;\nred.global.add.u64 [%data+8], 3;";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  uint32_t total;
  uint64_t wide;
  std::memcpy(&total, snippet.data.data(), 4);
  std::memcpy(&wide, snippet.data.data() + 8, 8);
  EXPECT_EQ(total, 1024u);
  EXPECT_EQ(wide, 3072u);
  std::vector<bool> seen(1024);
  for (const uint32_t ticket : outcome.outputs[0]) seen.at(ticket) = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 1024);
}

TEST(Atomic, FloatsFlushDenormalsInGlobalMemoryOnly) {
  Snippet snippet;
  snippet.outputs = 3;
  snippet.block = {1, 1, 1};
  snippet.body =
      "mov.u32 %r0, mem;\nmov.b32 %f0, 0x00000001;\nst.shared.f32 [%r0], %f0;\nred.shared.add.f32 [%r0], %f0;\n"
      "ld.shared.u32 %o0, [%r0];\nred.global.add.f32 [%data], %f0;\nld.global.u32 %o1, [%data];\n"
      "mov.b32 %f1, 0x3fc00000;\natom.global.add.f32 %f2, [%data+4], %f1;\nred.global.add.f32 [%data+4], %f1;\n"
      "ld.global.u32 %o2, [%data+4];";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][0], 2u);
  EXPECT_EQ(outcome.outputs[1][0], 0u);
  EXPECT_EQ(outcome.outputs[2][0], bits_of(3.0f));
}

TEST(Atomic, VectorOfFloats) {
  Snippet snippet;
  snippet.outputs = 4;
  snippet.block = {2, 1, 1};
  snippet.body =
      "cvt.rn.f32.u32 %f0, %tid;\nmov.b32 %f1, 0x40000000;\nred.global.add.v4.f32 [%data], {%f0, %f1, %f1, %f0};\n"
      "red.global.v2.f32.add [%data+16], {%f1, %f1};\n"
      "mov.u32 %o0, 0;\nmov.u32 %o1, 0;\nmov.u32 %o2, 0;\nmov.u32 %o3, 0;";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  float sums[6];
  std::memcpy(sums, snippet.data.data(), sizeof sums);
  const float expected[6] = {1, 4, 4, 1, 4, 4};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(sums[i], expected[i]) << i;
}

TEST(Atomic, Faults) {
  const auto fault_of = [](const std::string& lines) {
    Snippet snippet;
    snippet.body = "mov.u32 %o0, 0;\nmov.u32 %r0, mem;\n" + lines;
    return run(&snippet).fault.kind;
  };
  EXPECT_EQ(fault_of("red.global.add.u32 [%data+2], 1;"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("red.global.add.u32 [%data+4096], 1;"), FaultKind::address);
  EXPECT_EQ(fault_of("red.shared.add.u32 [%r0], 1;"), FaultKind::uninitialised);
  EXPECT_EQ(fault_of("red.global.add.u64 [%data+4], 1;"), FaultKind::misaligned);
  for (const char* lines : {"red.global.add.b32 [%data], 1;", "red.global.exch.b32 [%data], 1;",
                            "atom.global.and.u32 %o0, [%data], 1;", "red.shared.add.v2.f32 [%r0], {%f0, %f0};"}) {
    EXPECT_THROW(fault_of(lines), ptx::PtxError) << lines;
  }
}

}  // namespace
}  // namespace ternary::softgpu
