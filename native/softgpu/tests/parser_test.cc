// The parser on the shapes that nvcc writes, and on what it must refuse.
#include <gtest/gtest.h>

#include "softgpu/ptx/module.h"

namespace ternary::softgpu::ptx {
namespace {

const std::string kHead = ".version 9.1\n.target sm_90a\n.address_size 64\n";

std::string refusal(const std::string& text) {
  try {
    parse(kHead + text);
  } catch (const PtxError& error) {
    return error.what();
  }
  return "";
}

TEST(Parser, VariablesWithTheirBytes) {
  const auto module = parse(kHead +
                            ".const .align 4 .b8 tab[6] = {1, 2, 255};\n"
                            ".global .align 8 .u64 pointers[2] = {generic(tab)+4, tab};\n"
                            ".global .f32 half = 0f3F000000;\n.global .s32 minus = -2;\n"
                            ".extern .shared .align 16 .b8 dynamic[];\n.visible .global .align 16 .b8 grid[2][3];\n");
  EXPECT_EQ(module->target, "sm_90a");
  EXPECT_EQ(module->version_major, 9);
  EXPECT_EQ(module->version_minor, 1);
  const Variable* tab = module->find_variable("tab");
  ASSERT_NE(tab, nullptr);
  EXPECT_EQ(tab->space, Space::constant);
  EXPECT_EQ(tab->initial, (std::vector<uint8_t>{1, 2, 255, 0, 0, 0}));
  const Variable* pointers = module->find_variable("pointers");
  ASSERT_EQ(pointers->references.size(), 2u);
  EXPECT_EQ(pointers->references[0].name, "tab");
  EXPECT_EQ(pointers->references[0].offset, 4);
  EXPECT_EQ(pointers->references[1].at, 8u);
  EXPECT_EQ(module->find_variable("half")->initial, (std::vector<uint8_t>{0, 0, 0, 0x3f}));
  EXPECT_EQ(module->find_variable("minus")->initial, (std::vector<uint8_t>{0xfe, 0xff, 0xff, 0xff}));
  EXPECT_EQ(module->find_variable("dynamic")->bytes, 0u);
  EXPECT_EQ(module->find_variable("grid")->bytes, 6u);
}

TEST(Parser, AKernelWithItsAttributes) {
  const auto module = parse(kHead +
                            ".visible .entry k(\n.param .u64 k_param_0,\n.param .align 8 .b8 k_param_1[32]\n)\n"
                            ".maxntid 256, 1, 1\n.minnctapersm 2\n.reqnctapercluster 2, 1, 1\n{\n"
                            ".reg .pred %p<3>;\n.reg .b32 %r<4>;\n"
                            ".loc 1 2 3, function_name $L__info, inlined_at 1 2 3\n"
                            "mov.u32 %r1, %tid.x; // a comment\n@!%p1 bra $L1;\n/* another\n one */\n"
                            "ld.global.nc.L1::no_allocate.v2.u32 {%r1, _}, [%r2+-8];\n$L1:\n"
                            "shfl.sync.bfly.b32 %r1|%p2, %r2, 16, 0x1f, -1;\nret;\n}\n");
  const Function* kernel = module->find("k");
  ASSERT_NE(kernel, nullptr);
  EXPECT_TRUE(kernel->entry);
  EXPECT_EQ(kernel->params[1].bytes, 32u);
  EXPECT_EQ(kernel->max_ntid[0], 256u);
  EXPECT_EQ(kernel->required_cluster[0], 2u);
  EXPECT_EQ(kernel->registers.size(), 7u);
  ASSERT_EQ(kernel->body.size(), 5u);
  EXPECT_EQ(kernel->body[0].operands[1].name, "%tid.x");
  EXPECT_EQ(kernel->body[1].guard, "%p1");
  EXPECT_TRUE(kernel->body[1].guard_negated);
  const Instruction& load = kernel->body[2];
  EXPECT_EQ(load.modifiers, (std::vector<std::string>{"global", "nc", "L1::no_allocate", "v2", "u32"}));
  EXPECT_EQ(load.operands[0].elements[1].name, "_");
  EXPECT_EQ(load.operands[1].offset, -8);
  EXPECT_EQ(load.text, "ld.global.nc.L1::no_allocate.v2.u32 {%r1, _}, [%r2+-8];");
  EXPECT_EQ(kernel->labels.at("$L1"), 3u);
  const Instruction& shuffle = kernel->body[3];
  EXPECT_EQ(shuffle.operands[0].kind, Operand::Kind::pair);
  EXPECT_EQ(shuffle.operands[3].bits, 0x1fu);
  EXPECT_EQ(shuffle.operands[4].bits, ~uint64_t{0});
  EXPECT_EQ(shuffle.line, 21);
}

// Inline assembly is a block of its own, so two uses of it declare the same names.
TEST(Parser, BlocksHaveTheirOwnNames) {
  const auto module = parse(kHead +
                            ".entry k()\n{\n.reg .b32 %r<2>;\n"
                            "{\n.reg .pred p;\nWAIT:\nsetp.eq.u32 p, %r1, 0;\n@p bra DONE;\nbra WAIT;\nDONE:\n}\n"
                            "{\n.reg .pred p;\nWAIT:\nsetp.eq.u32 p, %r1, 0;\n@p bra DONE;\nbra WAIT;\nDONE:\n}\n"
                            "ret;\n}\n");
  const Function* kernel = module->find("k");
  ASSERT_EQ(kernel->body.size(), 7u);
  EXPECT_NE(kernel->body[0].operands[0].name, kernel->body[3].operands[0].name);
  EXPECT_EQ(kernel->labels.at(kernel->body[2].operands[0].name), 0u);
  EXPECT_EQ(kernel->labels.at(kernel->body[5].operands[0].name), 3u);
  EXPECT_EQ(kernel->labels.at(kernel->body[1].operands[0].name), 3u);
  EXPECT_EQ(kernel->labels.at(kernel->body[4].operands[0].name), 6u);
}

TEST(Parser, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_NE(refusal(".entry k()\n{\n.reg .b32 %r<2>;\nadd.u32 %r1 %r1;\n"
                    "}\n")
                .find("PTX line 7, in kernel k: expected , or ;"),
            std::string::npos);
  EXPECT_NE(refusal(".entry k()\n{\nret;\n").find("does not end"), std::string::npos);
  EXPECT_NE(refusal(".entry k()\n{\n.reg .b32 a, a;\n}\n").find("declared twice"), std::string::npos);
  EXPECT_NE(refusal(".entry k()\n{\nL:\nL:\nret;\n}\n").find("defined twice"), std::string::npos);
  EXPECT_NE(refusal(".surprise 3\n").find("unknown directive .surprise"), std::string::npos);
  EXPECT_NE(refusal(".entry k()\n{\n.reg .v4 .b32 a;\n}\n").find("not supported"), std::string::npos);
  EXPECT_NE(refusal(".global .u32 x = {1, 2};\n").find("more initial values"), std::string::npos);
}

}  // namespace
}  // namespace ternary::softgpu::ptx
