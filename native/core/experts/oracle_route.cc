/** The oracle's routers. */
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "abi/dtype.h"
#include "abi/elementary.h"
#include "core/experts/oracle.h"

namespace ternary::oracle {
namespace {

using Floats = std::vector<float>;
using Places = std::vector<int64_t>;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/** 32 partial sums that start at +0, and the tree that adds them. */
struct Partials {
  float part[32] = {};

  float sum() {
    for (int half = 16; half >= 1; half /= 2) {
      for (int i = 0; i < half; ++i) part[i] = part[i] + part[i + half];
    }
    return part[0];
  }
};

float router_product(const ternary_route_operands& o, int64_t m, int64_t e) {
  Partials partials;
  for (int64_t k = 0; k < o.H; ++k) {
    const float x = load_float(o.x, o.x_dtype, m * o.ldx + k);
    const float w = load_float(o.router, o.router_dtype, e * o.ld_router + k);
    partials.part[k % 32] = std::fmaf(x, w, partials.part[k % 32]);
  }
  return partials.sum();
}

Floats logits_of(const ternary_route_operands& o, int64_t m) {
  Floats logits(o.E);
  for (int64_t e = 0; e < o.E; ++e) {
    if (o.logits != nullptr) {
      logits[e] = load_float(o.logits, o.logits_dtype, m * o.ld_logits + e);
    } else {
      const float sum = router_product(o, m, e);
      logits[e] = round_float(o.router_bias == nullptr ? sum : sum + o.router_bias[e], o.round_logits);
    }
  }
  return logits;
}

Floats softmax(const Floats& logits) {
  float max = logits[0];
  for (const float l : logits) max = l > max ? l : max;
  Partials partials;
  Floats p(logits.size());
  for (size_t i = 0; i < p.size(); ++i) {
    p[i] = elementary::exp<Scalar>(logits[i] - max);
    partials.part[i % 32] = partials.part[i % 32] + p[i];
  }
  const float sum = partials.sum();
  for (float& value : p) value = value / sum;
  return p;
}

/** Of each expert, before the correction. */
Floats scores_of(const ternary_route_operands& o, const Floats& logits) {
  if (o.method == TERNARY_SOFTMAX_TOPK) return softmax(logits);
  Floats scores = logits;
  if (o.method == TERNARY_SIGMOID_TOPK) {
    for (float& score : scores) score = elementary::sigmoid<Scalar>(score);
  }
  return scores;
}

bool has_nan(const Floats& values) {
  return std::any_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
}

Places ascending(int64_t count) {
  Places places(count);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

/** Of ascending candidates the `count` of the largest scores, descending; at a tie the lower one is first. */
Places largest(Places candidates, const Floats& scores, int64_t count) {
  std::stable_sort(candidates.begin(), candidates.end(), [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  candidates.resize(count);
  return candidates;
}

float group_score(const ternary_route_operands& o, const Floats& choice, int64_t group) {
  const int64_t size = o.E / o.groups;
  Places experts = ascending(size);
  for (int64_t& e : experts) e += group * size;
  if (o.group_score == TERNARY_GROUP_MAX || size == 1) return choice[largest(experts, choice, 1)[0]];
  const Places two = largest(experts, choice, 2);
  return choice[two[0]] + choice[two[1]];
}

/** The experts of the best groups, ascending; none if a group's score is NaN. */
Places candidates_of(const ternary_route_operands& o, const Floats& choice) {
  if (o.groups == 0) return ascending(o.E);
  Floats scores(o.groups);
  for (int64_t group = 0; group < o.groups; ++group) scores[group] = group_score(o, choice, group);
  if (has_nan(scores)) return {};
  Places groups = largest(ascending(o.groups), scores, o.topk_groups), experts;
  std::sort(groups.begin(), groups.end());
  const int64_t size = o.E / o.groups;
  for (const int64_t group : groups) {
    for (int64_t i = 0; i < size; ++i) experts.push_back(group * size + i);
  }
  return experts;
}

/** The chosen experts in slot order; none if a score is NaN. */
Places choose(const ternary_route_operands& o, const Floats& scores) {
  Floats choice = scores;
  for (int64_t e = 0; o.correction_bias != nullptr && e < o.E; ++e) choice[e] = choice[e] + o.correction_bias[e];
  if (has_nan(choice)) return {};
  const Places candidates = candidates_of(o, choice);
  return candidates.empty() ? candidates : largest(candidates, choice, o.k);
}

/** Of the chosen, in slot order. */
Floats weights_of(const ternary_route_operands& o, const Floats& scores, const Places& chosen) {
  Floats weights(o.k);
  for (int64_t t = 0; t < o.k; ++t) weights[t] = scores[chosen[t]];
  if (o.method == TERNARY_TOPK_SOFTMAX) weights = softmax(weights);  // scores are the logits
  if (o.renormalise != 0) {
    float sum = weights[0];
    for (int64_t t = 1; t < o.k; ++t) sum = sum + weights[t];
    const float divisor = sum + o.renormalise_eps;
    for (float& weight : weights) weight = weight / divisor;
  }
  for (float& weight : weights) weight = weight * o.scaling;
  return weights;
}

}  // namespace

void route(const ternary_route_operands& o) {
  for (int64_t m = 0; m < o.M; ++m) {
    const Floats scores = scores_of(o, logits_of(o, m));
    Places chosen = choose(o, scores);
    const Floats weights = chosen.empty() ? Floats(o.k, kNaN) : weights_of(o, scores, chosen);
    if (chosen.empty()) chosen = ascending(o.k);
    for (int64_t t = 0; t < o.k; ++t) {
      o.ids[m * o.ld_ids + t] = static_cast<int32_t>(chosen[t]);
      store_float(o.weights, o.weights_dtype, m * o.ld_weights + t, weights[t]);
    }
  }
}

}  // namespace ternary::oracle
