// The oracle's routers: values by hand, and the contract written a second time.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "abi/elementary.h"
#include "oracle/partials.h"
#include "support/random.h"

namespace ternary::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
using Floats = std::vector<float>;
using Ids = std::vector<int32_t>;

/** A router of fp32 logits, one row unless it is told otherwise. */
struct Router {
  explicit Router(ternary_route_method method, int64_t k) {
    o.size = sizeof o;
    o.M = 1;
    o.k = k;
    o.method = method;
    o.scaling = 1;
  }

  Router& run(const Floats& logits) {
    o.E = static_cast<int64_t>(logits.size()) / o.M;
    o.logits = logits.data();
    o.ld_logits = o.E;
    return run();
  }
  Router& run() {
    ids.assign(o.M * o.k, 99);
    weights.assign(o.M * o.k, 99.0f);
    o.ids = ids.data();
    o.weights = weights.data();
    o.ld_ids = o.ld_weights = o.k;
    EXPECT_EQ(ternary_oracle_route(&o), TERNARY_OK) << ternary_last_error();
    return *this;
  }
  bool spoilt() const {
    for (size_t t = 0; t < ids.size(); ++t) {
      if (ids[t] != static_cast<int32_t>(t) || !std::isnan(weights[t])) return false;
    }
    return true;
  }

  ternary_route_operands o = {};
  Ids ids;
  Floats weights;
};

constexpr ternary_route_method kMethods[] = {TERNARY_SOFTMAX_TOPK, TERNARY_TOPK_SOFTMAX, TERNARY_SIGMOID_TOPK};

TEST(OracleRoute, WeightsByHand) {
  const Floats zeros(4, 0.0f);
  EXPECT_EQ(Router(TERNARY_SOFTMAX_TOPK, 2).run(zeros).weights, (Floats{0.25f, 0.25f}));
  EXPECT_EQ(Router(TERNARY_TOPK_SOFTMAX, 2).run(zeros).weights, (Floats{0.5f, 0.5f}));
  EXPECT_EQ(Router(TERNARY_SIGMOID_TOPK, 2).run(zeros).weights, (Floats{0.5f, 0.5f}));
  const float e1 = elementary::exp<Scalar>(-1.0f);
  const Router router = Router(TERNARY_SOFTMAX_TOPK, 2).run({-1, -kInfinity, 0, -kInfinity});
  EXPECT_EQ(router.ids, (Ids{2, 0}));
  EXPECT_EQ(router.weights, (Floats{1 / (e1 + 1), e1 / (e1 + 1)}));
}

TEST(OracleRoute, TiesGoToTheLowerId) {
  for (const ternary_route_method method : kMethods) {
    EXPECT_EQ(Router(method, 3).run({1, 2, 2, 1, 2}).ids, (Ids{1, 2, 4}));
    EXPECT_EQ(Router(method, 3).run({-1, -0.0f, 0.0f, -0.0f}).ids, (Ids{1, 2, 3})) << "-0 equals +0";
    EXPECT_EQ(Router(method, 2).run({-kInfinity, -kInfinity, 3}).ids, (Ids{2, 0}));
  }
}

TEST(OracleRoute, ScoresAreComparedAsTheyWereRounded) {
  // Probabilities that vanish are ties, whatever the logits.
  EXPECT_EQ(Router(TERNARY_SOFTMAX_TOPK, 3).run({-200, 0, -300, -150}).ids, (Ids{1, 0, 2}));
  EXPECT_EQ(Router(TERNARY_TOPK_SOFTMAX, 3).run({-200, 0, -300, -150}).ids, (Ids{1, 3, 0}));
  EXPECT_EQ(Router(TERNARY_SIGMOID_TOPK, 2).run({30, 40, 50}).ids, (Ids{0, 1})) << "all are 1";
}

TEST(OracleRoute, TheCorrectionChoosesAndDoesNotWeigh) {
  const Floats bias = {0, 0, 0.5f, 0};
  for (const ternary_route_method method : kMethods) {
    Router router(method, 2);
    router.o.correction_bias = bias.data();
    const Floats logits = {0.25f, 0.125f, 0, -5};
    router.run(logits);
    EXPECT_EQ(router.ids, (Ids{2, 0}));
    const Floats plain = Router(method, 4).run(logits).weights;  // in the order 0, 1, 2, 3
    if (method == TERNARY_TOPK_SOFTMAX) {
      const float e = elementary::exp<Scalar>(-0.25f);
      EXPECT_EQ(router.weights, (Floats{e / (e + 1), 1 / (e + 1)}));
    } else {
      EXPECT_EQ(router.weights, (Floats{plain[2], plain[0]}));
    }
  }
}

