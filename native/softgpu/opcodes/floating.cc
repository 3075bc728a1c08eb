/**
 * f32 and f64. With Rules::exact_arithmetic an instruction must say .rn: what ptxas may fuse or approximate is refused.
 */
#include <cmath>

#include "softgpu/exec/lanes.h"
#include "softgpu/opcodes/arithmetic.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

/** The NaN that a GPU's f32 arithmetic gives; f64 keeps the host's. */
SOFTGPU_INLINE float canonical(float value) { return value == value ? value : from_lane<float>(0x7fffffffu); }
SOFTGPU_INLINE double canonical(double value) { return value; }

SOFTGPU_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SOFTGPU_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
SOFTGPU_INLINE float root(float a) { return __builtin_sqrtf(a); }
SOFTGPU_INLINE double root(double a) { return __builtin_sqrt(a); }
SOFTGPU_INLINE float magnitude(float a) { return __builtin_fabsf(a); }
SOFTGPU_INLINE double magnitude(double a) { return __builtin_fabs(a); }

struct Add {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return canonical(a + b);
  }
};
struct Sub {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return canonical(a - b);
  }
};
struct Mul {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return canonical(a * b);
  }
};
struct Fma {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b, T c) {
    return canonical(fused(a, b, c));
  }
};
struct Div {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return canonical(a / b);
  }
};
struct Sqrt {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return canonical(root(a));
  }
};
struct Rcp {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return canonical(T{1} / a);
  }
};
struct Rsqrt {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return canonical(T{1} / root(a));
  }
};
struct Ex2 {
  static SOFTGPU_INLINE float eval(float a) { return canonical(std::exp2(a)); }
};
struct Lg2 {
  static SOFTGPU_INLINE float eval(float a) { return canonical(std::log2(a)); }
};
struct Sin {
  static SOFTGPU_INLINE float eval(float a) { return canonical(std::sin(a)); }
};
struct Cos {
  static SOFTGPU_INLINE float eval(float a) { return canonical(std::cos(a)); }
};
struct Tanh {
  static SOFTGPU_INLINE float eval(float a) { return canonical(std::tanh(a)); }
};
/** A NaN loses against a number unless `propagate`; -0 is less than +0. */
template <bool least, bool propagate>
struct Extreme {
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    T both = canonical(a + b);  // a NaN if one is
    bool a_first = a < b || (a == b && __builtin_signbit(a));
    T chosen = a_first == least ? a : b;
    const bool a_is_nan = std::isnan(a), b_is_nan = std::isnan(b);
    chosen = a_is_nan ? b : b_is_nan ? a : chosen;
    return (propagate && (a_is_nan || b_is_nan)) || (a_is_nan && b_is_nan) ? both : chosen;
  }
};
struct Abs {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return magnitude(a);
  }
};
struct Neg {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return -a;
  }
};
struct CopySign {  // the sign of a, the magnitude of b
  template <class T>
  static SOFTGPU_INLINE T eval(T a, T b) {
    return std::copysign(b, a);
  }
};
/** .sat: clamped to [0, 1], a NaN becomes 0. */
template <class Op>
struct Saturated {
  template <class... A>
  static SOFTGPU_INLINE float eval(A... a) {
    float value = Op::eval(a...);
    return value > 0 ? (value < 1 ? value : 1.0f) : 0.0f;
  }
};

template <class Op, size_t sources>
ExecuteFn float_function(Type type) {
  if constexpr (sources == 1) {
    return type == Type::f32 ? lanes_function<Op, float, float>() : lanes_function<Op, double, double>();
  } else if constexpr (sources == 2) {
    return type == Type::f32 ? lanes_function<Op, float, float, float>() : lanes_function<Op, double, double, double>();
  } else {
    return type == Type::f32 ? lanes_function<Op, float, float, float, float>()
                             : lanes_function<Op, double, double, double, double>();
  }
}

/** Takes rounding and .ftz of an instruction that rounds. */
void take_rounding(Decoder& decoder, Type type, const char* what) {
  const bool exact = decoder.rules().exact_arithmetic;
  if (const char* other = decoder.take_one_of({"rz", "rm", "rp"})) {
    decoder.fail(std::string("rounding .") + other + " is not supported");
  }
  bool nearest = decoder.take("rn");
  if (!nearest && exact) {
    decoder.fail(std::string(what) + " of ." + ptx::name_of(type) +
                 " without .rn is refused: ptxas may fuse or "
                 "approximate it, so its bits are not fixed");
  }
  decoder.need(!decoder.take("ftz") || !exact, ".ftz is refused: the kernels' contract keeps denormals");
}

