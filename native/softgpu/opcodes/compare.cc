/**
 * Comparisons and choices: setp, set, selp, slct, testp.
 */
#include <cmath>
#include <type_traits>

#include "softgpu/exec/float_formats.h"
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

enum class Compare : uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };

SOFTGPU_INLINE float number(Half a) { return from_f16(a.bits); }
SOFTGPU_INLINE float number(Brain a) { return from_bf16(a.bits); }
template <class T>
SOFTGPU_INLINE T number(T a) {
  return a;
}

template <class T>
SOFTGPU_INLINE bool is_nan(T a) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(a);
  } else {
    return false;
  }
}

template <Compare how, class T>
SOFTGPU_INLINE bool holds(T first, T second) {
  auto a = number(first);
  auto b = number(second);
  bool unordered = is_nan(a) || is_nan(b);
  switch (how) {
    case Compare::eq: return a == b;
    case Compare::ne: return !unordered && a != b;
    case Compare::lt: return a < b;
    case Compare::le: return a <= b;
    case Compare::gt: return a > b;
    case Compare::ge: return a >= b;
    case Compare::equ: return unordered || a == b;
    case Compare::neu: return a != b;
    case Compare::ltu: return unordered || a < b;
    case Compare::leu: return unordered || a <= b;
    case Compare::gtu: return unordered || a > b;
    case Compare::geu: return unordered || a >= b;
    case Compare::num: return !unordered;
    case Compare::nan: return unordered;
  }
  return false;
}

template <Compare how, class T>
SOFTGPU_INLINE uint32_t compare_lanes(Warp& warp, Slot first, Slot second) {
  const Stored<T>* a = warp.lanes<Stored<T>>(first);
  const Stored<T>* b = warp.lanes<Stored<T>>(second);
  uint32_t bits = 0;
  for (int i = 0; i < kWarpLanes; ++i) {
    bits |= static_cast<uint32_t>(holds<how, T>(from_lane<T>(a[i]), from_lane<T>(b[i]))) << i;
  }
  return bits;
}

using CompareFn = uint32_t (*)(Warp& warp, Slot a, Slot b);
template <Compare how, class T>
uint32_t compare_plain(Warp& warp, Slot a, Slot b) {
  return compare_lanes<how, T>(warp, a, b);
}
template <Compare how, class T>
__attribute__((target("avx2"))) uint32_t compare_wide(Warp& warp, Slot a, Slot b) {
  return compare_lanes<how, T>(warp, a, b);
}
template <Compare how, class T>
CompareFn compare_function() {
  return machine_is_wide() ? compare_wide<how, T> : compare_plain<how, T>;
}

template <class T>
CompareFn integer_compare(Compare how) {
  switch (how) {
    case Compare::eq: return compare_function<Compare::eq, T>();
    case Compare::ne: return compare_function<Compare::ne, T>();
    case Compare::lt: return compare_function<Compare::lt, T>();
    case Compare::le: return compare_function<Compare::le, T>();
    case Compare::gt: return compare_function<Compare::gt, T>();
    case Compare::ge: return compare_function<Compare::ge, T>();
    default: return nullptr;
  }
}

template <class T>
CompareFn float_compare(Compare how) {
  switch (how) {
    case Compare::equ: return compare_function<Compare::equ, T>();
    case Compare::neu: return compare_function<Compare::neu, T>();
    case Compare::ltu: return compare_function<Compare::ltu, T>();
    case Compare::leu: return compare_function<Compare::leu, T>();
    case Compare::gtu: return compare_function<Compare::gtu, T>();
    case Compare::geu: return compare_function<Compare::geu, T>();
    case Compare::num: return compare_function<Compare::num, T>();
    case Compare::nan: return compare_function<Compare::nan, T>();
    default: return integer_compare<T>(how);
  }
}

