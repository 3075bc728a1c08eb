/**
 * Bits: and, or, xor, not, cnot, shifts, lop3, prmt, bit fields, counts.
 */
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

struct And {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return static_cast<T>(~a);
  }
};
struct Cnot {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return a == 0;
  }
};
/** Shifts by the width or more give zeros, or signs: C++ must not see them. */
struct Shl {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, uint32_t n) {
    constexpr uint32_t width = 8 * sizeof(T);
    return n < width ? static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) << (n & (width - 1))) : T{0};
  }
};
struct Shr {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, uint32_t n) {
    constexpr uint32_t width = 8 * sizeof(T);
    if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> (n < width ? n : width - 1));
    return n < width ? static_cast<T>(a >> (n & (width - 1))) : T{0};
  }
};

template <class F>
ExecuteFn with_bits(Decoder& decoder, Type type, F f) {
  switch (ptx::bits(type)) {
    case 16: return f(uint16_t{});
    case 32: return f(uint32_t{});
    case 64: return f(uint64_t{});
    default: decoder.fail(std::string("type .") + ptx::name_of(type) + " is not supported here");
  }
}

enum class Logic { conjunction, disjunction, difference, inverse };

template <Logic what>
Step execute_predicates(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint32_t a = warp.predicate(instruction.op[1]);
  uint32_t b = what == Logic::inverse ? 0 : warp.predicate(instruction.op[2]);
  uint32_t result = what == Logic::conjunction   ? a & b
                    : what == Logic::disjunction ? a | b
                    : what == Logic::difference  ? a ^ b
                                                 : ~a;
  warp.set_predicate(instruction.op[0], mask, result);
  return Step::next;
}

template <class Op, Logic what>
void decode_logic(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::pred, Type::b16, Type::b32, Type::b64});
  decode_operands(decoder, type, what == Logic::inverse ? 1 : 2);
  if (type == Type::pred) {
    instruction.execute = execute_predicates<what>;
    return;
  }
  instruction.execute = with_bits(decoder, type, [](auto t) {
    using T = decltype(t);
    if constexpr (what == Logic::inverse) {
      return lanes_function<Op, T, T>();
    } else {
      return lanes_function<Op, T, T, T>();
    }
  });
}

void decode_cnot(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::b16, Type::b32, Type::b64});
  decode_operands(decoder, type, 1);
  instruction.execute = with_bits(decoder, type, [](auto t) {
    using T = decltype(t);
    return lanes_function<Cnot, T, T>();
  });
}

void decode_shl(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::b16, Type::b32, Type::b64});
  decoder.need_operands(3, 3);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, Type::b32);
  instruction.execute = with_bits(decoder, type, [](auto t) {
    using T = decltype(t);
    return lanes_function<Shl, T, T, uint32_t>();
  });
}

void decode_shr(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type();
  decoder.need_operands(3, 3);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, Type::b32);
  bool is_signed = ptx::is_signed(type);
  instruction.execute = with_bits(decoder, type, [is_signed](auto t) {
    using T = decltype(t);
    using S = std::make_signed_t<T>;
    return is_signed ? lanes_function<Shr, S, S, uint32_t>() : lanes_function<Shr, T, T, uint32_t>();
  });
}

/** shf: the 64 bits b:a shifted, .wrap uses 5 bits of the amount, .clamp at most 32. */
template <bool left, bool wrap>
struct Funnel {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b, uint32_t n) {
    n = wrap ? n & 31 : n < 32 ? n : 32;
    uint64_t both = uint64_t{b} << 32 | a;
    return left ? static_cast<uint32_t>(both << n >> 32) : static_cast<uint32_t>(both >> n);
  }
};

void decode_shf(Decoder& decoder, Instruction& instruction) {
  bool left = std::string(decoder.need_one_of({"l", "r"})) == "l";
  bool wrap = std::string(decoder.need_one_of({"wrap", "clamp"})) == "wrap";
  decoder.take_type({Type::b32});
  decode_operands(decoder, Type::b32, 3);
  using U = uint32_t;
  instruction.execute = left ? (wrap ? lanes_function<Funnel<true, true>, U, U, U, U>()
                                     : lanes_function<Funnel<true, false>, U, U, U, U>())
                             : (wrap ? lanes_function<Funnel<false, true>, U, U, U, U>()
                                     : lanes_function<Funnel<false, false>, U, U, U, U>());
}

/** Any of the 256 functions of three bits, as the sum of its minterms: place 4a + 2b + c of the table says. */
SOFTGPU_INLINE uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
  uint32_t result = 0;
  for (uint32_t i = 0; i < 8; ++i) {
    uint32_t chosen = 0 - (table >> i & 1);
    result |= chosen & (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  }
  return result;
}

