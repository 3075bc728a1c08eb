/**
 * @file router.h
 * @brief Logits of experts e_begin ... e_end (RouterFn), written once over Lanes; include a lanes header first.
 *
 * Products of a few experts at once: a row of X is loaded once for them, and their chains of fma hide the latency. Even and
 * odd bf16 by shifts and masks, without shuffles, took 0.84 to 1.3 of the time: more where rows begin within a cache line.
 */
#ifndef TERNARY_CPU_FRAME_ROUTER_H_
#define TERNARY_CPU_FRAME_ROUTER_H_

#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

/** Sums of kCount rows of W from expert e on with the row of X, in 32 partials and a halving tree. */
template <ternary_dtype dtype, int kCount>
void dot_experts(const RouterTask& t, const float* x, int64_t e, float* sums) {
  const char* w = static_cast<const char*>(t.w) + e * t.ldw * Element<dtype>::bytes;
  Lanes::F low[kCount], high[kCount];
  for (int i = 0; i < kCount; ++i) low[i] = high[i] = Lanes::set(0.0f);
  int64_t k = 0;
  for (; k + 32 <= t.H; k += 32) {
    const Lanes::F x_low = Lanes::load(x + k), x_high = Lanes::load(x + k + 16);
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i) {
      const char* p = w + (i * t.ldw + k) * Element<dtype>::bytes;
      low[i] = Lanes::fma(x_low, Element<dtype>::load(p), low[i]);
      high[i] = Lanes::fma(x_high, Element<dtype>::load(p + 16 * Element<dtype>::bytes), high[i]);
    }
  }
  for (int i = 0; i < kCount && k < t.H; ++i) {
    const char* row = w + i * t.ldw * Element<dtype>::bytes;
    low[i] = Lanes::fma(load_lanes<TERNARY_F32>(x, k, t.H), load_lanes<dtype>(row, k, t.H), low[i]);
    if (k + 16 < t.H) {
      high[i] = Lanes::fma(load_lanes<TERNARY_F32>(x, k + 16, t.H), load_lanes<dtype>(row, k + 16, t.H), high[i]);
    }
  }
  for (int i = 0; i < kCount; ++i) sums[i] = Lanes::halving_sum(Lanes::add(low[i], high[i]));
}

inline float rounded_logit(ternary_dtype round, float logit) {
  alignas(64) float values[16];
  Lanes::store(values, rounded(Lanes::set(logit), round));
  return values[0];
}

template <ternary_dtype dtype, int kExperts>
void set_logits(const RouterTask& t, const float* x, int64_t e_begin, int64_t e_end, float* logits) {
  float sums[kExperts];
  for (int64_t e = e_begin; e < e_end;) {
    const int64_t count = e + kExperts <= e_end ? kExperts : 1;
    if (count == kExperts) {
      dot_experts<dtype, kExperts>(t, x, e, sums);
    } else {
      dot_experts<dtype, 1>(t, x, e, sums);
    }
    for (int64_t i = 0; i < count; ++i, ++e) {
      const float logit = t.bias ? sums[i] + t.bias[e] : sums[i];
      logits[e] = t.round == TERNARY_F32 ? logit : rounded_logit(t.round, logit);
    }
  }
}

/** The row of X as fp32: where it lies if that is its type. */
inline const float* float_row(const RouterTask& t, int64_t m, float* scratch) {
  if (t.x_dtype == TERNARY_F32) return static_cast<const float*>(t.x) + m * t.ldx;
  const char* row = static_cast<const char*>(t.x) + m * t.ldx * 2;
  for (int64_t k = 0; k < t.H; k += 16) {
    Lanes::store(scratch + k, t.x_dtype == TERNARY_F16 ? load_lanes<TERNARY_F16>(row, k, t.H)
                                                       : load_lanes<TERNARY_BF16>(row, k, t.H));
  }
  return scratch;
}

template <int kExperts>
void router_rows(const RouterTask& t, int64_t e_begin, int64_t e_end, float* scratch) {
  for (int64_t m = 0; m < t.M; ++m) {
    const float* x = float_row(t, m, scratch);
    float* logits = t.logits + m * t.ld_logits;
    switch (t.w_dtype) {
      case TERNARY_F16: set_logits<TERNARY_F16, kExperts>(t, x, e_begin, e_end, logits); break;
      case TERNARY_BF16: set_logits<TERNARY_BF16, kExperts>(t, x, e_begin, e_end, logits); break;
      default: set_logits<TERNARY_F32, kExperts>(t, x, e_begin, e_end, logits); break;
    }
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the RouterFn `function`, which takes kExperts experts at once. */
#define TERNARY_CPU_ROUTER(function, kExperts)                                            \
  namespace ternary::cpu {                                                                \
  void function(const RouterTask& task, int64_t e_begin, int64_t e_end, float* scratch) { \
    router_rows<kExperts>(task, e_begin, e_end, scratch);                                 \
  }                                                                                       \
  }

#endif  // TERNARY_CPU_FRAME_ROUTER_H_
