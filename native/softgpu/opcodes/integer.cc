/**
 * Integer arithmetic: add, sub, mul, mad, div, rem, min, max, abs, neg and what only integers have.
 */
#include <algorithm>
#include <limits>

#include "softgpu/exec/lanes.h"
#include "softgpu/opcodes/arithmetic.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

template <class T>
using Unsigned = std::make_unsigned_t<T>;
template <class T>
using Wide = std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
                                std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

struct Add {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
  }
};
struct Sub {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
  }
};
struct AddSaturated {
  static SOFTGPU_INLINE int32_t eval(int32_t a, int32_t b) {
    int64_t sum = int64_t{a} + b;
    return static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
  }
};
struct SubSaturated {
  static SOFTGPU_INLINE int32_t eval(int32_t a, int32_t b) {
    int64_t difference = int64_t{a} - b;
    return static_cast<int32_t>(std::clamp<int64_t>(difference, INT32_MIN, INT32_MAX));
  }
};
struct MulLow {
  // 16-bit operands would be promoted to int, where their product may overflow: so 64 bits.
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    if constexpr (sizeof(T) == 2) return static_cast<T>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
    return static_cast<T>(static_cast<Unsigned<T>>(a) * static_cast<Unsigned<T>>(b));
  }
};
struct MulWide {
  template <class T>
  static SOFTGPU_INLINE Wide<T> eval(T a, T b) {
    return static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b);
  }
};
struct MulHigh {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    if constexpr (sizeof(T) == 8) {
      using Widest = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
      return static_cast<T>((static_cast<Widest>(a) * static_cast<Widest>(b)) >> 64);
    } else {
      return static_cast<T>((static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b)) >> (8 * sizeof(T)));
    }
  }
};
template <class Product>
struct Mad {
  template <class T, class C>
  static SOFTGPU_INLINE C eval(T a, T b, C c) {
    return Add::eval(static_cast<C>(Product::eval(a, b)), c);
  }
};
struct MadHighSaturated {
  static SOFTGPU_INLINE int32_t eval(int32_t a, int32_t b, int32_t c) {
    return AddSaturated::eval(MulHigh::eval(a, b), c);
  }
};
/** Division by zero: a GPU gives all ones, and the dividend as remainder; INT_MIN / -1 wraps. */
struct Div {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    if (b == 0) return static_cast<T>(-1);
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a));
    }
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
};
struct Min {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return a < b ? b : a;
  }
};
template <class Op>
struct Relu {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return Max::eval(Op::eval(a, b), T{0});
  }
};
template <class Op>
struct Pairwise {
  template <class T>
  static SOFTGPU_INLINE Pair<T> eval(Pair<T> a, Pair<T> b) {
    return {Op::eval(a.low, b.low), Op::eval(a.high, b.high)};
  }
};
struct Neg {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a));
  }
};
struct Abs {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return a < 0 ? Neg::eval(a) : a;
  }
};

/** f(T{}) with the C++ type of a PTX type. */
template <class F>
ExecuteFn with_type(Decoder& decoder, Type type, F f) {
  switch (type) {
    case Type::u16: return f(uint16_t{});
    case Type::s16: return f(int16_t{});
    case Type::u32: return f(uint32_t{});
    case Type::s32: return f(int32_t{});
    case Type::u64: return f(uint64_t{});
    case Type::s64: return f(int64_t{});
    default: decoder.fail(std::string("type .") + ptx::name_of(type) + " is not supported here");
  }
}

template <class Op>
ExecuteFn same_types(Decoder& decoder, Type type, size_t sources) {
  decode_operands(decoder, type, sources);
  return with_type(decoder, type, [sources](auto t) {
    using T = decltype(t);
    (void)sources;
    if constexpr (std::is_same_v<Op, Neg> || std::is_same_v<Op, Abs>) {
      return lanes_function<Op, T, T>();
    } else {
      return lanes_function<Op, T, T, T>();
    }
  });
}

Type wide_type(Decoder& decoder, Type type) {
  switch (type) {
    case Type::u16: return Type::u32;
    case Type::s16: return Type::s32;
    case Type::u32: return Type::u64;
    case Type::s32: return Type::s64;
    default: decoder.fail("no wide product of this type");
  }
}

