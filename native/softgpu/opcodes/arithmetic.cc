#include "softgpu/opcodes/arithmetic.h"

namespace ternary::softgpu {
namespace {

template <Arithmetic what>
void decode(Decoder& decoder, Instruction& instruction) {
  ptx::Type type = decoder.last_type();
  if (decoder.has("cc")) return decode_carry(decoder, instruction, what, false);
  if (!ptx::is_float(type)) return decode_integer(decoder, instruction, what);
  if (type == ptx::Type::f32 || type == ptx::Type::f64) return decode_float(decoder, instruction, what);
  decode_half(decoder, instruction, what);
}

template <Arithmetic what>
void decode_with_carry(Decoder& decoder, Instruction& instruction) {
  decode_carry(decoder, instruction, what, true);
}

const OpcodeRow kRows[] = {
    {"add", decode<Arithmetic::add>},
    {"sub", decode<Arithmetic::sub>},
    {"mul", decode<Arithmetic::mul>},
    {"mad", decode<Arithmetic::mad>},
    {"fma", decode<Arithmetic::mad>},
    {"div", decode<Arithmetic::div>},
    {"rem", decode<Arithmetic::rem>},
    {"min", decode<Arithmetic::min>},
    {"max", decode<Arithmetic::max>},
    {"addc", decode_with_carry<Arithmetic::add>},
    {"subc", decode_with_carry<Arithmetic::sub>},
    {"madc", decode_with_carry<Arithmetic::mad>},
    {"abs", decode<Arithmetic::abs>},
    {"neg", decode<Arithmetic::neg>},
};

}  // namespace

Family arithmetic_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