/** Approximations have no bits that could be proven. */
void take_approximation(Decoder& decoder, const char* what) {
  if (decoder.rules().exact_arithmetic) {
    decoder.fail(std::string(what) + " is an approximation, which is refused: its bits differ between machines");
  }
  decoder.take("ftz");
}

template <class Op, size_t sources>
void decode_rounded(Decoder& decoder, Instruction& instruction, Type type, const char* what) {
  take_rounding(decoder, type, what);
  bool saturate = decoder.take("sat");
  decode_operands(decoder, type, sources);
  if (!saturate) {
    instruction.execute = float_function<Op, sources>(type);
    return;
  }
  decoder.need(type == Type::f32, ".sat needs .f32");
  if constexpr (sources == 3) {
    instruction.execute = lanes_function<Saturated<Op>, float, float, float, float>();
  } else {
    instruction.execute = lanes_function<Saturated<Op>, float, float, float>();
  }
}

void decode_extreme(Decoder& decoder, Instruction& instruction, Type type, bool least) {
  decoder.need(!decoder.take("ftz"), ".ftz is refused: the kernels' contract keeps denormals");
  bool propagate = decoder.take("NaN");
  bool three = decoder.operand_count() == 4;
  decoder.need(!three, "three sources are not supported");
  decode_operands(decoder, type, 2);
  instruction.execute =
      least ? (propagate ? float_function<Extreme<true, true>, 2>(type) : float_function<Extreme<true, false>, 2>(type))
            : (propagate ? float_function<Extreme<false, true>, 2>(type)
                         : float_function<Extreme<false, false>, 2>(type));
}

void decode_sign(Decoder& decoder, Instruction& instruction, Type type, bool absolute) {
  decoder.need(!decoder.take("ftz"), ".ftz is refused: the kernels' contract keeps denormals");
  decode_operands(decoder, type, 1);
  instruction.execute = absolute ? float_function<Abs, 1>(type) : float_function<Neg, 1>(type);
}

void decode_div(Decoder& decoder, Instruction& instruction, Type type) {
  if (const char* approximation = decoder.take_one_of({"approx", "full"})) {
    take_approximation(decoder, approximation);
    decode_operands(decoder, type, 2);
    instruction.execute = float_function<Div, 2>(type);
    return;
  }
  decode_rounded<Div, 2>(decoder, instruction, type, "div");
}

}  // namespace

void decode_float(Decoder& decoder, Instruction& instruction, Arithmetic what) {
  Type type = decoder.take_type();
  switch (what) {
    case Arithmetic::add: return decode_rounded<Add, 2>(decoder, instruction, type, "add");
    case Arithmetic::sub: return decode_rounded<Sub, 2>(decoder, instruction, type, "sub");
    case Arithmetic::mul: return decode_rounded<Mul, 2>(decoder, instruction, type, "mul");
    case Arithmetic::mad: return decode_rounded<Fma, 3>(decoder, instruction, type, "fma");
    case Arithmetic::div: return decode_div(decoder, instruction, type);
    case Arithmetic::min: return decode_extreme(decoder, instruction, type, true);
    case Arithmetic::max: return decode_extreme(decoder, instruction, type, false);
    case Arithmetic::abs: return decode_sign(decoder, instruction, type, true);
    case Arithmetic::neg: return decode_sign(decoder, instruction, type, false);
    default: decoder.fail("not defined for floats");
  }
}

namespace {

template <class Op>
void decode_root(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::f32, Type::f64});
  if (decoder.take("approx")) {
    take_approximation(decoder, "approx");
  } else {
    take_rounding(decoder, type, instruction.row->name);
  }
  decode_operands(decoder, type, 1);
  instruction.execute = float_function<Op, 1>(type);
}

template <class Op>
void decode_approximation(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.take("approx"), ".approx is missing");
  Type type = decoder.take_type({Type::f32});
  take_approximation(decoder, instruction.row->name);
  decode_operands(decoder, type, 1);
  instruction.execute = lanes_function<Op, float, float>();
}

void decode_copysign(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type({Type::f32, Type::f64});
  decode_operands(decoder, type, 2);
  instruction.execute = float_function<CopySign, 2>(type);
}

const OpcodeRow kRows[] = {
    {"sqrt", decode_root<Sqrt>},        {"rcp", decode_root<Rcp>},
    {"rsqrt", decode_root<Rsqrt>},      {"ex2", decode_approximation<Ex2>},
    {"lg2", decode_approximation<Lg2>}, {"sin", decode_approximation<Sin>},
    {"cos", decode_approximation<Cos>}, {"tanh", decode_approximation<Tanh>},
    {"copysign", decode_copysign},
};

}  // namespace

Family float_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