/** mul and mad: .lo, .hi, .wide. */
ExecuteFn product(Decoder& decoder, Type type, const std::string& part, bool add) {
  Type result = part == "wide" ? wide_type(decoder, type) : type;
  bool saturate = add && part == "hi" && decoder.take("sat");
  decoder.need_operands(add ? 4 : 3, add ? 4 : 3);
  decoder.write(size_t{0}, result);
  decoder.read(1, type);
  decoder.read(2, type);
  if (add) decoder.read(3, result);
  if (saturate) {
    decoder.need(type == Type::s32, ".sat needs .s32");
    return lanes_function<MadHighSaturated, int32_t, int32_t, int32_t, int32_t>();
  }
  return with_type(decoder, type, [&](auto t) -> ExecuteFn {
    using T = decltype(t);
    using W = Wide<T>;
    if (part == "lo") return add ? lanes_function<Mad<MulLow>, T, T, T, T>() : lanes_function<MulLow, T, T, T>();
    if (part == "hi") return add ? lanes_function<Mad<MulHigh>, T, T, T, T>() : lanes_function<MulHigh, T, T, T>();
    return add ? lanes_function<Mad<MulWide>, W, T, T, W>() : lanes_function<MulWide, W, T, T>();
  });
}

/** add, min, max of two 16-bit values in a register: sm_90's. */
ExecuteFn pairs(Decoder& decoder, Arithmetic what, bool is_signed) {
  decoder.need(decoder.arch() >= 90, "needs sm_90");
  bool relu = decoder.take("relu");
  decode_operands(decoder, Type::b32, 2);
  using S = Pair<int16_t>;
  using U = Pair<uint16_t>;
  if (what == Arithmetic::add) return lanes_function<Pairwise<Add>, U, U, U>();
  if (relu) decoder.need(is_signed, ".relu needs a signed type");
  if (what == Arithmetic::min && relu) return lanes_function<Pairwise<Relu<Min>>, S, S, S>();
  if (what == Arithmetic::max && relu) return lanes_function<Pairwise<Relu<Max>>, S, S, S>();
  if (what == Arithmetic::min) {
    return is_signed ? lanes_function<Pairwise<Min>, S, S, S>() : lanes_function<Pairwise<Min>, U, U, U>();
  }
  if (what == Arithmetic::max) {
    return is_signed ? lanes_function<Pairwise<Max>, S, S, S>() : lanes_function<Pairwise<Max>, U, U, U>();
  }
  decoder.fail("pairs have add, min and max only");
}

ExecuteFn add_or_sub(Decoder& decoder, Type type, bool add) {
  if (decoder.take("sat")) {
    decoder.need(type == Type::s32, ".sat needs .s32");
    decode_operands(decoder, type, 2);
    return add ? lanes_function<AddSaturated, int32_t, int32_t, int32_t>()
               : lanes_function<SubSaturated, int32_t, int32_t, int32_t>();
  }
  return add ? same_types<Add>(decoder, type, 2) : same_types<Sub>(decoder, type, 2);
}

ExecuteFn min_or_max(Decoder& decoder, Type type, bool min) {
  if (decoder.take("relu")) {
    decoder.need(type == Type::s32, ".relu needs .s32");
    decode_operands(decoder, type, 2);
    return min ? lanes_function<Relu<Min>, int32_t, int32_t, int32_t>()
               : lanes_function<Relu<Max>, int32_t, int32_t, int32_t>();
  }
  return min ? same_types<Min>(decoder, type, 2) : same_types<Max>(decoder, type, 2);
}

}  // namespace

