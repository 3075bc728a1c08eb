/**
 * f16, bf16 and pairs of them. Each result is that of exact arithmetic rounded once, also fma's.
 */
#include "softgpu/exec/float_formats.h"
#include "softgpu/exec/lanes.h"
#include "softgpu/opcodes/arithmetic.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

SOFTGPU_INLINE double number(Half a) { return from_f16(a.bits); }
SOFTGPU_INLINE double number(Brain a) { return from_bf16(a.bits); }
template <class T>
T rounded(double value) {
  constexpr const Format& format = std::is_same_v<T, Half> ? kF16 : kBf16;
  return {static_cast<uint16_t>(encode(value, format, Rounding::nearest_even, false))};
}
template <class T>
constexpr uint16_t kInfinity = std::is_same_v<T, Half> ? 0x7c00 : 0x7f80;
template <class T>
SOFTGPU_INLINE bool is_nan(T a) {
  return (a.bits & 0x7fff) > kInfinity<T>;
}

// Sums and products of 11 bits are exact in double or rounded so finely that rounding again is innocuous.
struct Add {
  template <class T>
  static T eval(T a, T b) {
    return rounded<T>(add_to_odd(number(a), number(b)));
  }
};
struct Sub {
  template <class T>
  static T eval(T a, T b) {
    return rounded<T>(add_to_odd(number(a), -number(b)));
  }
};
struct Mul {
  template <class T>
  static T eval(T a, T b) {
    return rounded<T>(number(a) * number(b));
  }
};
struct Fma {
  template <class T>
  static T eval(T a, T b, T c) {
    return rounded<T>(add_to_odd(number(a) * number(b), number(c)));
  }
};
template <bool least, bool propagate>
struct Extreme {
  template <class T>
  static T eval(T a, T b) {
    if (is_nan(a) || is_nan(b)) {
      if (propagate || (is_nan(a) && is_nan(b))) return {0x7fff};
      return is_nan(a) ? b : a;
    }
    double x = number(a), y = number(b);
    bool a_first = x < y || (x == y && a.bits >> 15);
    return a_first == least ? a : b;
  }
};
struct Abs {
  template <class T>
  static T eval(T a) {
    return {static_cast<uint16_t>(a.bits & 0x7fff)};
  }
};
struct Neg {
  template <class T>
  static T eval(T a) {
    return {static_cast<uint16_t>(a.bits ^ 0x8000)};
  }
};
template <class Op>
struct Relu {  // a NaN stays one
  template <class... A>
  static auto eval(A... a) {
    auto value = Op::eval(a...);
    return value.bits >> 15 && !is_nan(value) ? decltype(value){0} : value;
  }
};
template <class Op>
struct Saturated {
  template <class T, class... A>
  static T eval(T first, A... rest) {
    T value = Op::eval(first, rest...);
    double x = number(value);
    return x > 0 ? (x < 1 ? value : rounded<T>(1)) : T{0};
  }
};
template <class Op>
struct Pairwise {
  template <class T, class... A>
  static Pair<T> eval(Pair<T> a, A... rest) {
    return {Op::eval(a.low, rest.low...), Op::eval(a.high, rest.high...)};
  }
};

template <class Op, class T, size_t sources>
ExecuteFn of_type() {
  if constexpr (sources == 1) {
    return lanes_function<Op, T, T>();
  } else if constexpr (sources == 2) {
    return lanes_function<Op, T, T, T>();
  } else {
    return lanes_function<Op, T, T, T, T>();
  }
}

template <class Op, size_t sources>
ExecuteFn half_function(Type type) {
  switch (type) {
    case Type::f16: return of_type<Op, Half, sources>();
    case Type::bf16: return of_type<Op, Brain, sources>();
    case Type::f16x2: return of_type<Pairwise<Op>, Pair<Half>, sources>();
    default: return of_type<Pairwise<Op>, Pair<Brain>, sources>();
  }
}

template <class Op, size_t sources>
void decode_rounded(Decoder& decoder, Instruction& instruction, Type type) {
  const bool nearest = decoder.take("rn");
  decoder.need(nearest || !decoder.rules().exact_arithmetic,
               "arithmetic of halves without .rn is refused: ptxas may fuse it, so its bits are not fixed");
  bool saturate = decoder.take("sat"), relu = sources == 3 && decoder.take("relu");
  decode_operands(decoder, type, sources);
  instruction.execute = saturate ? half_function<Saturated<Op>, sources>(type)
                        : relu   ? half_function<Relu<Op>, sources>(type)
                                 : half_function<Op, sources>(type);
}

template <bool least>
void decode_extreme(Decoder& decoder, Instruction& instruction, Type type) {
  bool propagate = decoder.take("NaN");
  decode_operands(decoder, type, 2);
  instruction.execute =
      propagate ? half_function<Extreme<least, true>, 2>(type) : half_function<Extreme<least, false>, 2>(type);
}

}  // namespace

void decode_half(Decoder& decoder, Instruction& instruction, Arithmetic what) {
  Type type = decoder.take_type({Type::f16, Type::bf16, Type::f16x2, Type::bf16x2});
  bool is_bf16 = type == Type::bf16 || type == Type::bf16x2;
  bool wants_90 = is_bf16 && (what == Arithmetic::add || what == Arithmetic::sub || what == Arithmetic::mul);
  decoder.need(!wants_90 || decoder.arch() >= 90, "add, sub and mul of bf16 need sm_90");
  switch (what) {
    case Arithmetic::add: return decode_rounded<Add, 2>(decoder, instruction, type);
    case Arithmetic::sub: return decode_rounded<Sub, 2>(decoder, instruction, type);
    case Arithmetic::mul: return decode_rounded<Mul, 2>(decoder, instruction, type);
    case Arithmetic::mad: return decode_rounded<Fma, 3>(decoder, instruction, type);
    case Arithmetic::min: return decode_extreme<true>(decoder, instruction, type);
    case Arithmetic::max: return decode_extreme<false>(decoder, instruction, type);
    case Arithmetic::abs:
    case Arithmetic::neg:
      decode_operands(decoder, type, 1);
      instruction.execute = what == Arithmetic::abs ? half_function<Abs, 1>(type) : half_function<Neg, 1>(type);
      return;
    default: decoder.fail("not defined for halves");
  }
}

}  // namespace ternary::softgpu
