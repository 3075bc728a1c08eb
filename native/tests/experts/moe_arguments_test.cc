// Every rule of layers of experts and of their operands broken in turn: the status, a sentence with the value and the rule,
// and nothing written.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

constexpr int64_t kM = 3, kT = 2, kE = 4, kH = 64, kI = 96;

/** Weights +1 everywhere. */
WeightsHandle weights_of(int64_t E, int64_t N, int64_t K, ternary_alpha_kind kind, int64_t alphas, int64_t group = 0) {
  const std::vector<uint8_t> matrix(N * ((K + 3) / 4), 0xaa);
  const std::vector<const uint8_t*> codes(E, matrix.data());
  const std::vector<float> alpha(alphas, 1);
  ternary_weights* made = nullptr;
  EXPECT_EQ(ternary_weights_create_experts(codes.data(), TERNARY_LAYOUT_I2S, E, N, K, TERNARY_LAYOUT_I2S_TILED, kind,
                                           alpha.data(), alphas, group, &made),
            TERNARY_OK)
      << ternary_last_error();
  return WeightsHandle(made);
}

WeightsHandle tensor(int64_t E, int64_t N, int64_t K) { return weights_of(E, N, K, TERNARY_ALPHA_TENSOR, E); }

/** A valid layer, until a rule is broken. */
class MoeRules : public testing::Test {
 protected:
  MoeRules() {
    valid_.size = sizeof valid_;
    valid_.w13 = w13_.get();
    valid_.w2 = w2_.get();
    valid_.scaling = 1;
  }

  void refuse(const std::string& fragment, const std::function<void(ternary_moe_spec&)>& rule) {
    ternary_moe_spec spec = valid_;
    rule(spec);
    auto* const poison = reinterpret_cast<ternary_moe*>(&signs_);
    ternary_moe* made = poison;
    expect_refused(ternary_moe_create(&spec, &made), fragment, "moe_create");
    EXPECT_EQ(made, poison) << "the handle was written";
  }

  WeightsHandle w13_ = tensor(kE, 2 * kI, kH), w2_ = tensor(kE, kH, kI);
  std::vector<float> signs_ = std::vector<float>(kI, 1);
  ternary_moe_spec valid_ = {};
};

using Spec = ternary_moe_spec;

TEST_F(MoeRules, EachInTurn) {
  ternary_moe* made = nullptr;
  expect_refused(ternary_moe_create(nullptr, &made), "spec is null", "moe_create");
  expect_refused(ternary_moe_create(&valid_, nullptr), "moe is null", "moe_create");
  ternary_moe_destroy(nullptr);
  EXPECT_EQ(ternary_moe_bytes(nullptr), 0);
  refuse("spec has size 104", [](Spec& s) { s.size = 104; });
  refuse("w13 is null", [](Spec& s) { s.w13 = nullptr; });
  refuse("w2 is null", [](Spec& s) { s.w2 = nullptr; });
  refuse("gate_order is 3; it must be 0 (gate, up), 1 (up, gate) or 2 (interleaved)",
         [](Spec& s) { s.gate_order = static_cast<ternary_gate_order>(3); });
  refuse("gate_function is -1; it must be 0 (silu)",
         [](Spec& s) { s.gate_function = static_cast<ternary_gate_function>(-1); });
  refuse("round_gate_up is 3", [](Spec& s) { s.round_gate_up = TERNARY_F8_E4M3; });
  refuse("round_activation is 4", [](Spec& s) { s.round_activation = TERNARY_I8; });
  refuse("round_product is 5", [](Spec& s) { s.round_product = static_cast<ternary_dtype>(5); });
  refuse("round_expert is 3", [](Spec& s) { s.round_expert = TERNARY_F8_E4M3; });
  refuse("weight_on_input is 2; it must be 0 (no) or 1 (yes)", [](Spec& s) { s.weight_on_input = 2; });
  refuse("weight_before_rounding is -1", [](Spec& s) { s.weight_before_rounding = -1; });
  refuse("skip_combine is 2", [](Spec& s) { s.skip_combine = 2; });
  refuse("weight_on_input and weight_before_rounding are 1; one of them must be 0",
         [](Spec& s) { s.weight_on_input = s.weight_before_rounding = 1; });
  refuse("activation is 2", [](Spec& s) { s.activation = static_cast<ternary_activation>(2); });
}

TEST_F(MoeRules, ScalingIsSaidAndClampBelongsToItsFunction) {
  for (const float bad : {0.0f, -0.0f, NAN, INFINITY}) {
    refuse("; it must be finite and not 0, and 1 where nothing is to be scaled", [&](Spec& s) { s.scaling = bad; });
  }
  refuse("scaling is 2 and skip_combine is 1; it must be 1 then", [](Spec& s) {
    s.scaling = 2;
    s.skip_combine = 1;
  });
  refuse("clamp is 7; it must be finite and greater than 0 for silu_clamp, and 0 otherwise",
         [](Spec& s) { s.clamp = 7; });
  for (const float bad : {0.0f, -7.0f, NAN, INFINITY}) {
    refuse("clamp is ", [&](Spec& s) {
      s.gate_function = TERNARY_SILU_CLAMP;
      s.clamp = bad;
    });
  }
}

