// The oracle's layers of experts: values by hand, and what earlier systems got wrong.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "abi/dtype.h"
#include "abi/elementary.h"
#include "oracle/expert_matrices.h"

namespace ternary::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
using Floats = std::vector<float>;
using Ids = std::vector<int32_t>;

/** Weights of fp32 alphas from rows of -1, 0 and +1, one an expert. */
WeightsHandle weights_of(const std::vector<std::vector<int8_t>>& experts, int64_t N, int64_t K,
                         ternary_alpha_kind kind = TERNARY_ALPHA_TENSOR, Floats alpha = {}) {
  std::vector<std::vector<uint8_t>> packed;
  std::vector<const uint8_t*> codes;
  for (const auto& w : experts) {
    packed.emplace_back(N * ((K + 3) / 4));
    EXPECT_EQ(ternary_pack(w.data(), K, N, K, packed.back().data()), TERNARY_OK) << ternary_last_error();
  }
  for (const auto& matrix : packed) codes.push_back(matrix.data());
  if (alpha.empty()) alpha.assign(experts.size(), 1.0f);
  ternary_weights* made = nullptr;
  EXPECT_EQ(ternary_weights_create_experts(codes.data(), TERNARY_LAYOUT_I2S, static_cast<int64_t>(codes.size()), N, K,
                                           TERNARY_LAYOUT_T5_TILED, kind, alpha.data(),
                                           static_cast<int64_t>(alpha.size()), 0, &made),
            TERNARY_OK)
      << ternary_last_error();
  return WeightsHandle(made);
}

MoeHandle make_moe(const ternary_moe_spec& spec) {
  ternary_moe* made = nullptr;
  EXPECT_EQ(ternary_moe_create(&spec, &made), TERNARY_OK) << ternary_last_error();
  return MoeHandle(made);
}

/** Y of fp32 rows, one after the other, through fp32 weights. */
Floats apply(const MoeHandle& moe, const Floats& x, int64_t H, const Ids& ids, const Floats& weights, int64_t T,
             int64_t y_columns = 0) {
  const auto M = static_cast<int64_t>(x.size()) / H;
  const int64_t columns = y_columns == 0 ? H : y_columns;
  Floats y(M * columns, 99.0f);
  ternary_moe_operands o = {};
  o.size = sizeof o;
  o.M = M;
  o.T = T;
  o.x = x.data();
  o.ldx = H;
  o.expert_ids = ids.data();
  o.expert_weights = weights.data();
  o.ld_ids = o.ld_weights = T;
  o.y = y.data();
  o.ldy = columns;
  EXPECT_EQ(ternary_oracle_apply_moe(moe.get(), &o), TERNARY_OK) << ternary_last_error();
  return y;
}

/** One expert of H = 2 and I = 1. With x = {3, 1} the first row of W13 gives 4, the second 2; d = {h, -h}. */
class MoeByHand : public testing::Test {
 protected:
  MoeByHand() {
    spec_.size = sizeof spec_;
    spec_.w13 = w13_.get();
    spec_.w2 = w2_.get();
    spec_.scaling = 1;
    spec_.activation = TERNARY_A16;
    spec_.gate_function = TERNARY_RELU2;
  }
  Floats run(float weight) { return apply(make_moe(spec_), {3, 1}, 2, {0}, {weight}, 1); }

  WeightsHandle w13_ = weights_of({{1, 1, 1, -1}}, 2, 2), w2_ = weights_of({{1, -1}}, 2, 1);
  ternary_moe_spec spec_ = {};
};

TEST_F(MoeByHand, OrdersOfGateAndUp) {
  EXPECT_EQ(run(0.5f), (Floats{16, -16})) << "4 * 4 * 2, halved";
  spec_.gate_order = TERNARY_INTERLEAVED;
  EXPECT_EQ(run(0.5f), (Floats{16, -16}));
  spec_.gate_order = TERNARY_UP_GATE;
  EXPECT_EQ(run(0.5f), (Floats{8, -8})) << "2 * 2 * 4, halved";
  spec_.scaling = 3;
  EXPECT_EQ(run(0.5f), (Floats{24, -24}));
}

