/**
 * @file activations.h
 * @brief Makes rows of X ready (ActivationFn), written once over Lanes; include a lanes header first.
 *
 * A row passes through fp32 scratch, which stays in the first-level cache up to K of about 8000, in up to four passes:
 * load (and residual), sum of squares, scale (and largest magnitude), quantise. A rotation takes the place of the third,
 * without a norm of the first as well; where a run does not stay in registers it has passes of its own in between.
 */
#ifndef TERNARY_CPU_FRAME_ACTIVATIONS_H_
#define TERNARY_CPU_FRAME_ACTIVATIONS_H_

#include "cpu/frame/butterflies.h"
#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

constexpr float kSmallestAmax = 1e-5f;           ///< BitNet's floor, of a row
constexpr float kSmallestBlockAmax = 0x1p-100f;  ///< of a block that is not zero

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

inline void add_residual(const ActivationTask& t, int64_t m, float* v) {
  const int64_t offset = m * t.ld_residual * (t.residual_dtype == TERNARY_F32 ? 4 : 2);
  const void* in = static_cast<const char*>(t.residual) + offset;
  void* out = static_cast<char*>(t.residual_out) + offset;
  switch (t.residual_dtype) {
    case TERNARY_F16: add_residual_row<TERNARY_F16>(in, out, t.K, v); break;
    case TERNARY_BF16: add_residual_row<TERNARY_BF16>(in, out, t.K, v); break;
    default: add_residual_row<TERNARY_F32>(in, out, t.K, v); break;
  }
}

/** Columns in scratch, normalised. */
struct Normed {
  const float* v;
  Lanes::F r;
  const float* weight;

  Lanes::F operator()(int64_t k) const {
    return Lanes::mul(Lanes::mul(Lanes::load(v + k), r), Lanes::load(weight + k));
  }
};

/** Keeps columns in scratch, times the factor of their rotation. */
struct Rotated {
  float* v;
  Lanes::F factor;
  Lanes::I largest;  ///< bits of magnitudes, NaN largest of all

  void operator()(int64_t k, Lanes::F value) {
    value = Lanes::mul(value, factor);
    largest = Lanes::max(largest, Lanes::abs_bits(value));
    Lanes::store(v + k, value);
  }
};

/** From the columns that load(k) gives: signs and rotation. Returns the bits of the largest magnitude. */
template <class Load>
int32_t rotate_row(const ActivationTask& t, const Load& load, float* v) {
  Rotated rotated = {v, Lanes::set(rotation_factor(t.rotation)), Lanes::set_int(0)};
  hadamard(v, t.K, t.rotation, Signed{load, t.signs}, rotated);
  return Lanes::largest(rotated.largest);
}

/** Row m without a norm. fp8 goes by scratch: there is too much code of its conversion to have it in every butterfly. */
inline int32_t rotate_x(const ActivationTask& t, int64_t m, float* v) {
  switch (t.x_dtype) {
    case TERNARY_F32: return rotate_row(t, row_load<TERNARY_F32>(t, m), v);
    case TERNARY_F16: return rotate_row(t, row_load<TERNARY_F16>(t, m), v);
    case TERNARY_BF16: return rotate_row(t, row_load<TERNARY_BF16>(t, m), v);
    default: load_row(t, m, v); return rotate_row(t, Kept{v}, v);
  }
}

/** What is left to be done to a row in scratch before its scales are known. */
struct Rest {
  Lanes::F r;                 ///< of the norm
  const float* norm_weight;   ///< or null
  const float* alpha_column;  ///< or null
  int32_t largest;            ///< bits of the row's largest magnitude where nothing is left, else -1
};

inline void weigh_row(float weight, int64_t K, float* v) {
  for (int64_t k = 0; k < K; k += 16) Lanes::store(v + k, Lanes::mul(Lanes::load(v + k), Lanes::set(weight)));
}