Router grouped(int64_t groups, int64_t topk_groups, ternary_group_score score, int64_t k) {
  Router router(TERNARY_TOPK_SOFTMAX, k);
  router.o.groups = groups;
  router.o.topk_groups = topk_groups;
  router.o.group_score = score;
  return router;
}

TEST(OracleRoute, GroupsExcludeAndDoNotMask) {
  const Floats logits = {5, -kInfinity, 3, 3};
  EXPECT_EQ(grouped(2, 1, TERNARY_GROUP_TOP2, 2).run(logits).ids, (Ids{2, 3})) << "5 - Inf is less than 6";
  const Router best = grouped(2, 1, TERNARY_GROUP_MAX, 2).run(logits);
  EXPECT_EQ(best.ids, (Ids{0, 1})) << "-Inf is an ordinary score";
  EXPECT_EQ(best.weights, (Floats{1, 0}));
  EXPECT_EQ(grouped(2, 1, TERNARY_GROUP_TOP2, 1).run({1, 4, 4, 1}).ids, Ids{1}) << "a tie of groups";
  EXPECT_EQ(grouped(3, 2, TERNARY_GROUP_MAX, 3).run({1, 2, 9, 0, 4, 3}).ids, (Ids{2, 4, 5}));
  EXPECT_EQ(grouped(3, 2, TERNARY_GROUP_TOP2, 4).run({1, 5, 9, 0, 4, 0}).ids, (Ids{2, 1, 0, 3}));
  EXPECT_EQ(grouped(4, 2, TERNARY_GROUP_TOP2, 2).run({1, 3, 2, -1}).ids, (Ids{1, 2})) << "groups of one";
}

TEST(OracleRoute, ANaNAmongScoresSpoilsItsRowAlone) {
  for (const ternary_route_method method : kMethods) {
    Router router(method, 2);
    router.o.M = 2;
    router.run({3, 1, kNaN, 2, 0, 1, 2, 3});
    EXPECT_EQ(router.ids, (Ids{0, 1, 3, 2}));
    for (const size_t t : {0, 1}) EXPECT_TRUE(std::isnan(router.weights[t]));
    for (const size_t t : {2, 3}) EXPECT_FALSE(std::isnan(router.weights[t]));
    const Floats bias = {0, 0, 0, kNaN};
    Router corrected(method, 2);
    corrected.o.correction_bias = bias.data();
    EXPECT_TRUE(corrected.run({0, 1, 2, 3}).spoilt());
    EXPECT_EQ(Router(method, 2).run({0, 1, kInfinity, 3}).spoilt(), method == TERNARY_SOFTMAX_TOPK);
    EXPECT_EQ(Router(method, 2).run(Floats(4, -kInfinity)).spoilt(), method != TERNARY_SIGMOID_TOPK);
  }
  EXPECT_TRUE(grouped(2, 1, TERNARY_GROUP_TOP2, 1).run({1, 2, kInfinity, -kInfinity}).spoilt());
  EXPECT_FALSE(grouped(2, 1, TERNARY_GROUP_MAX, 1).run({1, 2, kInfinity, -kInfinity}).spoilt());
  const Router infinite = Router(TERNARY_TOPK_SOFTMAX, 2).run({0, 1, kInfinity, 3});
  EXPECT_EQ(infinite.ids, (Ids{2, 3})) << "the ids stand";
  EXPECT_TRUE(std::isnan(infinite.weights[1]));
}

TEST(OracleRoute, RenormalisesThenScalesThenRounds) {
  Router router(TERNARY_SOFTMAX_TOPK, 2);
  router.o.renormalise = 1;
  EXPECT_EQ(router.run({0, 0, 0, 0}).weights, (Floats{0.5f, 0.5f}));
  router.o.renormalise_eps = 0.5f;
  router.o.scaling = 3;
  EXPECT_EQ(router.run({0, 0, 0, 0}).weights, (Floats{0.75f, 0.75f}));
  Router vanished(TERNARY_SIGMOID_TOPK, 2);
  vanished.o.renormalise = 1;
  vanished.run({-200, -300, -200});
  EXPECT_EQ(vanished.ids, (Ids{0, 1}));
  for (const float weight : vanished.weights) EXPECT_TRUE(std::isnan(weight));
  vanished.o.renormalise_eps = 1e-20f;
  EXPECT_EQ(vanished.run({-200, -300, -200}).weights, (Floats{0, 0}));
}

