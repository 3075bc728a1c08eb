/**
 * @file activations.h
 * @brief Makes rows of X ready (ActivationFn), written once over Lanes; include a lanes header first.
 *
 * A row passes through fp32 scratch, which stays in the first-level cache up to K of about 8000, in up to four passes:
 * load (and residual), sum of squares, scale (and largest magnitude), quantise.
 */
#ifndef TERNARY_CPU_FRAME_ACTIVATIONS_H_
#define TERNARY_CPU_FRAME_ACTIVATIONS_H_

#include <cmath>
#include <cstring>

#include "abi/kernel.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

constexpr int kPartials = 256;  ///< of the sum of squares, after the row in scratch
constexpr int32_t kInfinity = 0x7f800000;
constexpr float kNan = __builtin_nanf("");
constexpr float kSmallestAmax = 1e-5f;  ///< BitNet's floor

template <ternary_dtype dtype>
struct Element;

template <>
struct Element<TERNARY_F32> {
  static constexpr int64_t bytes = 4;
  static Lanes::F load(const void* p) { return Lanes::load(static_cast<const float*>(p)); }
  static void store(void* p, Lanes::F a) { Lanes::store(static_cast<float*>(p), a); }
};
template <>
struct Element<TERNARY_F16> {
  static constexpr int64_t bytes = 2;
  static Lanes::F load(const void* p) { return Lanes::load_f16(p); }
  static void store(void* p, Lanes::F a) { Lanes::store_f16(p, a); }
};
template <>
struct Element<TERNARY_BF16> {
  static constexpr int64_t bytes = 2;
  static Lanes::F load(const void* p) { return Lanes::load_bf16(p); }
  static void store(void* p, Lanes::F a) { Lanes::store_bf16(p, a); }
};
template <>
struct Element<TERNARY_F8_E4M3> {
  static constexpr int64_t bytes = 1;
  static Lanes::F load(const void* p) { return Lanes::load_f8_e4m3(p); }
};

/** Sixteen elements from `k` of a row of K, zeros beyond its end, which is not touched. */
template <ternary_dtype dtype>
Lanes::F load_lanes(const void* row, int64_t k, int64_t K) {
  const char* p = static_cast<const char*>(row) + k * Element<dtype>::bytes;
  if (k + 16 <= K) return Element<dtype>::load(p);
  alignas(64) char tail[64] = {};
  std::memcpy(tail, p, static_cast<size_t>((K - k) * Element<dtype>::bytes));
  return Element<dtype>::load(tail);
}

template <ternary_dtype dtype>
void store_lanes(void* row, int64_t k, int64_t K, Lanes::F value) {
  char* p = static_cast<char*>(row) + k * Element<dtype>::bytes;
  if (k + 16 <= K) return Element<dtype>::store(p, value);
  alignas(64) char tail[64];
  Element<dtype>::store(tail, value);
  std::memcpy(p, tail, static_cast<size_t>((K - k) * Element<dtype>::bytes));
}

template <ternary_dtype dtype>
void load_row(const void* x, float scale, int64_t K, float* v) {
  const Lanes::F factor = Lanes::set(scale);
  for (int64_t k = 0; k < K; k += 16) {
    Lanes::F value = load_lanes<dtype>(x, k, K);
    if (dtype == TERNARY_F8_E4M3) value = Lanes::mul(value, factor);
    Lanes::store(v + k, value);
  }
}

/** v = residual_out = v + residual, rounded once to the residual's type. */
template <ternary_dtype dtype>
void add_residual_row(const void* residual, void* residual_out, int64_t K, float* v) {
  for (int64_t k = 0; k < K; k += 16) {
    const Lanes::F sum = Lanes::add(Lanes::load(v + k), load_lanes<dtype>(residual, k, K));
    alignas(64) char rounded[64];
    Element<dtype>::store(rounded, sum);
    const Lanes::F value = Element<dtype>::load(rounded);
    store_lanes<dtype>(residual_out, k, K, value);
    Lanes::store(v + k, value);
  }
}