SOFTGPU_INLINE void lop3_lanes(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const uint32_t* a = warp.lanes<uint32_t>(instruction.op[1]);
  const uint32_t* b = warp.lanes<uint32_t>(instruction.op[2]);
  const uint32_t* c = warp.lanes<uint32_t>(instruction.op[3]);
  uint32_t table = instruction.a;
  each_lane(warp.lanes<uint32_t>(instruction.op[0]), mask, [=](int i) { return lop3(a[i], b[i], c[i], table); });
}
Step execute_lop3(Warp& warp, const Instruction& instruction, uint32_t mask) {
  lop3_lanes(warp, instruction, mask);
  return Step::next;
}
__attribute__((target("avx2"))) Step execute_lop3_wide(Warp& warp, const Instruction& instruction, uint32_t mask) {
  lop3_lanes(warp, instruction, mask);
  return Step::next;
}

void decode_lop3(Decoder& decoder, Instruction& instruction) {
  decoder.take_type({Type::b32});
  decoder.need_operands(5, 5);
  decoder.write(size_t{0}, Type::b32);
  for (size_t i = 1; i <= 3; ++i) decoder.read(i, Type::b32);
  uint64_t table = decoder.constant(4);
  decoder.need(table < 256, "the table of lop3 has 8 bits");
  instruction.a = static_cast<uint32_t>(table);
  instruction.execute = machine_is_wide() ? execute_lop3_wide : execute_lop3;
}

struct Permute {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b, uint32_t selector) {
    uint64_t bytes = uint64_t{b} << 32 | a;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
      uint32_t choice = selector >> (4 * i) & 15;
      uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (choice & 7))) & 0xff;
      byte = choice & 8 ? (byte & 0x80 ? 0xffu : 0u) : byte;  // the sign, repeated
      result |= byte << (8 * i);
    }
    return result;
  }
};
/** The named modes choose bytes by the two low bits of the selector. */
constexpr uint16_t kPermuteModes[6][4] = {
    {0x3210, 0x4321, 0x5432, 0x6543},  // f4e
    {0x5670, 0x6701, 0x7012, 0x0123},  // b4e
    {0x0000, 0x1111, 0x2222, 0x3333},  // rc8
    {0x3210, 0x3211, 0x3222, 0x3333},  // ecl
    {0x0000, 0x1110, 0x2210, 0x3210},  // ecr
    {0x1010, 0x3232, 0x1010, 0x3232},  // rc16
};
template <int mode>
struct PermuteMode {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b, uint32_t selector) {
    return Permute::eval(a, b, kPermuteModes[mode][selector & 3]);
  }
};

void decode_prmt(Decoder& decoder, Instruction& instruction) {
  decoder.take_type({Type::b32});
  const char* mode = decoder.take_one_of({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  decode_operands(decoder, Type::b32, 3);
  using U = uint32_t;
  std::string name = mode ? mode : "";
  instruction.execute = name == "f4e"    ? lanes_function<PermuteMode<0>, U, U, U, U>()
                        : name == "b4e"  ? lanes_function<PermuteMode<1>, U, U, U, U>()
                        : name == "rc8"  ? lanes_function<PermuteMode<2>, U, U, U, U>()
                        : name == "ecl"  ? lanes_function<PermuteMode<3>, U, U, U, U>()
                        : name == "ecr"  ? lanes_function<PermuteMode<4>, U, U, U, U>()
                        : name == "rc16" ? lanes_function<PermuteMode<5>, U, U, U, U>()
                                         : lanes_function<Permute, U, U, U, U>();
}

/** bfe: `length` bits from `position`; beyond the top come zeros, or the sign of the highest bit that is there. */
struct Extract {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, uint32_t position, uint32_t length) {
    using U = std::make_unsigned_t<T>;
    constexpr uint32_t width = 8 * sizeof(T);
    position &= 0xff;
    length &= 0xff;
    if (length == 0) return 0;
    U value = Shr::eval(static_cast<U>(a), position);
    U inside = length >= width ? ~U{0} : static_cast<U>((U{1} << (length & (width - 1))) - 1);
    uint32_t top = position + length - 1 < width - 1 ? position + length - 1 : width - 1;
    bool sign = std::is_signed_v<T> && (static_cast<U>(a) >> top & 1);
    U kept = static_cast<U>(value & inside);
    if (!sign) return static_cast<T>(kept);
    // Bits from the top of the field, or of the word if the field goes beyond it, upwards are the sign.
    U present = position >= width ? U{0} : static_cast<U>(~U{0} >> position) & inside;
    return static_cast<T>(kept | static_cast<U>(~present));
  }
};
struct Insert {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b, uint32_t position, uint32_t length) {
    constexpr uint32_t width = 8 * sizeof(T);
    position &= 0xff;
    length &= 0xff;
    if (position >= width || length == 0) return b;
    T inside = length >= width ? ~T{0} : static_cast<T>((T{1} << length) - 1);
    inside = static_cast<T>(inside << position);
    return static_cast<T>((a << position & inside) | (b & ~inside));
  }
};

