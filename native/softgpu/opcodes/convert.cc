/**
 * cvt between integers and floats of every width, to pairs of small floats, and cvt.pack.
 *
 * The usual pairs have a loop of their own; the others go through int64_t or double, which hold every source exactly.
 */
#include <algorithm>
#include <cmath>
#include <limits>

#include "softgpu/exec/float_formats.h"
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

enum class ToInteger : uint8_t { none, nearest, zero, down, up };

struct Conversion {
  Type to, from;
  Rounding rounding = Rounding::nearest_even;
  ToInteger integer = ToInteger::none;
  bool saturate = false;
  bool finite = false;  ///< .satfinite
  bool relu = false;
};

bool is_integer(Type type) { return !ptx::is_float(type); }

double round_to_integer(double value, ToInteger how) {
  switch (how) {
    case ToInteger::nearest: return std::nearbyint(value);
    case ToInteger::zero: return std::trunc(value);
    case ToInteger::down: return std::floor(value);
    case ToInteger::up: return std::ceil(value);
    default: return value;
  }
}

/** A lane's source as an integer; u64 as its bits. */
int64_t load_integer(Warp& warp, Slot slot, Type type, int lane) {
  uint64_t raw = slot.bits == 64 ? warp.lanes<uint64_t>(slot)[lane] : warp.lanes<uint32_t>(slot)[lane];
  switch (type) {
    case Type::u8: return static_cast<uint8_t>(raw);
    case Type::s8: return static_cast<int8_t>(raw);
    case Type::u16: return static_cast<uint16_t>(raw);
    case Type::s16: return static_cast<int16_t>(raw);
    case Type::u32: return static_cast<uint32_t>(raw);
    case Type::s32: return static_cast<int32_t>(raw);
    default: return static_cast<int64_t>(raw);
  }
}

double load_real(Warp& warp, Slot slot, Type type, int lane) {
  if (type == Type::f64) return from_lane<double>(warp.lanes<uint64_t>(slot)[lane]);
  uint32_t raw = warp.lanes<uint32_t>(slot)[lane];
  if (type == Type::f32) return from_lane<float>(raw);
  return type == Type::f16 ? from_f16(static_cast<uint16_t>(raw)) : from_bf16(static_cast<uint16_t>(raw));
}

/** Fills the register: a signed value with its sign. */
void store_integer(Warp& warp, Slot slot, Type type, int lane, int64_t value) {
  int bits = ptx::bits(type);
  if (bits < 64) {
    value = ptx::is_signed(type) ? static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - bits)) >> (64 - bits)
                                 : static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - bits) >> (64 - bits));
  }
  if (slot.bits == 64) {
    warp.lanes<uint64_t>(slot)[lane] = static_cast<uint64_t>(value);
  } else {
    uint32_t inside = slot.bits == 32 ? ~0u : (1u << slot.bits) - 1;
    warp.lanes<uint32_t>(slot)[lane] = static_cast<uint32_t>(value) & inside;
  }
}

void store_real(Warp& warp, Slot slot, const Conversion& conversion, int lane, double value) {
  if (conversion.saturate) value = value > 0 ? std::min(value, 1.0) : 0.0;
  if (conversion.relu && value < 0) value = 0;
  if (conversion.to == Type::f64) {
    warp.lanes<uint64_t>(slot)[lane] = to_lane(value);
    return;
  }
  const Format& format = conversion.to == Type::f32 ? kF32 : conversion.to == Type::f16 ? kF16 : kBf16;
  warp.lanes<uint32_t>(slot)[lane] = encode(value, format, conversion.rounding, conversion.finite);
}

