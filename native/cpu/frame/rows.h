/**
 * @file rows.h
 * @brief A row of any type to fp32 scratch and back, and its RMS: what all kernels that go row by row begin with. Over
 * Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_ROWS_H_
#define TERNARY_CPU_FRAME_ROWS_H_

#include <cmath>
#include <cstring>

#include "abi/kernel.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

constexpr int kPartials = 256;  ///< of the sum of squares, after the row in scratch
constexpr int32_t kInfinity = 0x7f800000;
constexpr float kNan = __builtin_nanf("");

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

/** Rounded to a type, as fp32. */
template <ternary_dtype dtype>
Lanes::F rounded(Lanes::F value) {
  if constexpr (dtype == TERNARY_F16) return Lanes::rounded_f16(value);
  if constexpr (dtype == TERNARY_BF16) return Lanes::rounded_bf16(value);
  return value;
}

/** A switch a step costs a branch that is predicted: templates would be 27 for the three roundings of a gate. */
inline Lanes::F rounded(Lanes::F value, ternary_dtype dtype) {
  switch (dtype) {
    case TERNARY_F16: return rounded<TERNARY_F16>(value);
    case TERNARY_BF16: return rounded<TERNARY_BF16>(value);
    default: return value;
  }
}

/** Gives columns of a row as fp32. */
template <ternary_dtype dtype>
struct RowLoad {
  const void* row;
  Lanes::F scale;

  /** Columns k ... k + 16, all of them within the row. */
  Lanes::F operator()(int64_t k) const {
    return scaled(Element<dtype>::load(static_cast<const char*>(row) + k * Element<dtype>::bytes));
  }
  /** Zeros beyond K. */
  Lanes::F operator()(int64_t k, int64_t K) const { return scaled(load_lanes<dtype>(row, k, K)); }

 private:
  Lanes::F scaled(Lanes::F value) const { return dtype == TERNARY_F8_E4M3 ? Lanes::mul(value, scale) : value; }
};

/** Of row m of X, which is of this type. */
template <ternary_dtype dtype, class Task>
RowLoad<dtype> row_load(const Task& t, int64_t m) {
  const void* row = static_cast<const char*>(t.x) + m * t.ldx * Element<dtype>::bytes;
  return {row, Lanes::set(t.x_scale ? t.x_scale[m] : 1.0f)};
}

/** The whole row; v beyond K is zero up to the row padding. */
template <ternary_dtype dtype>
void load_row(const RowLoad<dtype> load, int64_t K, float* v) {
  for (int64_t k = 0; k < K; k += 16) Lanes::store(v + k, load(k, K));
  // Sums add the lanes beyond K: a NaN scale has made those of fp8 rows NaN, and padding is zero for all.
  std::memset(v + K, 0, static_cast<size_t>(round_up(K, kRowPadding) - K) * sizeof(float));
}

/** Row m of X. */
template <class Task>
void load_row(const Task& t, int64_t m, float* v) {
  switch (t.x_dtype) {
    case TERNARY_F32: return load_row(row_load<TERNARY_F32>(t, m), t.K, v);
    case TERNARY_F16: return load_row(row_load<TERNARY_F16>(t, m), t.K, v);
    case TERNARY_BF16: return load_row(row_load<TERNARY_BF16>(t, m), t.K, v);
    default: return load_row(row_load<TERNARY_F8_E4M3>(t, m), t.K, v);
  }
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

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_ROWS_H_
