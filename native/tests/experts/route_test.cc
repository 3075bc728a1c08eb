// Routers, sums over slots and sorted slots on every instruction set against the oracle: the same ids and bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "abi/dtype.h"
#include "experts/moe_problem.h"

namespace ternary::test {
namespace {

std::vector<RuntimeHandle> runtimes_of_every_isa() {
  std::vector<RuntimeHandle> runtimes;
  for (const std::string& isa : available_isas()) runtimes.push_back(make_runtime("TERNARY_MAX_ISA=" + isa));
  return runtimes;
}

/** A router's operands and what they point to. */
class RouteProblem {
 public:
  explicit RouteProblem(uint64_t seed) : random_(seed) {
    o_.size = sizeof o_;
    o_.M = random_.integer(1, 5);
    o_.E = random_.pick<int64_t>({1, 2, 8, 16, 17, 31, 33, 64, 100, 128, 256, 300});
    o_.k = std::min(o_.E, random_.pick<int64_t>({1, 2, 4, 8, 8, 64}));
    o_.method = random_.pick({TERNARY_SOFTMAX_TOPK, TERNARY_TOPK_SOFTMAX, TERNARY_SIGMOID_TOPK});
    o_.renormalise = random_.chance(2);
    if (o_.renormalise) o_.renormalise_eps = random_.chance(2) ? 1e-20f : 0.0f;
    o_.scaling = random_.chance(2) ? 1.0f : 2.5f;
    o_.weights_dtype = random_.pick({TERNARY_F32, TERNARY_BF16});
    if (random_.chance(2)) set_groups();
    if (random_.chance(2)) o_.correction_bias = vector(o_.E, correction_);
    if (random_.chance(2)) {
      set_logits();
    } else {
      set_router();
    }
  }

  std::string text() const {
    std::ostringstream text;
    text << "M " << o_.M << ", E " << o_.E << ", k " << o_.k << ", H " << o_.H << ", method " << o_.method
         << ", groups " << o_.groups << '/' << o_.topk_groups << ", group score " << o_.group_score << ", correction "
         << (o_.correction_bias != nullptr) << ", types " << o_.logits_dtype << o_.x_dtype << o_.router_dtype
         << o_.round_logits << o_.weights_dtype;
    return text.str();
  }

  struct Result {
    std::vector<int32_t> ids;
    OutputMatrix weights;
  };

  /** By the oracle if `runtime` is null. */
  Result run(ternary_runtime* runtime) const {
    Result result;
    result.ids.assign(o_.M * (o_.k + 1), -9);
    result.weights = OutputMatrix(o_.weights_dtype, o_.M, o_.k, o_.k + 2);
    ternary_route_operands o = o_;
    o.ids = result.ids.data();
    o.ld_ids = o_.k + 1;
    o.weights = result.weights.data();
    o.ld_weights = result.weights.ld();
    EXPECT_EQ(runtime == nullptr ? ternary_oracle_route(&o) : ternary_route(runtime, &o), TERNARY_OK)
        << ternary_last_error() << " in " << text();
    return result;
  }

 private:
  void set_groups() {
    std::vector<int64_t> divisors;
    for (int64_t g = 1; g <= o_.E; ++g) {
      if (o_.E % g == 0) divisors.push_back(g);
    }
    o_.groups = divisors[random_.integer(0, static_cast<int64_t>(divisors.size()) - 1)];
    o_.topk_groups = std::max((o_.k * o_.groups + o_.E - 1) / o_.E, random_.integer(1, o_.groups));
    o_.group_score = random_.pick({TERNARY_GROUP_TOP2, TERNARY_GROUP_MAX});
  }

  const float* vector(int64_t count, std::vector<float>& room) {
    for (int64_t i = 0; i < count; ++i) room.push_back(random_.bell());
    return room.data();
  }

  /** Of values of which many are equal, or with zeros of both signs, infinities and NaN. */
  void set_logits() {
    o_.logits_dtype = random_.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
    logits_ = bell_matrix(random_, o_.logits_dtype, o_.M, o_.E, o_.E + random_.integer(0, 2));
    o_.logits = logits_.data();
    o_.ld_logits = logits_.ld();
    const int64_t kind = random_.integer(0, 4);
    for (int64_t i = 0; i < o_.M * o_.E; ++i) {
      float value = logits_.value(i / o_.E, i % o_.E);
      if (kind == 1) value = std::round(value);
      if (kind == 2 && random_.chance(8)) value = random_.pick({-INFINITY, 0.0f, -0.0f});
      if (kind == 3 && random_.chance(100)) value = random_.pick({NAN, INFINITY});
      if (kind == 4) value = -INFINITY;
      store_float(logits_.row(i / o_.E), o_.logits_dtype, i % o_.E, value);
    }
  }