TEST_F(MoeByHand, WhereTheWeightIs) {
  spec_.weight_on_input = 1;
  EXPECT_EQ(run(0.5f), (Floats{4, -4})) << "2 * 2 * 1, not halved again";
  spec_.weight_on_input = 0;
  spec_.round_expert = TERNARY_BF16;
  const float w = 1 + 0x1p-8f;
  EXPECT_EQ(run(w), (Floats{32.125f, -32.125f}));
  spec_.weight_before_rounding = 1;
  EXPECT_EQ(run(w), (Floats{32, -32})) << "a tie of bf16";
}

TEST_F(MoeByHand, Functions) {
  using namespace elementary;
  spec_.gate_function = TERNARY_SILU;
  EXPECT_EQ(run(1)[0], silu<Scalar>(4) * 2);
  spec_.gate_function = TERNARY_GELU;
  EXPECT_EQ(run(1)[0], gelu<Scalar>(4) * 2);
  spec_.gate_function = TERNARY_SILU_CLAMP;
  spec_.clamp = 3;
  EXPECT_EQ(run(1)[0], silu<Scalar>(3) * 2);
  spec_.clamp = 1.5f;
  EXPECT_EQ(run(1)[0], silu<Scalar>(1.5f) * 1.5f);
  spec_.round_activation = TERNARY_BF16;
  EXPECT_EQ(run(1)[0], round_float(silu<Scalar>(1.5f), TERNARY_BF16) * 1.5f);
  spec_.round_product = TERNARY_F16;
  EXPECT_EQ(run(1)[0], round_float(round_float(silu<Scalar>(1.5f), TERNARY_BF16) * 1.5f, TERNARY_F16));
}

TEST_F(MoeByHand, GateAndUpMayHaveAlphasAColumnOfTheirOwn) {
  for (const ternary_gate_order order : {TERNARY_GATE_UP, TERNARY_UP_GATE, TERNARY_INTERLEAVED}) {
    // Gate first in every order: its columns count 1 and 3, up's 10 and 100.
    const WeightsHandle w13 = weights_of({{1, 1, 1, 1}}, 2, 2, TERNARY_ALPHA_COLUMN, {1, 3, 10, 100});
    spec_.w13 = w13.get();
    spec_.gate_order = order;
    EXPECT_EQ(run(1)[0], 36 * 130) << "(3 + 3)^2 * (30 + 100)";
  }
}

TEST_F(MoeByHand, SlotsApart) {
  spec_.skip_combine = 1;
  spec_.round_expert = TERNARY_BF16;
  const Floats y = apply(make_moe(spec_), {3, 1, kNaN, kNaN}, 2, {0, -1, -1, 0}, {kNaN, kNaN, kNaN, kNaN}, 2, 4);
  EXPECT_EQ(Floats(y.begin(), y.begin() + 2), (Floats{32, -32})) << "d without its weight";
  for (size_t i = 2; i < 6; ++i) EXPECT_EQ(float_bits(y[i]), 0u) << i;
  EXPECT_TRUE(std::isnan(y[6]) && std::isnan(y[7]));
}

/** Layers of random experts. */
class MoeRows : public testing::TestWithParam<ternary_activation> {
 protected:
  static constexpr int64_t kE = 6, kH = 40, kI = 24, kT = 3, kM = 5;

  MoeHandle layer(uint64_t seed) {
    Random random(seed);
    const ExpertMatrices w13(random, kE, 2 * kI, kH, TERNARY_ALPHA_ROW, 0, 1),
        w2(random, kE, kH, kI, TERNARY_ALPHA_COLUMN, 0, 1);
    const WeightsHandle first = w13.all(TERNARY_LAYOUT_I2S_TILED), second = w2.all(TERNARY_LAYOUT_I2S_TILED);
    ternary_moe_spec spec = {};
    spec.size = sizeof spec;
    spec.w13 = first.get();
    spec.w2 = second.get();
    spec.scaling = 1;
    spec.activation = GetParam();
    return make_moe(spec);
  }

