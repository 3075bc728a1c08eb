/**
 * @file arithmetic.h
 * @brief Opcodes that integers, floats and halves share; arithmetic.cc looks at the type and calls one of these.
 */
#ifndef TERNARY_SOFTGPU_OPCODES_ARITHMETIC_H_
#define TERNARY_SOFTGPU_OPCODES_ARITHMETIC_H_

#include "softgpu/code/opcode.h"

namespace ternary::softgpu {

enum class Arithmetic : uint8_t { add, sub, mul, mad, div, rem, min, max, abs, neg };

/** add.cc, addc, sub.cc, subc, mad.cc, madc: arithmetic longer than a register. `carry_in`: the names that end in c. */
void decode_carry(Decoder& decoder, Instruction& instruction, Arithmetic what, bool carry_in);
void decode_integer(Decoder& decoder, Instruction& instruction, Arithmetic what);
/** f32 and f64; mad is fma. */
void decode_float(Decoder& decoder, Instruction& instruction, Arithmetic what);
/** f16, bf16 and pairs of them. */
void decode_half(Decoder& decoder, Instruction& instruction, Arithmetic what);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_OPCODES_ARITHMETIC_H_
