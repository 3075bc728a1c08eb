/**
 * @file lanes_portable.h
 * @brief Sixteen lanes of fp32 or int32 in plain C++: what activations.h and gemm.h are written in, and what
 * abi/elementary.h can be given.
 *
 * lanes_avx2.h and lanes_avx512.h have the same members. A lane's arithmetic is IEEE fp32, rounded to nearest even, so
 * every Lanes gives the same bits.
 *
 * These headers, activations.h and gemm.h put everything into an unnamed namespace on purpose: each kernel file gets
 * its own copy, compiled with its own flags. As inline functions with external linkage, the linker would keep one copy
 * for all, and portable code could end up running AVX-512 instructions. The tests cpu_<isa>_shares_no_code hold every
 * ISA's objects to it.
 */
#ifndef TERNARY_CPU_FRAME_LANES_PORTABLE_H_
#define TERNARY_CPU_FRAME_LANES_PORTABLE_H_

#include <cmath>

#include "abi/dtype.h"
#include "abi/kernel.h"

namespace ternary::cpu {
namespace {

struct Lanes {
  struct F {
    float lane[16];
  };
  struct I {
    int32_t lane[16];
  };

  template <class Result, class Function>
  static Result each(Function function) {
    Result result;
    for (int i = 0; i < 16; ++i) result.lane[i] = function(i);
    return result;
  }

  static F set(float value) {
    return each<F>([&](int) { return value; });
  }
  static F load(const float* p) {
    return each<F>([&](int i) { return p[i]; });
  }
  static void store(float* p, F a) { std::memcpy(p, a.lane, sizeof a.lane); }
  static F add(F a, F b) {
    return each<F>([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static F sub(F a, F b) {
    return each<F>([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static F mul(F a, F b) {
    return each<F>([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static F fma(F a, F b, F c) {
    return each<F>([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static F div(F a, F b) {
    return each<F>([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  /** By comparison, so a NaN of `a` stays. */
  static F at_most(F a, F limit) {
    return each<F>([&](int i) { return a.lane[i] > limit.lane[i] ? limit.lane[i] : a.lane[i]; });
  }
  static F at_least(F a, F limit) {
    return each<F>([&](int i) { return a.lane[i] < limit.lane[i] ? limit.lane[i] : a.lane[i]; });
  }
  static F rounded_f16(F a) {
    return each<F>([&](int i) { return f16_to_float(float_to_f16(a.lane[i])); });
  }
  static F rounded_bf16(F a) {
    return each<F>([&](int i) { return bf16_to_float(float_to_bf16(a.lane[i])); });
  }
  /** Lanes 0, 2, 4 ... of the 32 that are a and then b; and the others. */
  static F evens(F a, F b) {
    return each<F>([&](int i) { return i < 8 ? a.lane[2 * i] : b.lane[2 * i - 16]; });
  }
  static F odds(F a, F b) {
    return each<F>([&](int i) { return i < 8 ? a.lane[2 * i + 1] : b.lane[2 * i - 15]; });
  }

  /** How many F of butterflies.h stay in registers. */
  static constexpr int kButterflies = 2;
  /** (a + b, a - b) for pairs of lanes: those 1 apart, then 2, 4 and 8. */
  static F butterflies(F a) {
    for (int stride = 1; stride < 16; stride *= 2) {
      a = each<F>([&](int i) {
        const float other = a.lane[i ^ stride];
        return i & stride ? other - a.lane[i] : a.lane[i] + other;
      });
    }
    return a;
  }

  static F load_f16(const void* p) { return load_as<TERNARY_F16>(p); }
  static F load_bf16(const void* p) { return load_as<TERNARY_BF16>(p); }
  static F load_f8_e4m3(const void* p) { return load_as<TERNARY_F8_E4M3>(p); }
  static void store_f16(void* p, F a) { store_as<TERNARY_F16>(p, a); }
  static void store_bf16(void* p, F a) { store_as<TERNARY_BF16>(p, a); }

  static I set_int(int32_t value) {
    return each<I>([&](int) { return value; });
  }
  static I load_int(const int32_t* p) {
    return each<I>([&](int i) { return p[i]; });
  }
  /** Modulo 2^32, as the vector instructions. */
  static I sub(I a, I b) {
    return each<I>([&](int i) {
      return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) - static_cast<uint32_t>(b.lane[i]));
    });
  }
  static I add(I a, I b) {
    return each<I>([&](int i) {
      return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) + static_cast<uint32_t>(b.lane[i]));
    });
  }
  static F to_float(I a) {
    return each<F>([&](int i) { return static_cast<float>(a.lane[i]); });
  }
  /** The larger, of values that are not negative. */
  static I max(I a, I b) {
    return each<I>([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static I bits(F a) {
    return each<I>([&](int i) { return static_cast<int32_t>(float_bits(a.lane[i])); });
  }
  static void store_int(int32_t* p, I a) { std::memcpy(p, a.lane, sizeof a.lane); }
  /** Numbers of the same order as the floats, of which -0 and +0 are equal; those of NaNs lie beyond the infinities. */
  static I ordered(F a) {
    return each<I>([&](int i) {
      const int32_t b = static_cast<int32_t>(float_bits(a.lane[i] + 0.0f));
      return b ^ ((b >> 31) & 0x7fffffff);
    });
  }
  /** Bit i is set where lanes i are equal. */
  static uint32_t equal(I a, I b) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(a.lane[i] == b.lane[i]) << i;
    return mask;
  }
  /** The sum by halves: lane i + lane i + 8, then 4, 2 and 1. */
  static float halving_sum(F a) {
    for (int half = 8; half >= 1; half /= 2) {
      for (int i = 0; i < half; ++i) a.lane[i] += a.lane[i + half];
    }
    return a.lane[0];
  }
  /** Half, rounded down. */
  static I half(I a) {
    return each<I>([&](int i) { return a.lane[i] >> 1; });
  }
  /** 2^n, -126 <= n <= 127; of another n any float. */
  static F power_of_two(I n) {
    return each<F>([&](int i) { return bits_float((static_cast<uint32_t>(n.lane[i]) + 127u) << 23); });
  }
  static I abs_bits(F a) {
    return each<I>([&](int i) { return static_cast<int32_t>(float_bits(a.lane[i]) & kAbsMask); });
  }
  /** Half to even, |a| < 2^22: the addend leaves no fraction bits, so the addition itself rounds. */
  static I round(F a) {
    return each<I>([&](int i) { return static_cast<int32_t>((a.lane[i] + 0x1.8p23f) - 0x1.8p23f); });
  }
  /** Values -128 ... 127. */
  static void store_int8(int8_t* p, I a) {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.lane[i]);
  }
  static I load_int8(const int8_t* p) {
    return each<I>([&](int i) { return static_cast<int32_t>(p[i]); });
  }

  static int32_t sum(I a) {
    uint32_t total = 0;
    for (int32_t lane : a.lane) total += static_cast<uint32_t>(lane);
    return static_cast<int32_t>(total);
  }
  static int32_t largest(I a) {
    int32_t result = a.lane[0];
    for (int32_t lane : a.lane) result = lane > result ? lane : result;
    return result;
  }

 private:
  template <ternary_dtype dtype>
  static F load_as(const void* p) {
    return each<F>([&](int i) { return load_float(p, dtype, i); });
  }
  template <ternary_dtype dtype>
  static void store_as(void* p, F a) {
    for (int i = 0; i < 16; ++i) store_float(p, dtype, i, a.lane[i]);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_LANES_PORTABLE_H_