  MoeRows() {
    Random random(5);
    for (float& value : x_) value = random.bell();
    for (int32_t& id : ids_) id = static_cast<int32_t>(random.integer(0, kE - 1));
    for (float& weight : weights_) weight = random.positive();
  }
  Floats row(const Floats& of, int64_t m, int64_t columns) const {
    return Floats(of.begin() + m * columns, of.begin() + (m + 1) * columns);
  }
  Floats all(const MoeHandle& moe) const { return apply(moe, x_, kH, ids_, weights_, kT); }
  Floats alone(const MoeHandle& moe, int64_t m) const {
    return apply(moe, row(x_, m, kH), kH, Ids(ids_.begin() + m * kT, ids_.begin() + (m + 1) * kT), row(weights_, m, kT),
                 kT);
  }

  Floats x_ = Floats(kM * kH), weights_ = Floats(kM * kT);
  Ids ids_ = Ids(kM * kT);
};

TEST_P(MoeRows, AreWhatTheyAreAlone) {
  const MoeHandle moe = layer(1);
  for (int64_t k = 0; k < kH; ++k) x_[kH + k] *= 1000;  // one scale for all rows would round the others away
  const Floats y = all(moe);
  for (int64_t m = 0; m < kM; ++m) {
    EXPECT_EQ(row(y, m, kH), alone(moe, m)) << m;
    EXPECT_NE(row(y, m, kH), Floats(kH, 0.0f)) << m;
  }
}

TEST_P(MoeRows, WithAValueThatIsNotFiniteSpoilNoOther) {
  const MoeHandle moe = layer(2);
  for (const float value : {kNaN, std::numeric_limits<float>::infinity()}) {
    x_[2 * kH + 7] = x_[3 * kH] = value;
    for (int64_t t = 0; t < kT; ++t) ids_[3 * kT + t] = -1;
    const Floats y = all(moe);
    for (int64_t m = 0; m < kM; ++m) {
      for (const float v : row(y, m, kH)) {
        ASSERT_EQ(std::isnan(v), m == 2) << m;
        if (m == 3) {
          ASSERT_EQ(float_bits(v), 0u) << "a row of -1 alone";
        }
      }
      if (m != 2) {
        EXPECT_EQ(row(y, m, kH), alone(moe, m)) << m;
      }
    }
  }
}

TEST_P(MoeRows, SlotsWithoutAnExpertAreAsIfTheyWereNotThere) {
  const MoeHandle moe = layer(3);
  const Floats x = row(x_, 0, kH);
  EXPECT_EQ(apply(moe, x, kH, {-1, 4, -1, 2}, {kNaN, 0.5f, kNaN, 0.25f}, 4),
            apply(moe, x, kH, {4, 2}, {0.5f, 0.25f}, 2));
}

TEST_P(MoeRows, AnExpertMayBeChosenTwice) {
  const MoeHandle moe = layer(4);
  const Floats x = row(x_, 0, kH);
  const Floats once = apply(moe, x, kH, {4}, {1}, 1), twice = apply(moe, x, kH, {4, 4}, {1, 1}, 2);
  for (int64_t k = 0; k < kH; ++k) EXPECT_EQ(twice[k], once[k] + once[k]) << k;
}

TEST_P(MoeRows, TwoLayersShareNothing) {
  const MoeHandle moes[] = {layer(6), layer(7)};
  const Floats expected[] = {all(moes[0]), all(moes[1])};
  ASSERT_NE(expected[0], expected[1]);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 20; ++turn) wrong[i] += all(moes[(i + turn) % 2]) != expected[(i + turn) % 2];
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

INSTANTIATE_TEST_SUITE_P(Oracle, MoeRows, testing::Values(TERNARY_A8, TERNARY_A16),
                         [](const auto& of) { return of.param == TERNARY_A8 ? "A8" : "A16"; });

}  // namespace
}  // namespace ternary::test
