// mma.sync: shapes and types are checked here, mma_math.cc computes.
#include <algorithm>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/warp.h"
#include "softgpu/opcodes/mma_math.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

struct Mma {
  MmaShape shape;
  MmaType a_type, b_type;
  bool f16_accumulator, satfinite;
  MmaRegisters registers;
};

constexpr int kMaxOperands = 4 + 2 + 4 + 4;

/** Fragments as lists of lanes, in the order in which decode() added them: d, a, b, c. */
Step execute_mma(Warp& warp, const Instruction& instruction, uint32_t mask) {
  if (mask != kAllLanes) throw Fault(FaultKind::divergence, "mma.sync without all 32 lanes of the warp");
  const Mma& mma = *static_cast<const Mma*>(instruction.detail);
  uint32_t* words[kMaxOperands];
  for (int i = 0; i < instruction.op_count; ++i) words[i] = warp.lanes<uint32_t>(instruction.op[i]);
  const int accumulators = mma.f16_accumulator ? mma.registers.c16 : mma.registers.c32;
  uint32_t* const* d = words;
  uint32_t* const* a = d + accumulators;
  uint32_t* const* b = a + mma.registers.a;
  uint32_t* const* c = b + mma.registers.b;
  if (mma.a_type == MmaType::u8 || mma.a_type == MmaType::s8) {
    mma_s32(mma.shape, mma.a_type, mma.b_type, mma.satfinite, a, b, c, d);
  } else if (mma.f16_accumulator) {
    mma_f16(mma.shape, a, b, c, d);
  } else {
    mma_f32(mma.shape, mma.a_type, a, b, c, d);
  }
  return Step::next;
}

MmaType mma_type(Type type) {
  if (type == Type::u8) return MmaType::u8;
  if (type == Type::s8) return MmaType::s8;
  if (type == Type::e4m3) return MmaType::e4m3;
  return type == Type::f16 ? MmaType::f16 : MmaType::bf16;
}

MmaShape take_shape(Decoder& decoder, Type type) {
  const bool bytes = type == Type::u8 || type == Type::s8;
  const std::string name = type == Type::e4m3 ? decoder.need_one_of({"m16n8k32"})
                           : bytes            ? decoder.need_one_of({"m16n8k32", "m16n8k16", "m8n8k16"})
                                              : decoder.need_one_of({"m16n8k16", "m16n8k8"});
  if (name == "m16n8k32") return {16, 8, 32};
  if (name == "m8n8k16") return {8, 8, 16};
  return {16, 8, name == "m16n8k16" ? 16 : 8};
}

void decode_mma(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  decoder.need_one_of({"row"});
  decoder.need_one_of({"col"});
  Mma mma = {};
  mma.satfinite = decoder.take("satfinite");
  const Type d_type = decoder.take_type({Type::s32, Type::f32, Type::f16});
  const Type a_type = decoder.take_type({Type::u8, Type::s8, Type::f16, Type::bf16, Type::e4m3});
  const Type b_type = decoder.take_type({Type::u8, Type::s8, Type::f16, Type::bf16, Type::e4m3});
  const Type c_type = decoder.take_type({Type::s32, Type::f32, Type::f16});
  const bool bytes = a_type == Type::u8 || a_type == Type::s8;
  decoder.need(bytes ? b_type == Type::u8 || b_type == Type::s8 : b_type == a_type, "types of A and B do not match");
  decoder.need(c_type == d_type, "types of C and D differ");
  decoder.need(bytes == (d_type == Type::s32), "the accumulator's type does not go with the elements'");
  decoder.need(d_type != Type::f16 || a_type == Type::f16, "only f16 has an f16 accumulator");
  decoder.need(bytes || !mma.satfinite, ".satfinite is for integers");
  mma.shape = take_shape(decoder, a_type);
  mma.a_type = mma_type(a_type), mma.b_type = mma_type(b_type);
  mma.f16_accumulator = d_type == Type::f16;
  mma.registers = mma_registers(mma.shape, mma.a_type);
  const size_t accumulators = static_cast<size_t>(mma.f16_accumulator ? mma.registers.c16 : mma.registers.c32);
  const Type word = mma.f16_accumulator ? Type::b32 : d_type;
  decoder.need_operands(4, 4);
  decoder.write_vector(0, word, accumulators);
  decoder.read_vector(1, Type::b32, static_cast<size_t>(mma.registers.a));
  decoder.read_vector(2, Type::b32, static_cast<size_t>(mma.registers.b));
  decoder.read_vector(3, word, accumulators);
  instruction.gather = Gather::warp;
  instruction.detail = decoder.keep(mma);
  instruction.execute = execute_mma;
}

constexpr OpcodeRow kRows[] = {{"mma", decode_mma}};

}  // namespace

Family mma_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