TEST_F(MoeRules, TheTwoMatricesFit) {
  const WeightsHandle fewer = tensor(kE - 1, kH, kI), odd = tensor(kE, 2 * kI - 1, kH), tall = tensor(kE, kH + 1, kI),
                      wide = tensor(kE, kH, kI + 1), two = weights_of(kE, kH, kI, TERNARY_ALPHA_COLUMN, 2 * kE * kI);
  refuse("w13 is of 4 experts and w2 of 3; they must be of as many", [&](Spec& s) { s.w2 = fewer.get(); });
  refuse("w13 has 191 rows; they must be even", [&](Spec& s) { s.w13 = odd.get(); });
  refuse("w2 has 97 columns and w13 192 rows; it must be half of them", [&](Spec& s) { s.w2 = wide.get(); });
  refuse("w2 has 65 rows and w13 64 columns; they must be equal", [&](Spec& s) { s.w2 = tall.get(); });
  refuse("w2 has two alphas a column; only w13 may", [&](Spec& s) { s.w2 = two.get(); });
}

TEST_F(MoeRules, BlocksAndRotations) {
  const WeightsHandle grouped = weights_of(kE, kH, kI, TERNARY_ALPHA_GROUP, kE * kH * 2, 64);
  refuse("block is 48; it must be 0 or a multiple of 32", [](Spec& s) { s.block = 48; });
  refuse("block is 32 and activation is A16", [](Spec& s) {
    s.block = 32;
    s.activation = TERNARY_A16;
  });
  refuse("block is 96 and w2's group is 64; one of them must be a multiple of the other", [&](Spec& s) {
    s.block = 96;
    s.w2 = grouped.get();
  });
  refuse("rotation13 is 48; it must be a power of two, 32 to 4096", [](Spec& s) { s.rotation13 = 48; });
  refuse("rotation13 is 128 and H is 64; H must be a multiple of it", [](Spec& s) { s.rotation13 = 128; });
  refuse("rotation2 is 64 and I is 96; I must be a multiple of it", [](Spec& s) { s.rotation2 = 64; });
  refuse("signs13 is given and rotation13 is 0; it must be null then", [&](Spec& s) { s.signs13 = signs_.data(); });
  refuse("signs2 is given and rotation2 is 0; it must be null then", [&](Spec& s) { s.signs2 = signs_.data(); });
  signs_[95] = 0;
  refuse("signs2[95] is 0; it must be +1 or -1", [&](Spec& s) {
    s.rotation2 = 32;
    s.signs2 = signs_.data();
  });
}

TEST_F(MoeRules, WeightsMayBeDestroyedOnceTheLayerIsMade) {
  ternary_moe* made = nullptr;
  ASSERT_EQ(ternary_moe_create(&valid_, &made), TERNARY_OK) << ternary_last_error();
  const MoeHandle moe(made);
  const int64_t bytes = ternary_weights_bytes(w13_.get()) + ternary_weights_bytes(w2_.get());
  w13_.reset();
  w2_.reset();
  EXPECT_EQ(ternary_moe_bytes(made), bytes);
}

/** Valid operands, until a rule is broken. */
class MoeOperandRules : public MoeRules {
 protected:
  MoeOperandRules() {
    ternary_moe* made = nullptr;
    EXPECT_EQ(ternary_moe_create(&valid_, &made), TERNARY_OK) << ternary_last_error();
    moe_.reset(made);
    valid_.skip_combine = 1;
    EXPECT_EQ(ternary_moe_create(&valid_, &made), TERNARY_OK) << ternary_last_error();
    separate_.reset(made);
    operands_.size = sizeof operands_;
    operands_.M = kM;
    operands_.T = kT;
    operands_.x = x_.data();
    operands_.ldx = kH;
    operands_.expert_ids = ids_.data();
    operands_.ld_ids = kT;
    operands_.expert_weights = weights_.data();
    operands_.ld_weights = kT;
    operands_.y = y_.data();
    operands_.ldy = kT * kH;
  }

  void refuse_call(const std::string& fragment, const std::function<void(ternary_moe_operands&)>& rule) {
    refuse_call_of(moe_, fragment, rule);
  }
  void refuse_call_of(const MoeHandle& moe, const std::string& fragment,
                      const std::function<void(ternary_moe_operands&)>& rule) {
    ternary_moe_operands o = operands_;
    rule(o);
    expect_refused(ternary_oracle_apply_moe(moe.get(), &o), fragment, "oracle moe");
    EXPECT_EQ(y_.anything_written(), "");
    EXPECT_EQ(residual_out_.anything_written(), "");
  }

  MoeHandle moe_, separate_;
  std::vector<float> x_ = std::vector<float>(kM * kH, 1), weights_ = std::vector<float>(kM * kT, 0.5f);
  std::vector<int32_t> ids_{0, 1, -1, 3, 2, 2};
  OutputMatrix y_{TERNARY_F32, kM, kT* kH, kT* kH}, residual_out_{TERNARY_BF16, kM, kH, kH};
  std::vector<uint16_t> residual_ = std::vector<uint16_t>(kM * kH);
  ternary_moe_operands operands_ = {};
};