/** Row m of X as fp32, plus its residual; v beyond K is zero up to the row padding. */
inline void load_row(const ActivationTask& t, int64_t m, float* v) {
  const float scale = t.x_scale ? t.x_scale[m] : 1.0f;
  const auto row = [&](const void* base, int64_t ld, int64_t bytes) {
    return static_cast<const char*>(base) + m * ld * bytes;
  };
  switch (t.x_dtype) {
    case TERNARY_F32: load_row<TERNARY_F32>(row(t.x, t.ldx, 4), scale, t.K, v); break;
    case TERNARY_F16: load_row<TERNARY_F16>(row(t.x, t.ldx, 2), scale, t.K, v); break;
    case TERNARY_BF16: load_row<TERNARY_BF16>(row(t.x, t.ldx, 2), scale, t.K, v); break;
    default: load_row<TERNARY_F8_E4M3>(row(t.x, t.ldx, 1), scale, t.K, v); break;
  }
  if (t.residual) {
    const int64_t bytes = t.residual_dtype == TERNARY_F32 ? 4 : 2;
    const void* in = row(t.residual, t.ld_residual, bytes);
    void* out = const_cast<char*>(row(t.residual_out, t.ld_residual, bytes));
    switch (t.residual_dtype) {
      case TERNARY_F16: add_residual_row<TERNARY_F16>(in, out, t.K, v); break;
      case TERNARY_BF16: add_residual_row<TERNARY_BF16>(in, out, t.K, v); break;
      default: add_residual_row<TERNARY_F32>(in, out, t.K, v); break;
    }
  }
  // Sums add the lanes beyond K: a NaN scale has made those of fp8 rows NaN, and padding is zero for all.
  std::memset(v + t.K, 0, static_cast<size_t>(round_up(t.K, kRowPadding) - t.K) * sizeof(float));
}

/** 1 / sqrt(mean of squares + eps) in the contract's order; NaN where the sum is not finite. */
inline float reciprocal_rms(const float* v, int64_t K, float eps, float* part) {
  constexpr int kChains = 4;  // independent fma chains hide the latency
  const int64_t end = round_up(K, kRowPadding);
  for (int i = 0; i < kPartials; i += 16 * kChains) {
    Lanes::F sum[kChains];
    for (auto& chain : sum) chain = Lanes::set(0.0f);
    for (int64_t k = i; k < end; k += kPartials) {
      for (int c = 0; c < kChains; ++c) {
        const Lanes::F value = Lanes::load(v + k + 16 * c);
        sum[c] = Lanes::fma(value, value, sum[c]);
      }
    }
    for (int c = 0; c < kChains; ++c) Lanes::store(part + i + 16 * c, sum[c]);
  }
  for (int half = kPartials / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) part[i] += part[i + half];
  }
  int32_t bits;
  std::memcpy(&bits, part, sizeof bits);
  if ((bits & 0x7fffffff) >= kInfinity) return kNan;
  return 1.0f / std::sqrt(part[0] / static_cast<float>(K) + eps);
}

/** Applies norm and column alpha in place; returns the bits of the row's largest magnitude, NaN largest of all. */
inline int32_t scale_row(const ActivationTask& t, float r, float* v) {
  const Lanes::F factor = Lanes::set(r);
  Lanes::I largest = Lanes::set_int(0);
  for (int64_t k = 0; k < t.K; k += 16) {
    Lanes::F value = Lanes::load(v + k);
    if (t.norm_weight) {
      value = Lanes::mul(Lanes::mul(value, factor), load_lanes<TERNARY_F32>(t.norm_weight, k, t.K));
    }
    if (t.alpha_column) value = Lanes::mul(value, load_lanes<TERNARY_F32>(t.alpha_column, k, t.K));
    // The lanes beyond K are zero times zero, or NaN like the rest of the row where r is NaN.
    if (t.norm_weight || t.alpha_column) Lanes::store(v + k, value);
    largest = Lanes::max(largest, Lanes::abs_bits(value));
  }
  return Lanes::largest(largest);
}