CompareFn find_compare(Compare how, Type type) {
  switch (type) {
    case Type::b16:
    case Type::u16: return integer_compare<uint16_t>(how);
    case Type::s16: return integer_compare<int16_t>(how);
    case Type::b32:
    case Type::u32: return integer_compare<uint32_t>(how);
    case Type::s32: return integer_compare<int32_t>(how);
    case Type::b64:
    case Type::u64: return integer_compare<uint64_t>(how);
    case Type::s64: return integer_compare<int64_t>(how);
    case Type::f32: return float_compare<float>(how);
    case Type::f64: return float_compare<double>(how);
    case Type::f16: return float_compare<Half>(how);
    case Type::bf16: return float_compare<Brain>(how);
    default: return nullptr;
  }
}

Compare take_compare(Decoder& decoder) {
  constexpr const char* kNames[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                    "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
  for (int i = 0; i < 14; ++i) {
    if (decoder.take(kNames[i])) return static_cast<Compare>(i);
  }
  // Unsigned orders by their other names.
  if (decoder.take("lo")) return Compare::lt;
  if (decoder.take("ls")) return Compare::le;
  if (decoder.take("hi")) return Compare::gt;
  if (decoder.take("hs")) return Compare::ge;
  decoder.fail("a comparison is missing");
}

enum class Combine : uint8_t { none, conjunction, disjunction, difference };

Combine take_combine(Decoder& decoder) {
  if (decoder.take("and")) return Combine::conjunction;
  if (decoder.take("or")) return Combine::disjunction;
  if (decoder.take("xor")) return Combine::difference;
  return Combine::none;
}

uint32_t combine(Combine how, uint32_t compared, uint32_t with) {
  switch (how) {
    case Combine::conjunction: return compared & with;
    case Combine::disjunction: return compared | with;
    case Combine::difference: return compared ^ with;
    default: return compared;
  }
}

struct Comparison {
  CompareFn compare;
  Combine combine;
  bool negated;
};

/** Takes the modifiers and reads a, b and c from operand 1 on, as op[first] ... */
const Comparison* decode_comparison(Decoder& decoder) {
  Compare how = take_compare(decoder);
  Comparison comparison{nullptr, take_combine(decoder), false};
  Type type = decoder.take_type();
  comparison.compare = find_compare(how, type);
  if (!comparison.compare) decoder.fail(std::string("this comparison of .") + ptx::name_of(type) + " is not supported");
  decoder.need_operands(comparison.combine == Combine::none ? 3 : 4, comparison.combine == Combine::none ? 3 : 4);
  decoder.read(1, type);
  decoder.read(2, type);
  if (comparison.combine != Combine::none) {
    const ptx::Operand& with = decoder.operand(3);
    comparison.negated = with.kind == ptx::Operand::Kind::negated;
    decoder.read(comparison.negated ? with.elements[0] : with, Type::pred);
  }
  return decoder.keep(comparison);
}

/** Operands: a, b, [c] from `first` on. Returns the comparison and, where there is a second result, its opposite. */
uint32_t evaluate(Warp& warp, const Instruction& instruction, int first, uint32_t* opposite) {
  const Comparison& comparison = *static_cast<const Comparison*>(instruction.detail);
  uint32_t compared = comparison.compare(warp, instruction.op[first], instruction.op[first + 1]);
  uint32_t with = 0;
  if (comparison.combine != Combine::none) {
    with = warp.predicate(instruction.op[first + 2]);
    if (comparison.negated) with = ~with;
  }
  *opposite = combine(comparison.combine, ~compared, with);
  return combine(comparison.combine, compared, with);
}

template <int results>
Step execute_setp(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint32_t opposite;
  uint32_t result = evaluate(warp, instruction, results, &opposite);
  warp.set_predicate(instruction.op[0], mask, result);
  if (results == 2) warp.set_predicate(instruction.op[1], mask, opposite);
  return Step::next;
}

void decode_setp(Decoder& decoder, Instruction& instruction) {
  const ptx::Operand& result = decoder.operand(0);
  bool two = result.kind == ptx::Operand::Kind::pair;
  decoder.write(two ? result.elements[0] : result, Type::pred);
  if (two) decoder.write(result.elements[1], Type::pred);
  instruction.detail = decode_comparison(decoder);
  instruction.execute = two ? execute_setp<2> : execute_setp<1>;
}

Step execute_set(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint32_t opposite;
  uint32_t result = evaluate(warp, instruction, 1, &opposite), yes = instruction.a;
  each_lane(warp.lanes<uint32_t>(instruction.op[0]), mask, [=](int i) { return result >> i & 1 ? yes : 0; });
  return Step::next;
}

/** set.cmp.dtype.stype: all ones or 1.0 where it holds. */
void decode_set(Decoder& decoder, Instruction& instruction) {
  Type result = decoder.take_type({Type::u32, Type::s32, Type::f32});
  decoder.write(size_t{0}, result);
  instruction.a = result == Type::f32 ? 0x3f800000 : ~0u;
  instruction.detail = decode_comparison(decoder);
  instruction.execute = execute_set;
}

struct Select {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b, Predicate p) {
    return p.value ? a : b;
  }
};
template <class C>
struct SelectBySign {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b, C c) {
    return c >= 0 ? a : b;
  }
};

