// ldmatrix, stmatrix, movmatrix: every 16-bit element has a value of its own. Expected places are those of the figures
// in the PTX ISA: thread 0 holds elements 0 and 1 of row 0, thread 31 elements 6 and 7 of row 7.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr int kPitch = 80;  // bytes between rows, so that no row lies behind the one before

uint32_t value_of(int matrix, int row, int column) { return static_cast<uint32_t>(matrix * 64 + row * 8 + column) + 7; }

/** Copies 2560 bytes to `mem`, by all lanes. */
const char kFill[] =
    "mov.u32 %r15, mem;\nmad.lo.u32 %r0, %tid, 80, 0;\ncvt.u64.u32 %l0, %r0;\nadd.u64 %l0, %data, %l0;\n"
    "add.u32 %r0, %r15, %r0;\n"
    "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%l0];\nst.shared.v4.u32 [%r0], {%r1, %r2, %r3, %r4};\n"
    "bar.warp.sync -1;\n";

Snippet filled() {
  Snippet snippet;
  for (int row = 0; row < 32; ++row) {
    for (int column = 0; column < 8; ++column) {
      const uint16_t value = static_cast<uint16_t>(value_of(row / 8, row % 8, column));
      std::memcpy(&snippet.data[static_cast<size_t>(row * kPitch + 2 * column)], &value, 2);
    }
  }
  return snippet;
}

std::string list(const char* prefix, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += std::string(i ? ", " : "") + prefix + std::to_string(i);
  return text + "}";
}

uint32_t fragment(int matrix, int lane, bool transposed) {
  const int a = lane / 4, b = lane % 4 * 2;
  const uint32_t low = transposed ? value_of(matrix, b, a) : value_of(matrix, a, b);
  const uint32_t high = transposed ? value_of(matrix, b + 1, a) : value_of(matrix, a, b + 1);
  return low | high << 16;
}

TEST(Ldmatrix, EveryNumberStraightAndTransposed) {
  for (const int matrices : {1, 2, 4}) {
    for (const bool transposed : {false, true}) {
      Snippet snippet = filled();
      snippet.outputs = matrices;
      // Lanes that give no address have one far outside: it must not be looked at.
      snippet.body = std::string(kFill) + "setp.ge.u32 %p0, %tid, " + std::to_string(8 * matrices) +
                     ";\n@%p0 mov.u32 %r0, 0x7ffff1;\nldmatrix.sync.aligned.m8n8.x" + std::to_string(matrices) +
                     (transposed ? ".trans" : "") + ".shared.b16 " + list("%o", matrices) + ", [%r0];";
      const Outcome outcome = run(&snippet);
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (int m = 0; m < matrices; ++m) {
        for (int lane = 0; lane < 32; ++lane) {
          EXPECT_EQ(outcome.outputs[m][lane], fragment(m, lane, transposed)) << matrices << ' ' << m << ' ' << lane;
        }
      }
    }
  }
}

TEST(Ldmatrix, GenericAddress) {
  Snippet snippet = filled();
  snippet.body = std::string(kFill) +
                 "cvt.u64.u32 %l1, %r0;\ncvta.shared.u64 %l1, %l1;\n"
                 "ldmatrix.sync.aligned.m8n8.x1.b16 {%o0}, [%l1];";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][13], fragment(0, 13, false));
}

TEST(Ldmatrix, Faults) {
  const auto fault_of = [](const std::string& lines) {
    Snippet snippet = filled();
    snippet.body = std::string(kFill) + "mov.u32 %o0, 0;\n" + lines;
    return run(&snippet).fault.kind;
  };
  const std::string load = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%o0}, [%r0];";
  EXPECT_EQ(fault_of(load), FaultKind::none);
  EXPECT_EQ(fault_of("add.u32 %r0, %r0, 8;\n" + load), FaultKind::misaligned);
  EXPECT_EQ(fault_of("add.u32 %r0, %r0, 4096;\n" + load), FaultKind::address);
  EXPECT_EQ(fault_of("add.u32 %r0, %r0, 16;\n" + load), FaultKind::uninitialised);
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %tid, 31;\n@%p0 " + load), FaultKind::divergence);
}

TEST(Stmatrix, EveryNumberStraightAndTransposed) {
  for (const int matrices : {1, 2, 4}) {
    for (const bool transposed : {false, true}) {
      Snippet snippet;
      for (int m = 0; m < matrices; ++m) {
        snippet.inputs.push_back(lanes_of([&](int lane) { return fragment(m, lane, transposed); }));
      }
      snippet.outputs = 4;  // each lane reads the row of its number
      const std::string rows = std::to_string(8 * matrices);
      snippet.body =
          "mov.u32 %r0, mem;\nmad.lo.u32 %r0, %tid, 80, %r0;\nmov.u32 %o0, 0;\nmov.u32 %o1, 0;\n"
          "mov.u32 %o2, 0;\nmov.u32 %o3, 0;\nstmatrix.sync.aligned.m8n8.x" +
          std::to_string(matrices) + (transposed ? ".trans" : "") + ".shared.b16 [%r0], " + list("%i", matrices) +
          ";\nbar.warp.sync -1;\nsetp.lt.u32 %p0, %tid, " + rows +
          ";\n@%p0 ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%r0];";
      const Outcome outcome = run(&snippet);
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (int row = 0; row < 8 * matrices; ++row) {
        for (int word = 0; word < 4; ++word) {
          EXPECT_EQ(outcome.outputs[word][row],
                    value_of(row / 8, row % 8, 2 * word) | value_of(row / 8, row % 8, 2 * word + 1) << 16);
        }
      }
    }
  }
}

TEST(Movmatrix, Transposes) {
  const Registers got = run_lines("movmatrix.sync.aligned.m8n8.trans.b16 %o0, %i0;",
                                  {lanes_of([](int lane) { return fragment(2, lane, false); })});
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(got[0][lane], fragment(2, lane, true));
}

}  // namespace
}  // namespace ternary::softgpu