TEST(OracleRoute, WeightsInBf16AreRoundedOnce) {
  const Floats logits = {1, 0.5f, 0};
  const Floats exact = Router(TERNARY_SOFTMAX_TOPK, 3).run(logits).weights;
  Router router(TERNARY_SOFTMAX_TOPK, 3);
  router.o.weights_dtype = TERNARY_BF16;
  router.run(logits);
  const auto* halves = reinterpret_cast<const uint16_t*>(router.weights.data());
  for (int t = 0; t < 3; ++t) EXPECT_EQ(halves[t], float_to_bf16(exact[t])) << t;
}

TEST(OracleRoute, RoundedLogitsTie) {
  const Floats x = {1, 1}, router = {1, 0, 1, 0x1p-9f, 0, 0};
  Router fine(TERNARY_TOPK_SOFTMAX, 2);
  fine.o.E = 3;
  fine.o.H = fine.o.ldx = fine.o.ld_router = 2;
  fine.o.x = x.data();
  fine.o.router = router.data();
  EXPECT_EQ(fine.run().ids, (Ids{1, 0}));
  fine.o.round_logits = TERNARY_BF16;
  EXPECT_EQ(fine.run().ids, (Ids{0, 1}));
  const Floats bias = {0, 0, 0x1p24f};
  fine.o.router_bias = bias.data();
  EXPECT_EQ(fine.run().ids, (Ids{2, 0}));
}

// The contract a second time, of one row.

Floats second_softmax(const Floats& l) {
  float max = -kInfinity;
  for (const float value : l) max = std::fmax(max, value);
  const auto d = [&](int i) { return elementary::exp<Scalar>(l[i] - max); };
  const float sum = SecondPartials(static_cast<int>(l.size()), [&](int i, float p) { return p + d(i); }).sum();
  Floats p;
  for (size_t i = 0; i < l.size(); ++i) p.push_back(d(static_cast<int>(i)) / sum);
  return p;
}

/** How many of `scores` come before place i. */
int64_t rank(const Floats& scores, int64_t i) {
  int64_t before = 0;
  for (int64_t j = 0; j < static_cast<int64_t>(scores.size()); ++j) {
    before += scores[j] > scores[i] || (scores[j] == scores[i] && j < i);
  }
  return before;
}

bool in_best_group(const ternary_route_operands& o, const Floats& choice, int64_t e) {
  if (o.groups == 0) return true;
  const int64_t size = o.E / o.groups;
  Floats scores;
  for (int64_t g = 0; g < o.groups; ++g) {
    float first = -kInfinity, second = -kInfinity;
    for (int64_t i = g * size; i < (g + 1) * size; ++i) {
      second = std::fmax(second, std::fmin(first, choice[i]));
      first = std::fmax(first, choice[i]);
    }
    scores.push_back(o.group_score == TERNARY_GROUP_MAX || size == 1 ? first : first + second);
  }
  return rank(scores, e / size) < o.topk_groups;
}

void expect_second(const ternary_route_operands& o, const Floats& logits, const Router& got) {
  Floats scores = logits;
  if (o.method == TERNARY_SOFTMAX_TOPK) scores = second_softmax(logits);
  if (o.method == TERNARY_SIGMOID_TOPK) {
    for (float& score : scores) score = 1 / (1 + elementary::exp<Scalar>(-score));
  }
  Floats choice = scores, eligible;
  for (int64_t e = 0; o.correction_bias != nullptr && e < o.E; ++e) choice[e] = scores[e] + o.correction_bias[e];
  Ids experts, ids(o.k);
  for (int64_t e = 0; e < o.E; ++e) {
    if (!in_best_group(o, choice, e)) continue;
    experts.push_back(static_cast<int32_t>(e));
    eligible.push_back(choice[e]);
  }
  Floats w(o.k);
  for (size_t i = 0; i < experts.size(); ++i) {
    const int64_t slot = rank(eligible, static_cast<int64_t>(i));
    if (slot >= o.k) continue;
    ids[slot] = experts[i];
    w[slot] = scores[experts[i]];
  }
  if (o.method == TERNARY_TOPK_SOFTMAX) w = second_softmax(w);
  float sum = 0;
  for (const float weight : w) sum += weight;
  for (float& weight : w) weight = (o.renormalise ? weight / (sum + o.renormalise_eps) : weight) * o.scaling;
  EXPECT_EQ(got.ids, ids);
  EXPECT_EQ(got.weights, w);
}