void decode_bfe(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::u32, Type::s32, Type::u64, Type::s64});
  decoder.need_operands(4, 4);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, Type::u32);
  decoder.read(3, Type::u32);
  instruction.execute = type == Type::u32   ? lanes_function<Extract, uint32_t, uint32_t, uint32_t, uint32_t>()
                        : type == Type::s32 ? lanes_function<Extract, int32_t, int32_t, uint32_t, uint32_t>()
                        : type == Type::u64 ? lanes_function<Extract, uint64_t, uint64_t, uint32_t, uint32_t>()
                                            : lanes_function<Extract, int64_t, int64_t, uint32_t, uint32_t>();
}

void decode_bfi(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::b32, Type::b64});
  decoder.need_operands(5, 5);
  decoder.write(size_t{0}, type);
  decoder.read(1, type);
  decoder.read(2, type);
  decoder.read(3, Type::u32);
  decoder.read(4, Type::u32);
  instruction.execute = type == Type::b32 ? lanes_function<Insert, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>()
                                          : lanes_function<Insert, uint64_t, uint64_t, uint64_t, uint32_t, uint32_t>();
}

struct Count {
  template <class T>
  static SOFTGPU_INLINE uint32_t eval(T a) {
    return static_cast<uint32_t>(__builtin_popcountll(a));
  }
};
struct LeadingZeros {
  template <class T>
  static SOFTGPU_INLINE uint32_t eval(T a) {
    return a == 0 ? 8 * sizeof(T) : static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
  }
};
struct Reverse {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    T result = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i) result = static_cast<T>(result << 1 | (a >> i & 1));
    return result;
  }
};
/** The place of the highest bit that differs from the sign, all ones if there is none. */
template <bool shift_amount>
struct FindHighest {
  template <class T>
  static SOFTGPU_INLINE uint32_t eval(T a) {
    using U = std::make_unsigned_t<T>;
    U bits = static_cast<U>(std::is_signed_v<T> && a < 0 ? ~a : a);
    if (bits == 0) return ~0u;
    uint32_t zeros = LeadingZeros::eval(bits);
    return shift_amount ? zeros : static_cast<uint32_t>(8 * sizeof(T)) - 1 - zeros;
  }
};

template <class Op>
void decode_count(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::b32, Type::b64});
  decoder.need_operands(2, 2);
  decoder.write(size_t{0}, Type::u32);
  decoder.read(1, type);
  instruction.execute =
      type == Type::b32 ? lanes_function<Op, uint32_t, uint32_t>() : lanes_function<Op, uint32_t, uint64_t>();
}

void decode_brev(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::b32, Type::b64});
  decode_operands(decoder, type, 1);
  instruction.execute =
      type == Type::b32 ? lanes_function<Reverse, uint32_t, uint32_t>() : lanes_function<Reverse, uint64_t, uint64_t>();
}

template <bool shift_amount>
ExecuteFn bfind(Type type) {
  using Op = FindHighest<shift_amount>;
  return type == Type::u32   ? lanes_function<Op, uint32_t, uint32_t>()
         : type == Type::s32 ? lanes_function<Op, uint32_t, int32_t>()
         : type == Type::u64 ? lanes_function<Op, uint32_t, uint64_t>()
                             : lanes_function<Op, uint32_t, int64_t>();
}

void decode_bfind(Decoder& decoder, Instruction& instruction) {
  bool shift_amount = decoder.take("shiftamt");
  Type type = decoder.take_type({Type::u32, Type::s32, Type::u64, Type::s64});
  decoder.need_operands(2, 2);
  decoder.write(size_t{0}, Type::u32);
  decoder.read(1, type);
  instruction.execute = shift_amount ? bfind<true>(type) : bfind<false>(type);
}

const OpcodeRow kRows[] = {
    {"and", decode_logic<And, Logic::conjunction>},
    {"or", decode_logic<Or, Logic::disjunction>},
    {"xor", decode_logic<Xor, Logic::difference>},
    {"not", decode_logic<Not, Logic::inverse>},
    {"cnot", decode_cnot},
    {"shl", decode_shl},
    {"shr", decode_shr},
    {"shf", decode_shf},
    {"lop3", decode_lop3},
    {"prmt", decode_prmt},
    {"bfe", decode_bfe},
    {"bfi", decode_bfi},
    {"popc", decode_count<Count>},
    {"clz", decode_count<LeadingZeros>},
    {"brev", decode_brev},
    {"bfind", decode_bfind},
};

}  // namespace

Family logic_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
