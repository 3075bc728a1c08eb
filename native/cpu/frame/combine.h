/**
 * @file combine.h
 * @brief Adds up what experts made of each row (CombineFn), written once over Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_COMBINE_H_
#define TERNARY_CPU_FRAME_COMBINE_H_

#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

/** The slots of a row that count. */
struct CountedSlots {
  int count = 0;
  const char* d[kMaxSlots];
  float weight[kMaxSlots];
};

inline float weight_of(const CombineTask& t, int64_t m, int64_t slot) {
  const int64_t i = m * t.ld_weights + slot;
  if (t.weights_dtype == TERNARY_F32) return static_cast<const float*>(t.weights)[i];
  const uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t*>(t.weights)[i]) << 16;
  float weight;
  std::memcpy(&weight, &bits, sizeof weight);
  return weight;
}

/** d of a slot, whether it counts or not. */
inline const char* d_of(const CombineTask& t, int64_t m, int64_t slot) {
  const int64_t element = t.places ? t.places[m * t.T + slot] * t.ldd : m * t.ldd + slot * t.H;
  return static_cast<const char*>(t.d) + element * (t.d_dtype == TERNARY_F32 ? 4 : 2);
}

inline CountedSlots counted_slots(const CombineTask& t, int64_t m) {
  CountedSlots slots;
  for (int64_t slot = 0; slot < t.T; ++slot) {
    if (t.ids[m * t.ld_ids + slot] < 0) continue;
    slots.d[slots.count] = d_of(t, m, slot);
    slots.weight[slots.count++] = t.use == WeightUse::used_before ? 1.0f : weight_of(t, m, slot);
  }
  return slots;
}

/** What a slot adds to sixteen columns, where d is of the type that it was rounded to. */
template <ternary_dtype dtype, WeightUse use>
struct Addend {
  Lanes::F operator()(const char* d, float weight, int64_t k, int64_t H) const {
    if constexpr (use == WeightUse::before_rounding) {
      return rounded<dtype>(Lanes::mul(Lanes::set(weight), load_lanes<TERNARY_F32>(d, k, H)));
    } else {
      const Lanes::F value = load_lanes<dtype>(d, k, H);
      return use == WeightUse::in_sum ? Lanes::mul(Lanes::set(weight), value) : value;
    }
  }
};

/** Writes y and returns it as rounded. */
template <ternary_dtype dtype>
Lanes::F store_y(void* row, int64_t k, int64_t H, Lanes::F value) {
  store_lanes<dtype>(row, k, H, value);
  return rounded<dtype>(value);
}

inline Lanes::F store_y(const CombineTask& t, int64_t element, int64_t k, Lanes::F value) {
  char* row = static_cast<char*>(t.y) + element * (t.y_dtype == TERNARY_F32 ? 4 : 2);
  switch (t.y_dtype) {
    case TERNARY_F16: return store_y<TERNARY_F16>(row, k, t.H, value);
    case TERNARY_BF16: return store_y<TERNARY_BF16>(row, k, t.H, value);
    default: return store_y<TERNARY_F32>(row, k, t.H, value);
  }
}

template <ternary_dtype dtype>
void add_to_residual(const CombineTask& t, int64_t offset, int64_t k, Lanes::F y) {
  const Lanes::F residual = load_lanes<dtype>(static_cast<const char*>(t.residual) + offset, k, t.H);
  store_lanes<dtype>(static_cast<char*>(t.residual_out) + offset, k, t.H, Lanes::add(residual, y));
}

inline void add_to_residual(const CombineTask& t, int64_t m, int64_t k, Lanes::F y) {
  const int64_t row = m * t.ld_residual;
  switch (t.residual_dtype) {
    case TERNARY_F16: return add_to_residual<TERNARY_F16>(t, 2 * row, k, y);
    case TERNARY_BF16: return add_to_residual<TERNARY_BF16>(t, 2 * row, k, y);
    default: return add_to_residual<TERNARY_F32>(t, 4 * row, k, y);
  }
}

/** y = p * scaling, p the sum over slots that starts at +0. */
template <class Addend>
void sum_row(const CombineTask& t, int64_t m, const CountedSlots& slots, Addend addend) {
  const Lanes::F scaling = Lanes::set(t.scaling);
  for (int64_t k = 0; k < t.H; k += 16) {
    Lanes::F p = Lanes::set(0.0f);
    for (int i = 0; i < slots.count; ++i) p = Lanes::add(p, addend(slots.d[i], slots.weight[i], k, t.H));
    const Lanes::F y = store_y(t, m * t.ldy, k, Lanes::mul(p, scaling));
    if (t.residual) add_to_residual(t, m, k, y);
  }
}

/** d of each slot by itself, +0 where it does not count. */
template <class Addend>
void spread_row(const CombineTask& t, int64_t m, Addend addend) {
  for (int64_t slot = 0; slot < t.T; ++slot) {
    const bool counts = t.ids[m * t.ld_ids + slot] >= 0;
    const char* d = counts ? d_of(t, m, slot) : nullptr;
    const float weight = counts && t.use == WeightUse::before_rounding ? weight_of(t, m, slot) : 1.0f;
    for (int64_t k = 0; k < t.H; k += 16) {
      const Lanes::F value = counts ? addend(d, weight, k, t.H) : Lanes::set(0.0f);
      store_y(t, m * t.ldy + slot * t.H, k, value);
    }
  }
}

template <ternary_dtype dtype, WeightUse use>
void combine_row(const CombineTask& t, int64_t m) {
  if (t.spread) return spread_row(t, m, Addend<dtype, use>());
  sum_row(t, m, counted_slots(t, m), Addend<dtype, use>());
}

template <ternary_dtype dtype>
void combine_row(const CombineTask& t, int64_t m) {
  switch (t.use) {
    case WeightUse::in_sum:
      // Spread, slots have no weights.
      return t.spread ? combine_row<dtype, WeightUse::used_before>(t, m) : combine_row<dtype, WeightUse::in_sum>(t, m);
    case WeightUse::before_rounding: return combine_row<dtype, WeightUse::before_rounding>(t, m);
    case WeightUse::used_before: return combine_row<dtype, WeightUse::used_before>(t, m);
  }
}

inline void combine_rows(const CombineTask& t, int64_t m_begin, int64_t m_end) {
  for (int64_t m = m_begin; m < m_end; ++m) {
    switch (t.rounded_to) {
      case TERNARY_F16: combine_row<TERNARY_F16>(t, m); break;
      case TERNARY_BF16: combine_row<TERNARY_BF16>(t, m); break;
      default: combine_row<TERNARY_F32>(t, m); break;
    }
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the CombineFn `function`. */
#define TERNARY_CPU_COMBINE(function)                                              \
  namespace ternary::cpu {                                                         \
  void function(const CombineTask& task, int64_t m_begin, int64_t m_end, float*) { \
    combine_rows(task, m_begin, m_end);                                            \
  }                                                                                \
  }

#endif  // TERNARY_CPU_FRAME_COMBINE_H_
