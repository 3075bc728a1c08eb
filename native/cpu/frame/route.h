/**
 * @file route.h
 * @brief Chooses the experts of each row (RouteFn), written once over Lanes; include a lanes header first.
 *
 * Scores become integers of the same order, so that an expert that may not be chosen (again) has a number below all
 * others, and not a score: -infinity is one.
 */
#ifndef TERNARY_CPU_FRAME_ROUTE_H_
#define TERNARY_CPU_FRAME_ROUTE_H_

#include "cpu/frame/softmax.h"

namespace ternary::cpu {
namespace {

constexpr int32_t kExcluded = INT32_MIN;

/** What a row of E logits needs, in the thread's scratch. */
struct RouteScratch {
  RouteScratch(float* scratch, int64_t E)
      : scores(scratch),
        keys(reinterpret_cast<int32_t*>(scores + round_up(E, kSoftmaxPartials))),
        run_keys(keys + round_up(E, kSoftmaxPartials)) {}

  float* scores;      ///< of all experts, what weights are made of
  int32_t* keys;      ///< of choice scores, in their order; kExcluded beyond E
  int32_t* run_keys;  ///< the same of the groups' scores
};

/** Takes the largest of `count` keys, at a tie the first: excludes it and returns its place. */
inline int64_t take_largest(int32_t* keys, int64_t count) {
  Lanes::I most = Lanes::set_int(kExcluded);
  for (int64_t i = 0; i < count; i += 16) most = Lanes::max(most, Lanes::load_int(keys + i));
  const Lanes::I largest = Lanes::set_int(Lanes::largest(most));
  for (int64_t i = 0; i < count; i += 16) {
    const uint32_t found = Lanes::equal(Lanes::load_int(keys + i), largest);
    if (found == 0) continue;
    const int64_t place = i + __builtin_ctz(found);
    keys[place] = kExcluded;
    return place;
  }
  return 0;  // not reached: the largest is among them
}

/** Keys of scores, with the correction; false if a choice score is NaN. */
inline bool set_keys(const RouteTask& t, const RouteScratch& space) {
  Lanes::I magnitude = Lanes::set_int(0);
  const int64_t end = round_up(t.E, 16);
  for (int64_t e = 0; e < t.E; e += 16) {
    Lanes::F choice = Lanes::load(space.scores + e);
    if (t.correction_bias) choice = Lanes::add(choice, load_lanes<TERNARY_F32>(t.correction_bias, e, t.E));
    magnitude = Lanes::max(magnitude, Lanes::abs_bits(choice));
    Lanes::store_int(space.keys + e, Lanes::ordered(choice));
  }
  for (int64_t e = t.E; e < end; ++e) space.keys[e] = kExcluded;
  return Lanes::largest(magnitude) <= kInfinity;
}

inline int32_t key_of(float value) {
  int32_t keys[16];
  Lanes::store_int(keys, Lanes::ordered(Lanes::set(value)));
  return keys[0];
}

/** Score of a run of experts by the keys of their choice scores. */
inline float run_score(const RouteTask& t, const int32_t* keys, int64_t count) {
  int32_t first = kExcluded, second = kExcluded;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t key = keys[i];
    second = key > first ? first : key > second ? key : second;
    first = key > first ? key : first;
  }
  if (t.group_score == TERNARY_GROUP_MAX || count == 1) return from_ordered(first);
  return from_ordered(first) + from_ordered(second);
}

/** Excludes the experts of all groups but the best; false if a group's score is NaN. */
inline bool exclude_groups(const RouteTask& t, const RouteScratch& space) {
  const int64_t experts = t.E / t.groups;
  for (int64_t g = 0; g < t.groups; ++g) {
    const float score = run_score(t, space.keys + g * experts, experts);
    if (score != score) return false;
    space.run_keys[g] = key_of(score);
  }
  for (int64_t g = t.groups; g < round_up(t.groups, 16); ++g) space.run_keys[g] = kExcluded;
  for (int64_t i = 0; i < t.topk_groups; ++i) take_largest(space.run_keys, t.groups);
  for (int64_t g = 0; g < t.groups; ++g) {
    if (space.run_keys[g] == kExcluded) continue;  // taken
    for (int64_t i = 0; i < experts; ++i) space.keys[g * experts + i] = kExcluded;
  }
  return true;
}

inline void store_weight(const RouteTask& t, int64_t m, int64_t slot, float weight) {
  const int64_t i = m * t.ld_weights + slot;
  if (t.weights_dtype == TERNARY_F32) {
    static_cast<float*>(t.weights)[i] = weight;
  } else {
    alignas(64) char rounded[64];
    Lanes::store_bf16(rounded, Lanes::set(weight));
    std::memcpy(static_cast<uint16_t*>(t.weights) + i, rounded, sizeof(uint16_t));
  }
}

/** Weights of the chosen by their scores. */
inline void set_weights(const RouteTask& t, int64_t m, const float* scores) {
  alignas(64) float weights[kMaxSlots] = {};
  for (int64_t i = 0; i < t.k; ++i) weights[i] = scores[t.ids[m * t.ld_ids + i]];
  if (t.method == TERNARY_TOPK_SOFTMAX) softmax(weights, t.k);
  float divisor = 1.0f;
  if (t.renormalise) {
    float sum = weights[0];
    for (int64_t i = 1; i < t.k; ++i) sum += weights[i];
    divisor = sum + t.renormalise_eps;
  }
  for (int64_t i = 0; i < t.k; ++i) {
    const float weight = t.renormalise ? weights[i] / divisor : weights[i];
    store_weight(t, m, i, weight * t.scaling);
  }
}

inline void set_nan_row(const RouteTask& t, int64_t m) {
  for (int64_t i = 0; i < t.k; ++i) {
    t.ids[m * t.ld_ids + i] = static_cast<int32_t>(i);
    store_weight(t, m, i, kNan);
  }
}

template <ternary_dtype dtype>
void load_logits(const RouteTask& t, int64_t m, float* scores) {
  const char* row = static_cast<const char*>(t.logits) + m * t.ld_logits * Element<dtype>::bytes;
  for (int64_t e = 0; e < t.E; e += 16) Lanes::store(scores + e, load_lanes<dtype>(row, e, t.E));
}

inline void set_scores(const RouteTask& t, int64_t m, float* scores) {
  switch (t.logits_dtype) {
    case TERNARY_F16: load_logits<TERNARY_F16>(t, m, scores); break;
    case TERNARY_BF16: load_logits<TERNARY_BF16>(t, m, scores); break;
    default: load_logits<TERNARY_F32>(t, m, scores); break;
  }
  if (t.method == TERNARY_SOFTMAX_TOPK) softmax(scores, t.E);
  if (t.method != TERNARY_SIGMOID_TOPK) return;
  for (int64_t e = 0; e < t.E; e += 16) Lanes::store(scores + e, elementary::sigmoid<Lanes>(Lanes::load(scores + e)));
}

inline void route_rows(const RouteTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  const RouteScratch space(scratch, t.E);
  for (int64_t m = m_begin; m < m_end; ++m) {
    set_scores(t, m, space.scores);
    if (!set_keys(t, space) || (t.groups > 0 && !exclude_groups(t, space))) {
      set_nan_row(t, m);
      continue;
    }
    for (int64_t i = 0; i < t.k; ++i) {
      t.ids[m * t.ld_ids + i] = static_cast<int32_t>(take_largest(space.keys, t.E));
    }
    set_weights(t, m, space.scores);
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the RouteFn `function`. */
#define TERNARY_CPU_ROUTE(function)                                                      \
  namespace ternary::cpu {                                                               \
  void function(const RouteTask& task, int64_t m_begin, int64_t m_end, float* scratch) { \
    route_rows(task, m_begin, m_end, scratch);                                           \
  }                                                                                      \
  }

#endif  // TERNARY_CPU_FRAME_ROUTE_H_