void decode_selp(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type();
  decoder.need_operands(4, 4);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, type);
  decoder.read(3, Type::pred);
  int bits = ptx::bits(type);
  decoder.need(bits == 16 || bits == 32 || bits == 64, "selects values of 16, 32 or 64 bits");
  instruction.execute = bits == 64 ? lanes_function<Select, uint64_t, uint64_t, uint64_t, Predicate>()
                                   : lanes_function<Select, uint32_t, uint32_t, uint32_t, Predicate>();
}

void decode_slct(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type(), chooser = decoder.take_type({Type::s32, Type::f32});
  decoder.need_operands(4, 4);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, type);
  decoder.read(3, chooser);
  using U = uint32_t;
  using V = uint64_t;
  bool by_float = chooser == Type::f32;
  instruction.execute = ptx::bits(type) == 64 ? (by_float ? lanes_function<SelectBySign<float>, V, V, V, float>()
                                                          : lanes_function<SelectBySign<int32_t>, V, V, V, int32_t>())
                                              : (by_float ? lanes_function<SelectBySign<float>, U, U, U, float>()
                                                          : lanes_function<SelectBySign<int32_t>, U, U, U, int32_t>());
}

template <class T>
uint32_t test_property(Warp& warp, const Instruction& instruction) {
  uint32_t bits = 0;
  const Stored<T>* a = warp.lanes<Stored<T>>(instruction.op[1]);
  for (int i = 0; i < kWarpLanes; ++i) {
    T value = from_lane<T>(a[i]);
    int kind = std::fpclassify(value);
    bool holds = instruction.a == 0   ? std::isfinite(value)
                 : instruction.a == 1 ? kind == FP_INFINITE
                 : instruction.a == 2 ? kind != FP_NAN
                 : instruction.a == 3 ? kind == FP_NAN
                 : instruction.a == 4 ? kind == FP_NORMAL
                                      : kind == FP_SUBNORMAL;
    bits |= static_cast<uint32_t>(holds) << i;
  }
  return bits;
}

Step execute_testp(Warp& warp, const Instruction& instruction, uint32_t mask) {
  warp.set_predicate(instruction.op[0], mask,
                     instruction.type == Type::f32 ? test_property<float>(warp, instruction)
                                                   : test_property<double>(warp, instruction));
  return Step::next;
}

void decode_testp(Decoder& decoder, Instruction& instruction) {
  constexpr const char* kProperties[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
  while (instruction.a < 6 && !decoder.take(kProperties[instruction.a])) ++instruction.a;
  decoder.need(instruction.a < 6, "the property is missing");
  instruction.type = decoder.take_type({Type::f32, Type::f64});
  decoder.need_operands(2, 2);
  decoder.write(size_t{0}, Type::pred);
  decoder.read(1, instruction.type);
  instruction.execute = execute_testp;
}

const OpcodeRow kRows[] = {
    {"setp", decode_setp}, {"set", decode_set}, {"selp", decode_selp}, {"slct", decode_slct}, {"testp", decode_testp},
};

}  // namespace

Family compare_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
