// mma.sync as an instruction: every spelling reaches mma_math.cc (which mma_math_test.cc checks) with its operands in
// their places; spellings that do not exist are refused.
#include <gtest/gtest.h>

#include <random>

#include "softgpu/opcodes/mma_math.h"
#include "softgpu/ptx/module.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

struct Spelling {
  const char* text;  ///< between "mma.sync.aligned." and the operands
  MmaShape shape;
  MmaType a, b;
  bool f16_accumulator, satfinite;
};

const Spelling kSpellings[] = {
    {"m16n8k32.row.col.s32.u8.s8.s32", {16, 8, 32}, MmaType::u8, MmaType::s8, false, false},
    {"m16n8k32.row.col.s32.s8.s8.s32", {16, 8, 32}, MmaType::s8, MmaType::s8, false, false},
    {"m16n8k32.row.col.s32.s8.u8.s32", {16, 8, 32}, MmaType::s8, MmaType::u8, false, false},
    {"m16n8k32.row.col.s32.u8.u8.s32", {16, 8, 32}, MmaType::u8, MmaType::u8, false, false},
    {"m16n8k32.row.col.satfinite.s32.u8.s8.s32", {16, 8, 32}, MmaType::u8, MmaType::s8, false, true},
    {"m16n8k16.row.col.s32.s8.s8.s32", {16, 8, 16}, MmaType::s8, MmaType::s8, false, false},
    {"m8n8k16.row.col.s32.u8.s8.s32", {8, 8, 16}, MmaType::u8, MmaType::s8, false, false},
    {"m16n8k16.row.col.f32.bf16.bf16.f32", {16, 8, 16}, MmaType::bf16, MmaType::bf16, false, false},
    {"m16n8k8.row.col.f32.bf16.bf16.f32", {16, 8, 8}, MmaType::bf16, MmaType::bf16, false, false},
    {"m16n8k16.row.col.f32.f16.f16.f32", {16, 8, 16}, MmaType::f16, MmaType::f16, false, false},
    {"m16n8k8.row.col.f32.f16.f16.f32", {16, 8, 8}, MmaType::f16, MmaType::f16, false, false},
    {"m16n8k32.row.col.f32.e4m3.e4m3.f32", {16, 8, 32}, MmaType::e4m3, MmaType::e4m3, false, false},
    {"m16n8k16.row.col.f16.f16.f16.f16", {16, 8, 16}, MmaType::f16, MmaType::f16, true, false},
    {"m16n8k8.row.col.f16.f16.f16.f16", {16, 8, 8}, MmaType::f16, MmaType::f16, true, false},
};

std::string list(const std::string& prefix, int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += (i > first ? ", " : "") + prefix + std::to_string(i);
  return "{" + text + "}";
}

/** Random registers whose 16-bit halves are finite in f16 and bf16 alike, and so are floats made of them. */
std::vector<uint32_t> random_register(std::mt19937* random) {
  return lanes_of([&](int) { return static_cast<uint32_t>((*random)()) & 0xbbffbbffu; });
}

TEST(Mma, EverySpelling) {
  std::mt19937 random(4);
  for (const Spelling& spelling : kSpellings) {
    const MmaRegisters registers = mma_registers(spelling.shape, spelling.a);
    const int c = spelling.f16_accumulator ? registers.c16 : registers.c32;
    Snippet snippet;
    for (int i = 0; i < registers.a + registers.b + c; ++i) snippet.inputs.push_back(random_register(&random));
    snippet.outputs = c;
    snippet.body = std::string("mma.sync.aligned.") + spelling.text + " " + list("%o", 0, c) + ", " +
                   list("%i", 0, registers.a) + ", " + list("%i", registers.a, registers.b) + ", " +
                   list("%i", registers.a + registers.b, c) + ";";
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;

    std::vector<const uint32_t*> words;
    for (const auto& input : snippet.inputs) words.push_back(input.data());
    Registers expected(static_cast<size_t>(c), std::vector<uint32_t>(32));
    std::vector<uint32_t*> results;
    for (auto& result : expected) results.push_back(result.data());
    const Fragment a = words.data(), b = a + registers.a, accumulator = b + registers.b;
    if (spelling.a == MmaType::u8 || spelling.a == MmaType::s8) {
      mma_s32(spelling.shape, spelling.a, spelling.b, spelling.satfinite, a, b, accumulator, results.data());
    } else if (spelling.f16_accumulator) {
      mma_f16(spelling.shape, a, b, accumulator, results.data());
    } else {
      mma_f32(spelling.shape, spelling.a, a, b, accumulator, results.data());
    }
    EXPECT_EQ(outcome.outputs, expected) << spelling.text;
  }
}

TEST(Mma, AccumulatorInPlace) {
  std::mt19937 random(5);
  Snippet snippet;
  for (int i = 0; i < 6; ++i) snippet.inputs.push_back(random_register(&random));
  snippet.outputs = 8;
  snippet.body =
      "mov.u32 %o0, 1;\nmov.u32 %o1, 2;\nmov.u32 %o2, 3;\nmov.u32 %o3, 4;\n"
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%o4, %o5, %o6, %o7}, {%i0, %i1, %i2, %i3}, {%i4, %i5}, "
      "{%o0, %o1, %o2, %o3};\n"
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%o0, %o1, %o2, %o3}, {%i0, %i1, %i2, %i3}, {%i4, %i5}, "
      "{%o0, %o1, %o2, %o3};";
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(outcome.outputs[i], outcome.outputs[i + 4]);
  EXPECT_NE(outcome.outputs[0], outcome.outputs[1]);
}

TEST(Mma, Refused) {
  for (const char* text : {"m16n8k32.row.col.s32.u8.s8.f32", "m16n8k16.row.col.f32.bf16.f16.f32",
                           "m16n8k16.col.col.f32.bf16.bf16.f32", "m16n8k16.row.col.bf16.bf16.bf16.bf16",
                           "m16n8k64.row.col.s32.u8.s8.s32", "m16n8k16.row.col.satfinite.f32.bf16.bf16.f32"}) {
    Snippet snippet;
    snippet.body = std::string("mma.sync.aligned.") + text +
                   " {%r0, %r1, %r2, %r3}, {%r4, %r5, %r6, %r7}, {%r8, %r9}, {%r0, %r1, %r2, %r3};";
    EXPECT_THROW(run(&snippet), ptx::PtxError) << text;
  }
}

TEST(Mma, NeedsAllLanes) {
  Snippet snippet;
  snippet.body =
      "mov.u32 %o0, 0;\nmov.u32 %r0, 0;\nsetp.ne.u32 %p0, %tid, 3;\n"
      "@%p0 mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 {%r0, %r1}, {%r0}, {%r0}, {%r0, %r0};";
  EXPECT_EQ(run(&snippet).fault.kind, FaultKind::divergence);
}

}  // namespace
}  // namespace ternary::softgpu
