#include "experts/route_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "abi/dtype.h"

namespace ternary::test {

RouteProblem::RouteProblem(uint64_t seed) : random_(seed) {
  o_.size = sizeof o_;
  o_.M = random_.pick<int64_t>({1, 1, 2, 3, 5, 9, 17});
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

std::string RouteProblem::text() const {
  std::ostringstream text;
  text << "M " << o_.M << ", E " << o_.E << ", k " << o_.k << ", H " << o_.H << ", method " << o_.method << ", groups "
       << o_.groups << '/' << o_.topk_groups << ", group score " << o_.group_score << ", correction "
       << (o_.correction_bias != nullptr) << ", types " << o_.logits_dtype << o_.x_dtype << o_.router_dtype
       << o_.round_logits << o_.weights_dtype;
  return text.str();
}

RouteProblem::Result RouteProblem::poison() const {
  return {std::vector<int32_t>(o_.M * (o_.k + 1), -9), OutputMatrix(o_.weights_dtype, o_.M, o_.k, o_.k + 2)};
}

ternary_route_operands RouteProblem::operands(Result& result) const {
  ternary_route_operands o = o_;
  o.ids = result.ids.data();
  o.ld_ids = o_.k + 1;
  o.weights = result.weights.data();
  o.ld_weights = result.weights.ld();
  return o;
}

RouteProblem::Result RouteProblem::expected() const {
  return run([&](const ternary_route_operands& o) {
    EXPECT_EQ(ternary_oracle_route(&o), TERNARY_OK) << ternary_last_error() << " in " << text();
  });
}

void RouteProblem::set_groups() {
  std::vector<int64_t> divisors;
  for (int64_t g = 1; g <= o_.E; ++g) {
    if (o_.E % g == 0) divisors.push_back(g);
  }
  o_.groups = divisors[random_.integer(0, static_cast<int64_t>(divisors.size()) - 1)];
  o_.topk_groups = std::max((o_.k * o_.groups + o_.E - 1) / o_.E, random_.integer(1, o_.groups));
  o_.group_score = random_.pick({TERNARY_GROUP_TOP2, TERNARY_GROUP_MAX});
}

const float* RouteProblem::vector(int64_t count, std::vector<float>& room) {
  for (int64_t i = 0; i < count; ++i) room.push_back(random_.bell());
  return room.data();
}

/** Of values of which many are equal, or with zeros of both signs, infinities and NaN. */
void RouteProblem::set_logits() {
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

void RouteProblem::set_router() {
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

AlignProblem::AlignProblem(Random& random)
    : M_(random.integer(1, 40)), T_(random.integer(1, 8)), E_(random.integer(1, 20)), ld_(T_ + random.integer(0, 1)) {
  ids_.assign(M_ * ld_, 0);  // between rows too
  for (int64_t m = 0; m < M_; ++m) {
    for (int64_t t = 0; t < T_; ++t) ids_[m * ld_ + t] = static_cast<int32_t>(random.integer(-1, E_ - 1));
  }
}

AlignProblem::Result AlignProblem::poison() const {
  return {std::vector<int32_t>(E_ + 1, -7), std::vector<int32_t>(M_ * T_, -7)};
}

ternary_align_operands AlignProblem::operands(Result& result) const {
  ternary_align_operands o = {};
  o.size = sizeof o;
  o.M = M_;
  o.T = T_;
  o.E = E_;
  o.expert_ids = ids_.data();
  o.ld_ids = ld_;
  o.slots = result.slots.data();
  o.offsets = result.offsets.data();
  return o;
}

AlignProblem::Result AlignProblem::expected() const {
  const auto id_of = [&](int32_t slot) { return ids_[slot / T_ * ld_ + slot % T_]; };
  Result result = poison();
  std::vector<int32_t> sorted;
  for (int32_t slot = 0; slot < M_ * T_; ++slot) {
    if (id_of(slot) >= 0) sorted.push_back(slot);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) { return id_of(a) < id_of(b); });
  std::copy(sorted.begin(), sorted.end(), result.slots.begin());  // as many at the end are not written
  for (int64_t e = 0; e <= E_; ++e) {
    result.offsets[e] = static_cast<int32_t>(
        std::count_if(sorted.begin(), sorted.end(), [&](int32_t slot) { return id_of(slot) < e; }));
  }
  return result;
}

namespace {

MoeProblemSpec combining(uint64_t seed) {
  MoeProblemSpec spec = random_moe_spec(seed);
  spec.spec.skip_combine = 0;
  // d has been rounded to F32 in both, and its weight is not in it.
  spec.spec.weight_before_rounding = spec.spec.weight_on_input = 0;
  spec.spec.scaling = 2.5f;
  return spec;
}

MoeProblemSpec leaving_apart(MoeProblemSpec spec) {
  spec.spec.skip_combine = 1;
  spec.spec.scaling = 1;
  spec.residual = false;
  spec.y_dtype = TERNARY_F32;
  return spec;
}

}  // namespace

CombineProblem::CombineProblem(uint64_t seed)
    : whole(combining(seed)), apart(leaving_apart(whole.spec())), d(apart.expected()), expected(whole.expected()) {}

ternary_combine_operands CombineProblem::operands(const MoeOutput& to) const {
  const ternary_moe_operands of = whole.operands(to);
  ternary_combine_operands o = {};
  o.size = sizeof o;
  o.M = whole.spec().M;
  o.T = whole.spec().T;
  o.H = whole.spec().H;
  o.E = whole.spec().E;
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
  return o;
}

}  // namespace ternary::test