int64_t lowest(Type type) {
  return !ptx::is_signed(type) ? 0 : ptx::bits(type) == 64 ? INT64_MIN : -(int64_t{1} << (ptx::bits(type) - 1));
}
uint64_t highest(Type type) {
  int bits = ptx::bits(type) - ptx::is_signed(type);
  return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

int64_t clamp_integer(int64_t value, Type from, Type to) {
  if (from == Type::u64) {
    return static_cast<int64_t>(std::min(static_cast<uint64_t>(value), highest(to)));
  }
  if (value < lowest(to)) return lowest(to);
  if (value > 0 && static_cast<uint64_t>(value) > highest(to)) return static_cast<int64_t>(highest(to));
  return value;
}

/** A float becomes the nearest integer of the type's range, a NaN 0. */
int64_t integer_of(double value, Type to) {
  if (value != value) return 0;
  if (value < static_cast<double>(lowest(to))) return lowest(to);
  if (value >= std::ldexp(1.0, ptx::bits(to) - ptx::is_signed(to))) return static_cast<int64_t>(highest(to));
  return to == Type::u64 ? static_cast<int64_t>(static_cast<uint64_t>(value)) : static_cast<int64_t>(value);
}

/** An integer as a double; of 64 bits only if it is rounded once. */
double real_of(int64_t value, const Conversion& conversion) {
  if (conversion.from == Type::u64) {
    uint64_t bits = static_cast<uint64_t>(value);
    if (conversion.to != Type::f32) return static_cast<double>(bits);
    return static_cast<double>(static_cast<float>(bits));
  }
  if (conversion.to == Type::f32 && conversion.from == Type::s64) return static_cast<double>(static_cast<float>(value));
  return static_cast<double>(value);
}

Step execute_convert(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const Conversion& conversion = *static_cast<const Conversion*>(instruction.detail);
  Slot to = instruction.op[0], from = instruction.op[1];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (is_integer(conversion.from)) {
      int64_t value = load_integer(warp, from, conversion.from, lane);
      if (!is_integer(conversion.to)) {
        store_real(warp, to, conversion, lane, real_of(value, conversion));
      } else {
        if (conversion.saturate) value = clamp_integer(value, conversion.from, conversion.to);
        store_integer(warp, to, conversion.to, lane, value);
      }
      continue;
    }
    double value = round_to_integer(load_real(warp, from, conversion.from, lane), conversion.integer);
    if (is_integer(conversion.to)) {
      store_integer(warp, to, conversion.to, lane, integer_of(value, conversion.to));
    } else {
      store_real(warp, to, conversion, lane, value);
    }
  }
  return Step::next;
}

// The usual pairs.
template <class To>
struct Cast {
  template <class T>
  static SOFTGPU_INLINE To eval(T a) {
    return static_cast<To>(a);
  }
};
struct FromHalf {
  static SOFTGPU_INLINE float eval(Half a) { return from_f16(a.bits); }
};
struct FromBrain {
  static SOFTGPU_INLINE float eval(Brain a) { return from_bf16(a.bits); }
};
struct ToBrain {
  static SOFTGPU_INLINE Brain eval(float a) { return {to_bf16(a)}; }
};
struct NearestInteger {
  static SOFTGPU_INLINE int32_t eval(float a) {
    float rounded = __builtin_nearbyintf(a);
    int32_t value = static_cast<int32_t>(rounded >= -2147483648.0f && rounded < 2147483648.0f ? rounded : 0.0f);
    value = rounded >= 2147483648.0f ? INT32_MAX : rounded < -2147483648.0f ? INT32_MIN : value;
    return value;
  }
};

ExecuteFn usual(const Conversion& c, int to_bits, int from_bits) {
  if (to_bits != ptx::bits(c.to) || c.saturate || c.finite || c.relu) return nullptr;
  bool nearest = c.rounding == Rounding::nearest_even;
  if (from_bits == ptx::bits(c.from)) {
    if (c.to == Type::f32 && c.from == Type::s32 && nearest) return lanes_function<Cast<float>, float, int32_t>();
    if (c.to == Type::f32 && c.from == Type::u32 && nearest) return lanes_function<Cast<float>, float, uint32_t>();
    if (c.to == Type::f32 && c.from == Type::f16) return lanes_function<FromHalf, float, Half>();
    if (c.to == Type::f32 && c.from == Type::bf16) return lanes_function<FromBrain, float, Brain>();
    if (c.to == Type::bf16 && c.from == Type::f32 && nearest) return lanes_function<ToBrain, Brain, float>();
    if (c.to == Type::s32 && c.from == Type::f32 && c.integer == ToInteger::nearest) {
      return lanes_function<NearestInteger, int32_t, float>();
    }
    bool to_64 = c.to == Type::u64 || c.to == Type::s64;
    if (to_64 && c.from == Type::u32) return lanes_function<Cast<uint64_t>, uint64_t, uint32_t>();
    if (to_64 && c.from == Type::s32) return lanes_function<Cast<int64_t>, int64_t, int32_t>();
    bool to_32 = c.to == Type::u32 || c.to == Type::s32;
    if (to_32 && (c.from == Type::u64 || c.from == Type::s64)) {
      return lanes_function<Cast<uint32_t>, uint32_t, uint64_t>();
    }
    if (to_32 && c.from == Type::u16) return lanes_function<Cast<uint32_t>, uint32_t, uint16_t>();
    if (to_32 && c.from == Type::s16) return lanes_function<Cast<int32_t>, int32_t, int16_t>();
    bool to_16 = c.to == Type::u16 || c.to == Type::s16;
    if (to_16 && (c.from == Type::u32 || c.from == Type::s32)) {
      return lanes_function<Cast<uint16_t>, uint16_t, uint32_t>();
    }
  }
  if (from_bits <= 32 && (c.to == Type::u32 || c.to == Type::s32)) {
    if (c.from == Type::u8) return lanes_function<Cast<uint32_t>, uint32_t, uint8_t>();
    if (c.from == Type::s8) return lanes_function<Cast<int32_t>, int32_t, int8_t>();
  }
  return nullptr;
}

