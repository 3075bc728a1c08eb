/**
 * @file elementary.h
 * @brief exp and the functions made of it (numerics.md section 10): one text for CPUs and GPUs.
 *
 * Each function is a template over what computes: Scalar, a float on the host or a device, or the Lanes of a CPU kernel
 * (cpu/frame/lanes_portable.h). Each step is one IEEE operation, so all of them give the same bits. A NaN stays a NaN,
 * and never becomes an integer: rounding is an addition, and integers are read from its bits.
 */
#ifndef TERNARY_ABI_ELEMENTARY_H_
#define TERNARY_ABI_ELEMENTARY_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define TERNARY_EVERYWHERE __host__ __device__ __forceinline__
#else
#define TERNARY_EVERYWHERE inline
#endif

namespace ternary {

/** A float with the members of Lanes that the functions below need. On a device no step may be contracted. */
struct Scalar {
  using F = float;
  using I = int32_t;

  static TERNARY_EVERYWHERE F set(float value) { return value; }
  static TERNARY_EVERYWHERE I set_int(int32_t value) { return value; }
#ifdef __CUDA_ARCH__
  static TERNARY_EVERYWHERE F add(F a, F b) { return __fadd_rn(a, b); }
  static TERNARY_EVERYWHERE F sub(F a, F b) { return __fsub_rn(a, b); }
  static TERNARY_EVERYWHERE F mul(F a, F b) { return __fmul_rn(a, b); }
  static TERNARY_EVERYWHERE F div(F a, F b) { return __fdiv_rn(a, b); }
  static TERNARY_EVERYWHERE F fma(F a, F b, F c) { return __fmaf_rn(a, b, c); }
  static TERNARY_EVERYWHERE I bits(F a) { return __float_as_int(a); }
  static TERNARY_EVERYWHERE F power_of_two(I n) { return __uint_as_float((static_cast<uint32_t>(n) + 127u) << 23); }
#else
  static TERNARY_EVERYWHERE F add(F a, F b) { return a + b; }
  static TERNARY_EVERYWHERE F sub(F a, F b) { return a - b; }
  static TERNARY_EVERYWHERE F mul(F a, F b) { return a * b; }
  static TERNARY_EVERYWHERE F div(F a, F b) { return a / b; }
  static TERNARY_EVERYWHERE F fma(F a, F b, F c) { return std::fma(a, b, c); }
  static TERNARY_EVERYWHERE I bits(F a) {
    I result;
    std::memcpy(&result, &a, sizeof result);
    return result;
  }
  static TERNARY_EVERYWHERE F power_of_two(I n) {
    const uint32_t exponent = (static_cast<uint32_t>(n) + 127u) << 23;
    F result;
    std::memcpy(&result, &exponent, sizeof result);
    return result;
  }
#endif
  static TERNARY_EVERYWHERE F at_most(F a, F limit) { return a > limit ? limit : a; }
  static TERNARY_EVERYWHERE F at_least(F a, F limit) { return a < limit ? limit : a; }
  /** Modulo 2^32: of a NaN's bits any number may come. */
  static TERNARY_EVERYWHERE I sub(I a, I b) {
    return static_cast<I>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
  }
  static TERNARY_EVERYWHERE I half(I a) { return a >> 1; }
};

namespace elementary {

/** Within 1 ulp of e^x: 0.87 at worst. */
template <class L>
TERNARY_EVERYWHERE typename L::F exp(typename L::F x) {
  x = L::at_most(x, L::set(89.0f));
  x = L::at_least(x, L::set(-104.0f));
  // The sum's last place is 1, so the addition rounds half to even, and its low bits are n.
  constexpr float kRounder = 0x1.8p23f;
  constexpr int32_t kRounderBits = 0x4b400000;
  const typename L::F rounded = L::add(L::mul(x, L::set(0x1.715476p+0f)), L::set(kRounder));
  const typename L::F n = L::sub(rounded, L::set(kRounder));
  typename L::F r = L::fma(n, L::set(-0x1.62e430p-1f), x);
  r = L::fma(n, L::set(0x1.05c610p-29f), r);
  typename L::F p = L::set(1.37805939e-3f);
  p = L::fma(p, r, L::set(8.37312452e-3f));
  p = L::fma(p, r, L::set(4.16695364e-2f));
  p = L::fma(p, r, L::set(1.66664720e-1f));
  p = L::fma(p, r, L::set(4.99999851e-1f));
  p = L::fma(p, r, L::set(1.0f));
  p = L::fma(p, r, L::set(1.0f));
  const typename L::I whole = L::sub(L::bits(rounded), L::set_int(kRounderBits));
  const typename L::I a = L::half(whole);
  return L::mul(L::mul(p, L::power_of_two(a)), L::power_of_two(L::sub(whole, a)));
}

/** 1 + exp(-z): what sigmoid and its likes divide by. */
template <class L>
TERNARY_EVERYWHERE typename L::F one_plus_exp_of_minus(typename L::F z) {
  return L::add(L::set(1.0f), exp<L>(L::mul(z, L::set(-1.0f))));
}

template <class L>
TERNARY_EVERYWHERE typename L::F sigmoid(typename L::F z) {
  return L::div(L::set(1.0f), one_plus_exp_of_minus<L>(z));
}

template <class L>
TERNARY_EVERYWHERE typename L::F silu(typename L::F x) {
  return L::div(x, one_plus_exp_of_minus<L>(x));
}

/** The form of tanh, without tanh. */
template <class L>
TERNARY_EVERYWHERE typename L::F gelu(typename L::F x) {
  typename L::F t = L::mul(x, x);
  t = L::mul(t, x);
  t = L::fma(L::set(0.044715f), t, x);
  return L::div(x, one_plus_exp_of_minus<L>(L::mul(L::set(1.5957691216f), t)));
}

template <class L>
TERNARY_EVERYWHERE typename L::F relu2(typename L::F x) {
  const typename L::F r = L::at_least(x, L::set(0.0f));
  return L::mul(r, r);
}

/** What silu_clamp gives silu for its gate. `limit` > 0. */
template <class L>
TERNARY_EVERYWHERE typename L::F clamp_gate(typename L::F gate, float limit) {
  return L::at_most(gate, L::set(limit));
}

/** What silu_clamp multiplies by. `limit` > 0. */
template <class L>
TERNARY_EVERYWHERE typename L::F clamp_up(typename L::F up, float limit) {
  return L::at_most(L::at_least(up, L::set(-limit)), L::set(limit));
}

}  // namespace elementary
}  // namespace ternary

#endif  // TERNARY_ABI_ELEMENTARY_H_