/** Row m in scratch. */
inline Rest prepare_row(const ActivationTask& t, int64_t m, float* v) {
  Rest rest = {Lanes::set(1.0f), t.norm_weight, t.alpha_column, -1};
  int32_t largest;
  if (t.rotation > 0 && !t.norm_weight && !t.row_weights) {
    largest = rotate_x(t, m, v);
  } else {
    load_row(t, m, v);
    if (t.row_weights) weigh_row(t.row_weights[m], t.K, v);
    if (t.residual) add_residual(t, m, v);
    if (t.norm_weight) rest.r = Lanes::set(reciprocal_rms(v, t.K, t.eps, v + round_up(t.K, kRowPadding)));
    if (t.rotation == 0) return rest;
    largest = t.norm_weight ? rotate_row(t, Normed{v, rest.r, t.norm_weight}, v) : rotate_row(t, Kept{v}, v);
    rest.norm_weight = nullptr;
  }
  if (!t.alpha_column) rest.largest = largest;
  return rest;
}

/** Does what is left to columns k_begin ... k_end in place; returns the bits of the largest magnitude. */
inline int32_t scale_columns(const Rest& rest, int64_t k_begin, int64_t k_end, float* v) {
  const auto [r, norm_weight, alpha_column, known] = rest;
  Lanes::I largest = Lanes::set_int(0);
  if (!norm_weight && !alpha_column) {
    for (int64_t k = k_begin; k < k_end; k += 16) {
      largest = Lanes::max(largest, Lanes::abs_bits(Lanes::load(v + k)));
    }
    return Lanes::largest(largest);
  }
  for (int64_t k = k_begin; k < k_end; k += 16) {
    Lanes::F value = Lanes::load(v + k);
    if (norm_weight) value = Lanes::mul(Lanes::mul(value, r), load_lanes<TERNARY_F32>(norm_weight, k, k_end));
    if (alpha_column) value = Lanes::mul(value, load_lanes<TERNARY_F32>(alpha_column, k, k_end));
    // The lanes beyond K are zero times zero, or NaN like the rest of the row where r is NaN.
    Lanes::store(v + k, value);
    largest = Lanes::max(largest, Lanes::abs_bits(value));
  }
  return Lanes::largest(largest);
}

/** Columns k_begin ... k_end by one scale; returns sums of q. No clamp: |x'| <= a and 127 / a rounds by at most half a unit,
 *  so |x' * inverse| < 127.5. */
inline Lanes::I quantise_columns(const ActivationTask& t, float inverse, int64_t k_begin, int64_t k_end, const float* v,
                                 int8_t* q) {
  const Lanes::F factor = Lanes::set(inverse);
  const int64_t end = round_up(k_end, 16) < t.padded ? round_up(k_end, 16) : t.padded;
  Lanes::I sum = Lanes::set_int(0);
  int64_t k = k_begin;
  for (; k + 16 <= end; k += 16) {
    const Lanes::I value = Lanes::round(Lanes::mul(Lanes::load(v + k), factor));
    sum = Lanes::add(sum, value);
    Lanes::store_int8(q + k, value);
  }
  if (k < end) {
    const Lanes::I value = Lanes::round(Lanes::mul(Lanes::load(v + k), factor));
    sum = Lanes::add(sum, value);
    alignas(16) int8_t tail[16];
    Lanes::store_int8(tail, value);
    std::memcpy(q + k, tail, static_cast<size_t>(end - k));
  }
  return sum;
}

/** From the bits of the largest magnitude, which is finite: writes the scale, returns its inverse. */
inline float set_scale(int32_t largest, bool block, float* s) {
  if (block && largest == 0) return *s = 0;  // zeros times 0
  float amax;
  std::memcpy(&amax, &largest, sizeof amax);
  const float least = block ? kSmallestBlockAmax : kSmallestAmax;
  const float a = amax > least ? amax : least;
  *s = a / 127.0f;
  return 127.0f / a;
}