TEST(OracleRoute, WrittenASecondTime) {
  Random random(18);
  for (int problem = 0; problem < 400; ++problem) {
    const ternary_route_method method = random.pick({kMethods[0], kMethods[1], kMethods[2]});
    Router router(method, random.integer(1, 8));
    ternary_route_operands& o = router.o;
    o.groups = random.pick({0, 0, 1, 2, 4, 8});
    const int64_t size = o.groups == 0 ? 0 : random.integer(1, 40);
    o.E = o.groups == 0 ? random.integer(8, 300) : o.groups * size;
    o.k = std::min(o.k, o.E);
    if (o.groups > 0) {
      o.topk_groups = random.integer((o.k + size - 1) / size, o.groups);
      o.group_score = random.pick({TERNARY_GROUP_TOP2, TERNARY_GROUP_MAX});
    }
    o.renormalise = random.chance(2);
    o.renormalise_eps = o.renormalise && random.chance(2) ? 1e-3f : 0;
    o.scaling = random.pick({1.0f, 2.5f});
    o.H = o.ldx = o.ld_router = random.integer(1, 100);
    Floats x(o.H), matrix(o.E * o.H), bias(o.E), correction(o.E);
    for (Floats* values : {&x, &matrix, &bias, &correction}) {
      for (float& value : *values) value = random.chance(4) ? random.pick({0.0f, 0.5f, 1.0f}) : random.bell();
    }
    o.x = x.data();
    o.router = matrix.data();
    if (random.chance(2)) o.router_bias = bias.data();
    if (random.chance(2)) o.correction_bias = correction.data();
    o.round_logits = random.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});

    Floats logits;
    for (int64_t e = 0; e < o.E; ++e) {
      const auto add = [&](int k, float part) { return std::fmaf(x[k], matrix[e * o.H + k], part); };
      const float sum = SecondPartials(static_cast<int>(o.H), add).sum();
      logits.push_back(round_float(o.router_bias == nullptr ? sum : sum + bias[e], o.round_logits));
    }
    router.run();
    expect_second(o, logits, router);
    ASSERT_FALSE(HasFailure()) << "problem " << problem;
  }
}

TEST(OracleRoute, TypesAndStridesOfWhatIsGiven) {
  constexpr int64_t kM = 3, kE = 5, kH = 7;
  Random random(19);
  std::vector<uint16_t> x(kM * (kH + 2)), matrix(kE * (kH + 1));
  for (uint16_t& value : x) value = float_to_bf16(random.bell());
  for (uint16_t& value : matrix) value = float_to_f16(random.bell());
  Floats logits;
  for (int64_t m = 0; m < kM; ++m) {
    for (int64_t e = 0; e < kE; ++e) {
      float sum = 0;  // of partials with one term each
      const auto add = [&](int k, float part) {
        return std::fmaf(bf16_to_float(x[m * (kH + 2) + k]), f16_to_float(matrix[e * (kH + 1) + k]), part);
      };
      sum = SecondPartials(kH, add).sum();
      logits.push_back(sum);
    }
  }
  Router expected(TERNARY_SIGMOID_TOPK, 2), router(TERNARY_SIGMOID_TOPK, 2);
  expected.o.M = router.o.M = kM;
  expected.run(logits);
  router.o.E = kE;
  router.o.H = kH;
  router.o.x = x.data();
  router.o.ldx = kH + 2;
  router.o.x_dtype = TERNARY_BF16;
  router.o.router = matrix.data();
  router.o.ld_router = kH + 1;
  router.o.router_dtype = TERNARY_F16;
  router.run();
  EXPECT_EQ(router.ids, expected.ids);
  EXPECT_EQ(router.weights, expected.weights);
}

}  // namespace
}  // namespace ternary::test
