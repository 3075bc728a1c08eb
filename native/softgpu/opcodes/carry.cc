/**
 * Arithmetic longer than a register: the carry of add.cc goes into addc, a borrow of sub.cc into subc.
 */
#include "softgpu/exec/lanes.h"
#include "softgpu/opcodes/arithmetic.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

/** What decode() knows. */
struct CarryShape {
  Arithmetic what;
  bool in, out, high, is_signed;
};

template <class T>
T product(T a, T b, const CarryShape& shape) {
  using Wide = unsigned __int128;
  if (!shape.high) return static_cast<T>(a * b);
  if (!shape.is_signed) return static_cast<T>((static_cast<Wide>(a) * b) >> (8 * sizeof(T)));
  using S = std::make_signed_t<T>;
  return static_cast<T>((static_cast<__int128>(static_cast<S>(a)) * static_cast<S>(b)) >> (8 * sizeof(T)));
}

template <class T>
Step execute_carry(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const CarryShape& shape = *static_cast<const CarryShape*>(instruction.detail);
  const T* a = warp.lanes<T>(instruction.op[1]);
  const T* b = warp.lanes<T>(instruction.op[2]);
  const T* c = shape.what == Arithmetic::mad ? warp.lanes<T>(instruction.op[3]) : nullptr;
  T* d = warp.lanes<T>(instruction.op[0]);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    T first = c ? product(a[lane], b[lane], shape) : a[lane], second = c ? c[lane] : b[lane];
    T in = shape.in ? warp.carry >> lane & 1 : 0, result, whole;
    bool out;
    if (shape.what == Arithmetic::sub) {
      out = __builtin_sub_overflow(first, second, &result);
      out |= __builtin_sub_overflow(result, in, &whole);
    } else {
      out = __builtin_add_overflow(first, second, &result);
      out |= __builtin_add_overflow(result, in, &whole);
    }
    d[lane] = whole;
    if (shape.out) warp.carry = (warp.carry & ~(1u << lane)) | static_cast<uint32_t>(out) << lane;
  }
  return Step::next;
}

}  // namespace

void decode_carry(Decoder& decoder, Instruction& instruction, Arithmetic what, bool carry_in) {
  bool multiply = what == Arithmetic::mad;
  decoder.need(multiply || what == Arithmetic::add || what == Arithmetic::sub, ".cc is add's, sub's and mad's");
  bool high = multiply && std::string(decoder.need_one_of({"lo", "hi"})) == "hi";
  bool carry_out = decoder.take("cc");
  Type type = decoder.take_type({Type::u32, Type::s32, Type::u64, Type::s64});
  decode_operands(decoder, type, multiply ? 3 : 2);
  instruction.detail = decoder.keep(CarryShape{what, carry_in, carry_out, high, ptx::is_signed(type)});
  instruction.execute = ptx::bits(type) == 32 ? execute_carry<uint32_t> : execute_carry<uint64_t>;
}

}  // namespace ternary::softgpu
