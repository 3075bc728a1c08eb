// Weights of several experts: each is the matrix that it would be alone, and every rule broken in turn.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/handles.h"
#include "support/operands.h"
#include "support/random.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

/** Random codes in I2S, padding as 1. */
std::vector<uint8_t> random_codes(Random& random, int64_t N, int64_t K) {
  std::vector<uint8_t> codes;
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; k += 4) {
      int byte = 0;
      for (int64_t j = 0; j < 4; ++j) byte |= (k + j < K ? static_cast<int>(random.integer(0, 2)) : 1) << (2 * j);
      codes.push_back(static_cast<uint8_t>(byte));
    }
  }
  return codes;
}

TEST(ExpertWeights, CodesComeBackWhateverTheLayout) {
  Random random(1);
  for (const auto& [E, N, K] : {std::array<int64_t, 3>{1, 5, 7}, {7, 19, 101}, {64, 130, 520}}) {
    std::vector<std::vector<uint8_t>> matrices;
    std::vector<const uint8_t*> codes;
    for (int64_t e = 0; e < E; ++e) matrices.push_back(random_codes(random, N, K));
    for (const auto& matrix : matrices) codes.push_back(matrix.data());
    const std::vector<float> alpha(E, 1);
    for (const ternary_layout layout : kLayouts) {
      ternary_weights* made = nullptr;
      ASSERT_EQ(ternary_weights_create_experts(codes.data(), TERNARY_LAYOUT_I2S, E, N, K, layout, TERNARY_ALPHA_TENSOR,
                                               alpha.data(), E, 0, &made),
                TERNARY_OK)
          << ternary_last_error();
      const WeightsHandle weights(made);
      EXPECT_GE(ternary_weights_bytes(made), E * layout_bytes(layout, N, K));
      for (int64_t e = 0; e < E; ++e) {
        std::vector<uint8_t> read(matrices[e].size());
        ASSERT_EQ(ternary_weights_expert_codes(made, e, read.data()), TERNARY_OK);
        ASSERT_EQ(read, matrices[e]) << "expert " << e << " of layout " << layout;
      }
    }
  }
}

/** Valid arguments, until a rule is broken. */
class ExpertWeightRules : public testing::Test {
 protected:
  static constexpr int64_t kE = 3, kN = 6, kK = 40;
  struct Arg {
    const uint8_t* const* codes;
    int source;
    int64_t E, N, K;
    int layout, kind;
    const float* alpha;
    int64_t count, group;
  };

  ternary_status create(const Arg& a, ternary_weights** made) {
    return ternary_weights_create_experts(a.codes, static_cast<ternary_layout>(a.source), a.E, a.N, a.K,
                                          static_cast<ternary_layout>(a.layout),
                                          static_cast<ternary_alpha_kind>(a.kind), a.alpha, a.count, a.group, made);
  }

  void refuse(const std::string& fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid_;
    rule(a);
    auto* const poison = reinterpret_cast<ternary_weights*>(&alpha_);
    ternary_weights* made = poison;
    expect_refused(create(a, &made), fragment, "weights_create_experts");
    EXPECT_EQ(made, poison) << "the handle was written";
  }

  WeightsHandle make(const std::function<void(Arg&)>& change) {
    Arg a = valid_;
    change(a);
    ternary_weights* made = nullptr;
    EXPECT_EQ(create(a, &made), TERNARY_OK) << ternary_last_error();
    return WeightsHandle(made);
  }

  std::vector<uint8_t> matrix_ = std::vector<uint8_t>(kN * kK / 4, 0x55), wrong_ = matrix_;
  std::vector<const uint8_t*> codes_{matrix_.data(), matrix_.data(), matrix_.data()};
  std::vector<float> alpha_ = std::vector<float>(kE * kN * kK, 1);
  const Arg valid_{codes_.data(), 0, kE, kN, kK, 1, TERNARY_ALPHA_ROW, alpha_.data(), kE* kN, 0};
};