  void set_router() {
    o_.H = random_.integer(1, 300);
    o_.x_dtype = random_.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
    o_.router_dtype = random_.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
    o_.round_logits = random_.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
    x_ = bell_matrix(random_, o_.x_dtype, o_.M, o_.H, o_.H + random_.integer(0, 2));
    router_ = bell_matrix(random_, o_.router_dtype, o_.E, o_.H, o_.H + random_.integer(0, 2));
    o_.x = x_.data();
    o_.ldx = x_.ld();
    o_.router = router_.data();
    o_.ld_router = router_.ld();
    if (random_.chance(2)) o_.router_bias = vector(o_.E, bias_);
  }

  Random random_;
  ternary_route_operands o_ = {};
  OutputMatrix logits_, x_, router_;
  std::vector<float> correction_, bias_;
};

TEST(Route, GeneratedProblemsOnEveryIsa) {
  const std::vector<RuntimeHandle> runtimes = runtimes_of_every_isa();
  const int64_t count = samples(3000);
  for (int64_t i = 0; i < count; ++i) {
    const RouteProblem problem(static_cast<uint64_t>(i));
    const RouteProblem::Result expected = problem.run(nullptr);
    set_crash_note(problem.text());
    for (const RuntimeHandle& runtime : runtimes) {
      const RouteProblem::Result got = problem.run(runtime.get());
      ASSERT_EQ(got.ids, expected.ids) << problem.text() << ", seed " << i;
      ASSERT_EQ(got.weights.difference(expected.weights, got.weights.whole()), "") << problem.text() << ", seed " << i;
      ASSERT_EQ(got.weights.outside_written(got.weights.whole()), "") << problem.text() << ", seed " << i;
    }
  }
}

/** Experts' outputs, by generated layers that leave them apart: their sums are what the layer without that gives. */
TEST(Combine, IsWhatALayerDoesAtItsEnd) {
  for (const RuntimeHandle& runtime : runtimes_of_every_isa()) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      MoeProblemSpec spec = random_moe_spec(seed);
      spec.spec.skip_combine = 0;
      // d has been rounded to F32 in both, and its weight is not in it.
      spec.spec.weight_before_rounding = spec.spec.weight_on_input = 0;
      spec.spec.scaling = 2.5f;
      const MoeProblem whole(spec);
      MoeProblemSpec parts = spec;
      parts.spec.skip_combine = 1;
      parts.spec.scaling = 1;
      parts.residual = false;
      parts.y_dtype = TERNARY_F32;
      const MoeProblem apart(parts);
      const MoeOutput expected = whole.expected(), d = apart.expected(), got = whole.output();
      const ternary_moe_operands of = whole.operands(got);
      ternary_combine_operands o = {};
      o.size = sizeof o;
      o.M = spec.M;
      o.T = spec.T;
      o.H = spec.H;
      o.E = spec.E;
      o.d = d.y.data();
      o.ldd = d.y.ld();
      o.expert_ids = of.expert_ids;
      o.ld_ids = of.ld_ids;
      o.expert_weights = of.expert_weights;
      o.ld_weights = of.ld_weights;
      o.expert_weights_dtype = of.expert_weights_dtype;
      o.y = of.y;
      o.ldy = of.ldy;
      o.y_dtype = of.y_dtype;
      o.residual = of.residual;
      o.residual_out = of.residual_out;
      o.residual_dtype = of.residual_dtype;
      o.ld_residual = of.ld_residual;
      o.scaling = 2.5f;
      ASSERT_EQ(ternary_combine(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(whole.verdict(got, expected), "");
    }
  }
}

TEST(Align, SortsSlotsByExpertAndKeepsTheirOrder) {
  const RuntimeHandle runtime = make_runtime();
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    const int64_t M = random.integer(1, 40), T = random.integer(1, 8), E = random.integer(1, 20);
    std::vector<int32_t> ids(M * T);
    for (int32_t& id : ids) id = static_cast<int32_t>(random.integer(-1, E - 1));
    std::vector<int32_t> sorted;
    for (int32_t slot = 0; slot < M * T; ++slot) {
      if (ids[slot] >= 0) sorted.push_back(slot);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
    std::vector<int32_t> offsets(E + 1, 0), slots(M * T, -7);
    ternary_align_operands o = {};
    o.size = sizeof o;
    o.M = M;
    o.T = T;
    o.E = E;
    o.expert_ids = ids.data();
    o.ld_ids = T;
    o.slots = slots.data();
    o.offsets = offsets.data();
    ASSERT_EQ(ternary_align(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    for (int64_t e = 0; e <= E; ++e) {
      ASSERT_EQ(offsets[e], std::count_if(ids.begin(), ids.end(), [&](int32_t id) { return id >= 0 && id < e; }));
    }
    sorted.resize(M * T, -7);  // as many at the end are not written
    ASSERT_EQ(slots, sorted);
  }
}

}  // namespace
}  // namespace ternary::test