struct PairConversion {
  Format to, from;
  int to_bits, from_bits;  ///< of one of the pair
  Rounding rounding;
  bool finite, relu;
};

uint32_t convert_one(double value, const PairConversion& conversion) {
  if (conversion.relu && value < 0) value = 0;
  return encode(value, conversion.to, conversion.rounding, conversion.finite);
}

/** d = {a, b} of two f32, a in the upper half; or of the pair a. */
Step execute_pair(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const PairConversion& conversion = *static_cast<const PairConversion*>(instruction.detail);
  bool two = instruction.op_count == 3;
  const uint32_t* a = warp.lanes<uint32_t>(instruction.op[1]);
  const uint32_t* b = warp.lanes<uint32_t>(instruction.op[instruction.op_count - 1]);
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  uint32_t inside = two ? ~0u : (1u << conversion.from_bits) - 1;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    uint32_t low = two ? b[lane] : a[lane] & inside;
    uint32_t high = two ? a[lane] : a[lane] >> conversion.from_bits & inside;
    d[lane] = convert_one(decode(low, conversion.from), conversion) |
              convert_one(decode(high, conversion.from), conversion) << conversion.to_bits;
  }
  return Step::next;
}

bool is_pair(Type type) {
  return type == Type::f16x2 || type == Type::bf16x2 || type == Type::e4m3x2 || type == Type::e5m2x2;
}
const Format& format_of(Type type) {
  switch (type) {
    case Type::f16x2: return kF16;
    case Type::bf16x2: return kBf16;
    case Type::e4m3x2: return kE4m3;
    case Type::e5m2x2: return kE5m2;
    default: return kF32;
  }
}

void decode_pair(Decoder& decoder, Instruction& instruction, const Conversion& conversion) {
  bool two = conversion.from == Type::f32;
  decoder.need(two || is_pair(conversion.from), "this conversion to a pair is not supported");
  bool small = conversion.to == Type::e4m3x2 || conversion.to == Type::e5m2x2;
  decoder.need(!small || conversion.finite, ".satfinite is missing");
  decoder.need_operands(two ? 3 : 2, two ? 3 : 2);
  decoder.write(size_t{0}, conversion.to);
  decoder.read(1, conversion.from);
  if (two) decoder.read(2, conversion.from);
  instruction.detail = decoder.keep(PairConversion{
      format_of(conversion.to), format_of(conversion.from), ptx::bits(conversion.to) / 2,
      two ? 32 : ptx::bits(conversion.from) / 2, conversion.rounding, conversion.finite, conversion.relu});
  instruction.execute = execute_pair;
}

Step execute_tf32(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const float* a = reinterpret_cast<const float*>(warp.lanes<uint32_t>(instruction.op[1]));
  Rounding rounding = static_cast<Rounding>(instruction.a);
  each_lane(warp.lanes<uint32_t>(instruction.op[0]), mask,
            [=](int i) { return std::isnan(a[i]) ? 0x7fffffffu : encode(a[i], kTf32, rounding, false) << 13; });
  return Step::next;
}