/** Sums of row m, whose q is there. */
inline void sum_units(const ActivationTask& t, int64_t m) {
  const int64_t units = sums_of_row(t.K, t.unit), columns = t.unit == 0 ? t.K : t.unit;
  const int8_t* q = t.q + m * t.ldq;
  for (int64_t u = 0; u < units; ++u) {
    const int64_t end = (u + 1) * columns < t.K ? (u + 1) * columns : t.K;
    Lanes::I sum = Lanes::set_int(0);
    int64_t k = u * columns;
    for (; k + 16 <= end; k += 16) sum = Lanes::add(sum, Lanes::load_int8(q + k));
    int32_t total = Lanes::sum(sum);
    for (; k < end; ++k) total += q[k];
    t.q_sums[m * units + u] = total;
  }
}

/** Block by block; a row without blocks is one. */
inline void quantise_row(const ActivationTask& t, int64_t m, const Rest& rest, float* v) {
  int8_t* q = t.q + m * t.ldq;
  const int64_t scales = scales_of_row(t.K, t.block), columns = t.block == 0 ? t.K : t.block;
  float* s = t.s + m * scales;
  int32_t* q_sums = t.q_sums && t.unit == t.block ? t.q_sums + m * scales : nullptr;
  bool finite = true;
  for (int64_t b = 0; b < scales && finite; ++b) {
    const int64_t begin = b * columns, end = begin + columns < t.K ? begin + columns : t.K;
    const int32_t largest = t.block == 0 && rest.largest >= 0 ? rest.largest : scale_columns(rest, begin, end, v);
    finite = largest < kInfinity;
    if (!finite) break;
    const Lanes::I sums = quantise_columns(t, set_scale(largest, t.block > 0, s + b), begin, end, v, q);
    if (q_sums) q_sums[b] = Lanes::sum(sums);
  }
  if (finite) {
    const int64_t end = round_up(t.K, 16) < t.padded ? round_up(t.K, 16) : t.padded;
    std::memset(q + end, 0, static_cast<size_t>(t.padded - end));
  } else {
    std::memset(q, 0, static_cast<size_t>(t.padded));
    for (int64_t b = 0; b < scales; ++b) s[b] = kNan;
  }
  if (t.q_sums && !(q_sums && finite)) sum_units(t, m);
}

inline void copy_int8_row(const ActivationTask& t, int64_t m) {
  const int8_t* x = static_cast<const int8_t*>(t.x) + m * t.ldx;
  int8_t* q = t.q + m * t.ldq;
  std::memcpy(q, x, static_cast<size_t>(t.K));
  std::memset(q + t.K, 0, static_cast<size_t>(t.padded - t.K));
  const int64_t scales = scales_of_row(t.K, t.block);
  std::memcpy(t.s + m * scales, t.x_scale + m * scales, static_cast<size_t>(scales) * sizeof(float));
  if (t.q_sums) sum_units(t, m);
}

inline void store_float_row(const ActivationTask& t, int64_t m, const Rest& rest, float* v) {
  float* f = t.f + m * t.ldf;
  const int32_t largest = rest.largest >= 0 ? rest.largest : scale_columns(rest, 0, t.K, v);
  if (largest < kInfinity) {
    std::memcpy(f, v, static_cast<size_t>(t.K) * sizeof(float));
  } else {
    for (int64_t k = 0; k < t.K; ++k) f[k] = kNan;
  }
  std::memset(f + t.K, 0, static_cast<size_t>(t.padded - t.K) * sizeof(float));
}

inline void prepare_rows(const ActivationTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  for (int64_t m = m_begin; m < m_end; ++m) {
    if (t.x_dtype == TERNARY_I8) {
      copy_int8_row(t, m);
      continue;
    }
    const Rest rest = prepare_row(t, m, scratch);
    if (t.q) {
      quantise_row(t, m, rest, scratch);
    } else {
      store_float_row(t, m, rest, scratch);
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