void decode_integer(Decoder& decoder, Instruction& instruction, Arithmetic what) {
  if (bool is_signed = decoder.take("s16x2"); is_signed || decoder.take("u16x2")) {
    instruction.execute = pairs(decoder, what, is_signed);
    return;
  }
  Type type = decoder.take_type();
  switch (what) {
    case Arithmetic::add: instruction.execute = add_or_sub(decoder, type, true); return;
    case Arithmetic::sub: instruction.execute = add_or_sub(decoder, type, false); return;
    case Arithmetic::mul:
    case Arithmetic::mad:
      instruction.execute = product(decoder, type, decoder.need_one_of({"lo", "hi", "wide"}), what == Arithmetic::mad);
      return;
    case Arithmetic::div: instruction.execute = same_types<Div>(decoder, type, 2); return;
    case Arithmetic::rem: instruction.execute = same_types<Rem>(decoder, type, 2); return;
    case Arithmetic::min: instruction.execute = min_or_max(decoder, type, true); return;
    case Arithmetic::max: instruction.execute = min_or_max(decoder, type, false); return;
    case Arithmetic::abs:
    case Arithmetic::neg:
      decoder.need(ptx::is_signed(type), "needs a signed type");
      instruction.execute =
          what == Arithmetic::abs ? same_types<Abs>(decoder, type, 1) : same_types<Neg>(decoder, type, 1);
      return;
  }
}

namespace {

struct Mul24Low {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b) { return (a & 0xffffff) * (b & 0xffffff); }
};
struct Mul24LowSigned {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b) {
    auto extended = [](uint32_t x) { return static_cast<uint32_t>(static_cast<int32_t>(x << 8) >> 8); };
    return extended(a) * extended(b);
  }
};
struct Sad {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b, T c) {
    return Add::eval(c, a < b ? Sub::eval(b, a) : Sub::eval(a, b));
  }
};
template <class A, class B>
struct Dot4 {
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 32; i += 8) {
      c += static_cast<uint32_t>(int32_t{static_cast<A>(a >> i)} * int32_t{static_cast<B>(b >> i)});
    }
    return c;
  }
};
template <class A, class B, int shift>
struct Dot2 {
  using A16 = std::conditional_t<std::is_signed_v<A>, int16_t, uint16_t>;
  static SOFTGPU_INLINE uint32_t eval(uint32_t a, uint32_t b, uint32_t c) {
    for (int i = 0; i < 2; ++i) {
      c += static_cast<uint32_t>(int32_t{static_cast<A16>(a >> (16 * i))}) *
           static_cast<uint32_t>(int32_t{static_cast<B>(b >> (8 * i + shift))});
    }
    return c;
  }
};

void decode_mul24(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.take("lo"), "only .lo is supported");
  Type type = decoder.take_type({Type::u32, Type::s32});
  decode_operands(decoder, type, 2);
  instruction.execute = type == Type::u32 ? lanes_function<Mul24Low, uint32_t, uint32_t, uint32_t>()
                                          : lanes_function<Mul24LowSigned, uint32_t, uint32_t, uint32_t>();
}

void decode_sad(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type();
  decode_operands(decoder, type, 3);
  instruction.execute = with_type(decoder, type, [](auto t) {
    using T = decltype(t);
    return lanes_function<Sad, T, T, T, T>();
  });
}

template <class A, class B>
ExecuteFn dot(bool four, bool high) {
  using U = uint32_t;
  if (four) return lanes_function<Dot4<A, B>, U, U, U, U>();
  return high ? lanes_function<Dot2<A, B, 16>, U, U, U, U>() : lanes_function<Dot2<A, B, 0>, U, U, U, U>();
}

template <bool four>
void decode_dot(Decoder& decoder, Instruction& instruction) {
  bool high = !four && std::string(decoder.need_one_of({"lo", "hi"})) == "hi";
  bool a = decoder.take_type({Type::u32, Type::s32}) == Type::s32;
  bool b = decoder.take_type({Type::u32, Type::s32}) == Type::s32;
  decode_operands(decoder, Type::b32, 3);
  instruction.execute = a ? (b ? dot<int8_t, int8_t>(four, high) : dot<int8_t, uint8_t>(four, high))
                          : (b ? dot<uint8_t, int8_t>(four, high) : dot<uint8_t, uint8_t>(four, high));
}

const OpcodeRow kRows[] = {
    {"mul24", decode_mul24},
    {"sad", decode_sad},
    {"dp4a", decode_dot<true>},
    {"dp2a", decode_dot<false>},
};

}  // namespace

Family integer_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