void take_rounding(Decoder& decoder, Conversion* conversion) {
  constexpr ToInteger kIntegers[] = {ToInteger::nearest, ToInteger::zero, ToInteger::down, ToInteger::up};
  constexpr Rounding kReals[] = {Rounding::nearest_even, Rounding::zero, Rounding::down, Rounding::up,
                                 Rounding::nearest_away};
  constexpr const char* kIntegerNames[] = {"rni", "rzi", "rmi", "rpi"};
  constexpr const char* kRealNames[] = {"rn", "rz", "rm", "rp", "rna"};
  for (int i = 0; i < 4; ++i) {
    if (decoder.take(kIntegerNames[i])) conversion->integer = kIntegers[i];
  }
  for (int i = 0; i < 5; ++i) {
    if (decoder.take(kRealNames[i])) conversion->rounding = kReals[i];
  }
}

void decode_cvt(Decoder& decoder, Instruction& instruction) {
  Conversion conversion{};
  take_rounding(decoder, &conversion);
  decoder.need(!decoder.take("ftz"), ".ftz is refused: the kernels' contract keeps denormals");
  conversion.saturate = decoder.take("sat");
  conversion.finite = decoder.take("satfinite");
  conversion.relu = decoder.take("relu");
  conversion.to = decoder.take_type();
  conversion.from = decoder.take_type();
  decoder.need(!conversion.saturate || !is_pair(conversion.to), ".sat is not a pair's");
  if (is_pair(conversion.to)) return decode_pair(decoder, instruction, conversion);
  const bool limited = conversion.saturate || conversion.finite || conversion.relu;
  decoder.need(!limited || conversion.to != Type::tf32, "a limited conversion to tf32 is not supported");
  decoder.need(!(conversion.finite || conversion.relu) || !is_integer(conversion.to), "a limit that floats have");
  if (conversion.to == Type::tf32) {
    decode_operands(decoder, Type::b32, 1);
    instruction.a = static_cast<uint32_t>(conversion.rounding);
    instruction.execute = execute_tf32;
    return;
  }
  for (Type type : {conversion.to, conversion.from}) {
    bool known = is_integer(type) ? type >= Type::u8
                                  : type == Type::f16 || type == Type::bf16 || type == Type::f32 || type == Type::f64;
    decoder.need(known, "this conversion is not supported");
  }
  bool rounds = !is_integer(conversion.from) && is_integer(conversion.to);
  decoder.need(!rounds || conversion.integer != ToInteger::none, "a rounding to integer is missing");
  decoder.need_operands(2, 2);
  decoder.write_wider(decoder.operand(0), conversion.to);
  decoder.read_wider(decoder.operand(1), conversion.from);
  instruction.detail = decoder.keep(conversion);
  instruction.execute = execute_convert;
  int to_bits = decoder.slot(0).bits, from_bits = decoder.slot(1).bits;
  if (ExecuteFn function = usual(conversion, to_bits, from_bits)) instruction.execute = function;
}

/** d = c << 2 * bits | clamp(a) << bits | clamp(b), a and b of s32. */
Step execute_cvt_pack(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const uint32_t* a = warp.lanes<uint32_t>(instruction.op[1]);
  const uint32_t* b = warp.lanes<uint32_t>(instruction.op[2]);
  const uint32_t* c = instruction.op_count == 4 ? warp.lanes<uint32_t>(instruction.op[3]) : nullptr;
  int bits = ptx::bits(instruction.type);
  uint32_t inside = (1u << bits) - 1;
  each_lane(warp.lanes<uint32_t>(instruction.op[0]), mask, [&](int i) {
    auto part = [&](uint32_t raw) {
      return static_cast<uint32_t>(clamp_integer(static_cast<int32_t>(raw), Type::s32, instruction.type)) & inside;
    };
    return (c && bits < 16 ? c[i] << 2 * bits : 0) | part(a[i]) << bits | part(b[i]);
  });
  return Step::next;
}

void decode_cvt_pack(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.take("sat"), ".sat is missing");
  instruction.type = decoder.take_type({Type::u16, Type::s16, Type::u8, Type::s8});
  decoder.take_type({Type::s32});
  bool third = decoder.take("b32");
  decode_operands(decoder, Type::b32, third ? 3 : 2);
  instruction.execute = execute_cvt_pack;
}

const OpcodeRow kRows[] = {
    {"cvt", decode_cvt},
    {"cvt.pack", decode_cvt_pack},
};

}  // namespace

Family convert_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