using Operands = ternary_moe_operands;

TEST_F(MoeOperandRules, EachInTurn) {
  expect_refused(ternary_oracle_apply_moe(nullptr, &operands_), "moe is null", "oracle moe");
  expect_refused(ternary_oracle_apply_moe(moe_.get(), nullptr), "operands is null", "oracle moe");
  refuse_call("operands has size 8", [](Operands& o) { o.size = 8; });
  refuse_call("M is 0", [](Operands& o) { o.M = 0; });
  refuse_call("T is 0; it must be 1 to 64", [](Operands& o) { o.T = 0; });
  refuse_call("T is 65; it must be 1 to 64", [](Operands& o) { o.T = 65; });
  refuse_call("x is null", [](Operands& o) { o.x = nullptr; });
  refuse_call("x_dtype is I8", [](Operands& o) { o.x_dtype = TERNARY_I8; });
  refuse_call("x_scale is given", [&](Operands& o) { o.x_scale = x_.data(); });
  refuse_call("ldx is 63", [](Operands& o) { o.ldx = kH - 1; });
  refuse_call("expert_ids is null", [](Operands& o) { o.expert_ids = nullptr; });
  refuse_call("expert_ids is at address", [&](Operands& o) { o.expert_ids = misaligned(ids_.data()); });
  refuse_call("ld_ids is 1", [](Operands& o) { o.ld_ids = 1; });
  refuse_call("expert_weights is null", [](Operands& o) { o.expert_weights = nullptr; });
  refuse_call("ld_weights is 1", [](Operands& o) { o.ld_weights = 1; });
  refuse_call("expert_weights_dtype is 1; it must be F32 (0) or BF16 (2)",
              [](Operands& o) { o.expert_weights_dtype = TERNARY_F16; });
  refuse_call("y is null", [](Operands& o) { o.y = nullptr; });
  refuse_call("y_dtype is 3", [](Operands& o) { o.y_dtype = TERNARY_F8_E4M3; });
  refuse_call("ldy is 63", [](Operands& o) { o.ldy = kH - 1; });
  refuse_call("y (", [&](Operands& o) { o.x = y_.data(); });
  refuse_call("overlaps expert_ids", [&](Operands& o) { o.expert_ids = static_cast<const int32_t*>(y_.data()); });
  refuse_call("overlaps expert_weights", [&](Operands& o) { o.expert_weights = y_.data(); });
}

TEST_F(MoeOperandRules, IdsAreNamedByRowAndSlot) {
  ids_[5] = 4;
  refuse_call("expert_ids of row 2, slot 1 is 4; it must be -1 (none) or 0 to 3", [](Operands&) {});
  ids_[2] = -2;
  refuse_call("expert_ids of row 1, slot 0 is -2; it must be -1 (none) or 0 to 3", [](Operands&) {});
}

TEST_F(MoeOperandRules, ResidualsAreApart) {
  const auto with = [&](auto change) {
    return [&, change](Operands& o) {
      o.residual = residual_.data();
      o.residual_out = residual_out_.data();
      o.ld_residual = kH;
      o.residual_dtype = TERNARY_BF16;
      change(o);
    };
  };
  refuse_call("residual_out is given without residual", with([](Operands& o) { o.residual = nullptr; }));
  refuse_call("residual_out is null", with([](Operands& o) { o.residual_out = nullptr; }));
  refuse_call("ld_residual is 63", with([](Operands& o) { o.ld_residual = kH - 1; }));
  refuse_call("residual_dtype is 4", with([](Operands& o) { o.residual_dtype = TERNARY_I8; }));
  refuse_call("overlaps residual", with([&](Operands& o) { o.residual_out = residual_.data() + 1; }));
  refuse_call("y (", with([&](Operands& o) { o.residual = y_.data(); }));
  refuse_call("overlaps x", with([&](Operands& o) { o.residual_out = x_.data(); }));
  refuse_call_of(separate_, "residual is given; it must be null for a layer with skip_combine", with([](Operands&) {}));
  Operands o = operands_;
  with([&](Operands& changed) { changed.residual_out = residual_.data(); })(o);
  EXPECT_EQ(ternary_oracle_apply_moe(moe_.get(), &o), TERNARY_OK) << ternary_last_error();
}

TEST_F(MoeOperandRules, SlotsApartNeedAWiderYAndNoWeights) {
  refuse_call_of(separate_, "ldy is 127; it must be at least the row's 128 elements",
                 [](Operands& o) { o.ldy = kT * kH - 1; });
  refuse_call_of(separate_, "ld_weights is 2, expert_weights_dtype is 0 and expert_weights is null",
                 [](Operands& o) { o.expert_weights = nullptr; });
  Operands o = operands_;
  o.expert_weights = nullptr;
  o.ld_weights = 0;
  EXPECT_EQ(ternary_oracle_apply_moe(separate_.get(), &o), TERNARY_OK) << ternary_last_error();
}

}  // namespace
}  // namespace ternary::test