TEST_F(ExpertWeightRules, EachInTurn) {
  refuse("codes is null", [](Arg& a) { a.codes = nullptr; });
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{4097}, INT64_MAX}) {
    refuse("E is " + std::to_string(bad) + "; it must be 1 to 4096", [&](Arg& a) { a.E = bad; });
  }
  refuse("layout is -1", [](Arg& a) { a.layout = -1; });
  refuse("layout is -2", [](Arg& a) { a.source = -2; });
  refuse("N is 0", [](Arg& a) { a.N = 0; });
  refuse("K is 16777216", [](Arg& a) { a.K = int64_t{1} << 24; });
  refuse("alpha kind is 4", [](Arg& a) { a.kind = 4; });
  refuse("alpha is null", [](Arg& a) { a.alpha = nullptr; });
  refuse("alpha_count is 6; this kind of alpha has 18 values", [](Arg& a) { a.count = kN; });
  refuse("alpha_count is 1; this kind of alpha has 3 values", [](Arg& a) {
    a.kind = TERNARY_ALPHA_TENSOR;
    a.count = 1;
  });
  refuse("alpha_count is 40; this kind of alpha has 120 values, or twice as many for gate and up", [](Arg& a) {
    a.kind = TERNARY_ALPHA_COLUMN;
    a.count = kK;
  });
  refuse("alpha_count is 18; this kind of alpha has 36 values", [](Arg& a) {
    a.kind = TERNARY_ALPHA_GROUP;
    a.group = 32;
  });
  refuse("group is 64", [](Arg& a) { a.group = 64; });
  alpha_[17] = NAN;
  refuse("alpha[17]", [](Arg&) {});
  alpha_[17] = 1;
  codes_[2] = nullptr;
  refuse("codes[2] is null", [](Arg&) {});
  expect_refused(create(valid_, nullptr), "weights is null", "weights_create_experts");
}

TEST_F(ExpertWeightRules, TheFirstExpertWithACodeThatIsNoneIsNamed) {
  wrong_[11] = 0x75;  // row 1, column 6
  codes_[1] = codes_[2] = wrong_.data();
  refuse("of codes[1] the code at row 1, column 6 is 3", [](Arg&) {});
}

TEST_F(ExpertWeightRules, SizesThatOverflowAreRefusedBeforeAnythingIsRead) {
  refuse("; as many experts of ", [&](Arg& a) {
    a.E = 4096;
    a.N = INT32_MAX;
    a.K = (int64_t{1} << 24) - 1;
    static const std::vector<const uint8_t*> codes(4096, matrix_.data());
    a.codes = codes.data();
  });
}

TEST_F(ExpertWeightRules, LinearLayersHaveOneExpert) {
  const WeightsHandle experts = make([](Arg&) {});
  ternary_layer_spec spec = plain_layer(experts.get(), TERNARY_A8);
  ternary_layer* layer = nullptr;
  expect_refused(ternary_layer_create(&spec, &layer), "weights are of 3 experts; a layer has 1", "layer_create");
  expect_refused(ternary_weights_codes(experts.get(), wrong_.data()),
                 "weights are of 3 experts; ternary_weights_expert_codes() writes one", "weights_codes");
  const WeightsHandle two = make([](Arg& a) {
    a.E = 1;
    a.kind = TERNARY_ALPHA_COLUMN;
    a.count = 2 * kK;
  });
  spec.weights = two.get();
  expect_refused(ternary_layer_create(&spec, &layer), "weights have alphas a column of their own for gate and up",
                 "layer_create");
  const WeightsHandle one = make([](Arg& a) {
    a.E = 1;
    a.count = kN;
  });
  spec.weights = one.get();
  ASSERT_EQ(ternary_layer_create(&spec, &layer), TERNARY_OK) << ternary_last_error();
  const LayerHandle owner(layer);
}

TEST_F(ExpertWeightRules, CodesOfOneExpert) {
  const WeightsHandle experts = make([](Arg&) {});
  uint8_t* const room = wrong_.data();
  expect_refused(ternary_weights_expert_codes(nullptr, 0, room), "weights is null", "expert_codes");
  expect_refused(ternary_weights_expert_codes(experts.get(), -1, room), "e is -1; it must be 0 to 2", "expert_codes");
  expect_refused(ternary_weights_expert_codes(experts.get(), 3, room), "e is 3; it must be 0 to 2", "expert_codes");
  expect_refused(ternary_weights_expert_codes(experts.get(), 0, nullptr), "i2s is null", "expert_codes");
}

}  // namespace
}  // namespace ternary::test