inline void quantise_row(const ActivationTask& t, int64_t m, const float* v, int32_t largest) {
  int8_t* q = t.q + m * t.ldq;
  Lanes::I sum = Lanes::set_int(0);
  if (largest >= kInfinity) {
    std::memset(q, 0, static_cast<size_t>(t.padded));
    t.s[m] = kNan;
  } else {
    float amax;
    std::memcpy(&amax, &largest, sizeof amax);
    const float a = amax > kSmallestAmax ? amax : kSmallestAmax;
    const Lanes::F inverse = Lanes::set(127.0f / a);
    t.s[m] = a / 127.0f;
    // No clamp: |x'| <= a and 127 / a rounds by at most half a unit, so |x' * inverse| < 127.5.
    const int64_t end = round_up(t.K, 16) < t.padded ? round_up(t.K, 16) : t.padded;
    int64_t k = 0;
    for (; k + 16 <= end; k += 16) {
      const Lanes::I value = Lanes::round(Lanes::mul(Lanes::load(v + k), inverse));
      sum = Lanes::add(sum, value);
      Lanes::store_int8(q + k, value);
    }
    if (k < end) {
      const Lanes::I value = Lanes::round(Lanes::mul(Lanes::load(v + k), inverse));
      sum = Lanes::add(sum, value);
      alignas(16) int8_t tail[16];
      Lanes::store_int8(tail, value);
      std::memcpy(q + k, tail, static_cast<size_t>(end - k));
    }
    std::memset(q + end, 0, static_cast<size_t>(t.padded - end));
  }
  if (t.q_sum) t.q_sum[m] = Lanes::sum(sum);
}

inline void copy_int8_row(const ActivationTask& t, int64_t m) {
  const int8_t* x = static_cast<const int8_t*>(t.x) + m * t.ldx;
  int8_t* q = t.q + m * t.ldq;
  std::memcpy(q, x, static_cast<size_t>(t.K));
  std::memset(q + t.K, 0, static_cast<size_t>(t.padded - t.K));
  t.s[m] = t.x_scale[m];
  if (!t.q_sum) return;
  Lanes::I sum = Lanes::set_int(0);
  int64_t k = 0;
  for (; k + 16 <= t.K; k += 16) sum = Lanes::add(sum, Lanes::load_int8(x + k));
  int32_t total = Lanes::sum(sum);
  for (; k < t.K; ++k) total += x[k];
  t.q_sum[m] = total;
}

inline void store_float_row(const ActivationTask& t, int64_t m, const float* v, int32_t largest) {
  float* f = t.f + m * t.ldf;
  if (largest < kInfinity) {
    std::memcpy(f, v, static_cast<size_t>(t.K) * sizeof(float));
  } else {
    for (int64_t k = 0; k < t.K; ++k) f[k] = kNan;
  }
  std::memset(f + t.K, 0, static_cast<size_t>(t.padded - t.K) * sizeof(float));
}

inline void prepare_rows(const ActivationTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  float* part = scratch + round_up(t.K, kRowPadding);
  for (int64_t m = m_begin; m < m_end; ++m) {
    if (t.x_dtype == TERNARY_I8) {
      copy_int8_row(t, m);
      continue;
    }
    load_row(t, m, scratch);
    const float r = t.norm_weight ? reciprocal_rms(scratch, t.K, t.eps, part) : 1.0f;
    const int32_t largest = scale_row(t, r, scratch);
    if (t.q) {
      quantise_row(t, m, scratch, largest);
    } else {
      store_float_row(t, m, scratch, largest);
    }
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the ActivationFn `function`. */
#define TERNARY_CPU_ACTIVATIONS(function)                                                     \
  namespace ternary::cpu {                                                                    \
  void function(const ActivationTask& task, int64_t m_begin, int64_t m_end, float* scratch) { \
    prepare_rows(task, m_begin, m_end, scratch);                                              \
  }                                                                                           \
  }

#endif  // TERNARY_CPU_FRAME_ACTIVATIONS_H_
