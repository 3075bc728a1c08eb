// Every rule of blocks and rotations, of layers, products and quantisation, broken in turn: the status, a sentence with the
// value and the rule, and nothing written.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/operands.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

constexpr int64_t kM = 3, kN = 5, kK = 192;

WeightsHandle make_weights(ternary_alpha_kind kind, int64_t group = 0) {
  const std::vector<uint8_t> codes(kN * kK / 4, 0x94);
  const std::vector<float> alpha(kN * kK, 0.25f);
  const int64_t counts[] = {1, kN, kK, group == 0 ? 0 : kN * ((kK + group - 1) / group)};
  ternary_weights* weights = nullptr;
  EXPECT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S_TILED, kind,
                                   alpha.data(), counts[kind], group, &weights),
            TERNARY_OK)
      << ternary_last_error();
  return WeightsHandle(weights);
}

std::vector<float> alternating_signs(int64_t count) {
  std::vector<float> signs(count, 1);
  for (size_t k = 0; k < signs.size(); k += 2) signs[k] = -1;
  return signs;
}

class LayerRules : public testing::Test {
 protected:
  void refuse(const std::string& sentence, const std::function<void(ternary_layer_spec&)>& rule,
              const ternary_weights* weights = nullptr) {
    ternary_layer_spec spec = plain_layer(weights == nullptr ? weights_.get() : weights, TERNARY_A8);
    rule(spec);
    ternary_layer* const poison = reinterpret_cast<ternary_layer*>(this);
    ternary_layer* made = poison;
    EXPECT_EQ(ternary_layer_create(&spec, &made), TERNARY_INVALID_ARGUMENT) << sentence;
    EXPECT_EQ(ternary_last_error(), sentence);
    EXPECT_EQ(made, poison) << "the handle was written";
  }

  WeightsHandle weights_ = make_weights(TERNARY_ALPHA_ROW);
  std::vector<float> signs_ = alternating_signs(kK);
};

TEST_F(LayerRules, ABlockIsAMultipleOf32) {
  for (const int64_t bad : {int64_t{-32}, int64_t{1}, int64_t{16}, int64_t{33}, int64_t{100}, INT64_MAX, INT64_MIN,
                            (int64_t{1} << 24) + 32}) {
    refuse("block is " + std::to_string(bad) + "; it must be 0 or a multiple of 32 up to 2^24",
           [&](ternary_layer_spec& s) { s.block = bad; });
  }
  for (const int64_t good : {int64_t{32}, int64_t{96}, int64_t{1} << 24}) {
    ternary_layer_spec spec = plain_layer(weights_.get(), TERNARY_A8);
    spec.block = good;
    EXPECT_NE(make_layer(spec), nullptr) << ternary_last_error();
  }
}

TEST_F(LayerRules, ABlockIsForA8) {
  refuse("block is 128 and activation is A16; it must be 0 then, as A16 has no scales", [](ternary_layer_spec& s) {
    s.block = 128;
    s.activation = TERNARY_A16;
  });
}

TEST_F(LayerRules, OneOfBlockAndGroupIsAMultipleOfTheOther) {
  const WeightsHandle of_96 = make_weights(TERNARY_ALPHA_GROUP, 96);
  for (const int64_t bad : {64, 128, 160, 320, 4096}) {  // whatever K is
    refuse(
        "block is " + std::to_string(bad) +
            " and the weights' group is 96; one of them must be a multiple of the other",
        [&](ternary_layer_spec& s) { s.block = bad; }, of_96.get());
  }
  for (const int64_t good : {32, 96, 192, 288}) {
    ternary_layer_spec spec = plain_layer(of_96.get(), TERNARY_A8);
    spec.block = good;
    EXPECT_NE(make_layer(spec), nullptr) << ternary_last_error();
  }
}

TEST_F(LayerRules, ARotationIsAPowerOfTwoThatDividesK) {
  for (const int64_t bad :
       {int64_t{-64}, int64_t{1}, int64_t{16}, int64_t{48}, int64_t{96}, int64_t{8192}, INT64_MIN}) {
    refuse("rotation is " + std::to_string(bad) + "; it must be a power of two, 32 to 4096",
           [&](ternary_layer_spec& s) { s.rotation = bad; });
  }
  for (const int64_t bad : {128, 256, 4096}) {
    refuse("rotation is " + std::to_string(bad) + " and K is 192; K must be a multiple of it",
           [&](ternary_layer_spec& s) { s.rotation = bad; });
  }
}

TEST_F(LayerRules, SignsArePlusOrMinusOneAndBelongToARotation) {
  refuse("rotation_signs is given and rotation is 0; it must be null then",
         [&](ternary_layer_spec& s) { s.rotation_signs = signs_.data(); });
  const auto rotate = [&](ternary_layer_spec& s) {
    s.rotation = 64;
    s.rotation_signs = signs_.data();
  };
  for (const size_t at : {size_t{0}, size_t{15}, size_t{16}, size_t{100}, size_t{191}}) {
    for (const auto& [bad, text] : {std::pair(0.5f, "0.5"), std::pair(0.0f, "0"), std::pair(-1.0000001f, "-1.00000012"),
                                    std::pair(2.0f, "2"), std::pair(NAN, "nan"), std::pair(-INFINITY, "-inf")}) {
      signs_[at] = bad;
      refuse("rotation_signs[" + std::to_string(at) + "] is " + text + "; it must be +1 or -1", rotate);
      signs_[at] = 1;
    }
  }
  ternary_layer_spec spec = plain_layer(weights_.get(), TERNARY_A8);
  rotate(spec);
  EXPECT_NE(make_layer(spec), nullptr) << ternary_last_error();
  spec.rotation_signs = misaligned(signs_.data());
  EXPECT_EQ(make_layer(spec), nullptr);
  EXPECT_NE(std::string(ternary_last_error()).find("rotation_signs is at address"), std::string::npos);
}

TEST_F(LayerRules, AnOlderSpecHasNeither) {
  ternary_layer_spec spec = plain_layer(weights_.get(), TERNARY_A8);
  spec.block = 7;
  spec.rotation = 7;
  spec.rotation_signs = misaligned(signs_.data());
  spec.size = offsetof(ternary_layer_spec, block);
  EXPECT_NE(make_layer(spec), nullptr) << ternary_last_error();
}

TEST_F(LayerRules, SignsAreCopiedAndCounted) {
  ternary_layer_spec spec = plain_layer(weights_.get(), TERNARY_A16);
  spec.rotation = 64;
  spec.rotation_signs = signs_.data();
  const LayerHandle layer = make_layer(spec);
  ASSERT_NE(layer, nullptr) << ternary_last_error();
  EXPECT_EQ(ternary_layer_bytes(layer.get()), ternary_weights_bytes(weights_.get()) + kK * 4);
  std::vector<float> x(kK, 0.75f), expected(kN), got(kN);
  x[3] = -2;
  ternary_operands o = product_of(x.data(), TERNARY_F32, kK, expected.data(), TERNARY_F32, kN, 1);
  ASSERT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK) << ternary_last_error();
  signs_.assign(kK, 1);
  o.y = got.data();
  ASSERT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(got, expected);
}

TEST(OperandRules, Int8HasAScaleABlockAndNoRotation) {
  const WeightsHandle weights = make_weights(TERNARY_ALPHA_ROW);
  ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
  spec.block = 64;
  const LayerHandle blocks = make_layer(spec);
  spec.rotation = 64;
  const LayerHandle rotated = make_layer(spec);
  const std::vector<int8_t> x(kM * kK, 1);
  // Three scales a row, and Y behind them.
  std::vector<float> memory(kM * 3 + kM * kN, 0.5f);
  const OutputMatrix y(TERNARY_F32, kM, kN, kN);
  ternary_operands o = product_of(x.data(), TERNARY_I8, kK, y.data(), TERNARY_F32, kN, kM);
  o.x_scale = memory.data();
  expect_refused(ternary_oracle_apply(rotated.get(), &o),
                 "x_dtype is I8; it is allowed only for linear with A8, with x_scale and without rotation and alpha",
                 "rotated");
  EXPECT_EQ(y.anything_written(), "");
  EXPECT_EQ(ternary_oracle_apply(blocks.get(), &o), TERNARY_OK) << ternary_last_error();
  o.y = memory.data() + kM * 3;
  EXPECT_EQ(ternary_oracle_apply(blocks.get(), &o), TERNARY_OK) << ternary_last_error();
  o.y = memory.data() + kM * 3 - 1;
  expect_refused(ternary_oracle_apply(blocks.get(), &o), "overlaps x_scale (36 bytes", "the last scale");
}

TEST(QuantiseRules, OfBlocksAndRotations) {
  const RuntimeHandle runtime = make_runtime();
  const std::vector<float> x(kM * kK, 1);
  std::vector<float> signs = alternating_signs(kK);
  const OutputMatrix q(TERNARY_I8, kM, kK, kK), s(TERNARY_F32, kM, 3, 3);
  const ternary_quantise_operands valid = [&] {
    ternary_quantise_operands o = quantised(x.data(), TERNARY_F32, kK, q.data(), kK, s.data(), kM, kK);
    o.block = 64;
    o.rotation = 32;
    o.rotation_signs = signs.data();
    return o;
  }();
  const auto refuse = [&](const std::string& fragment, const std::function<void(ternary_quantise_operands&)>& rule) {
    ternary_quantise_operands o = valid;
    rule(o);
    expect_refused(ternary_quantise(runtime.get(), &o), fragment, "quantise");
    expect_refused(ternary_oracle_quantise(&o), fragment, "oracle quantise");
    EXPECT_EQ(q.anything_written(), "");
    EXPECT_EQ(s.anything_written(), "");
  };
  using Operands = ternary_quantise_operands;
  refuse("block is 48; it must be 0 or a multiple of 32 up to 2^24", [](Operands& o) { o.block = 48; });
  refuse("rotation is 24; it must be a power of two, 32 to 4096", [](Operands& o) { o.rotation = 24; });
  refuse("rotation is 128 and K is 192; K must be a multiple of it", [](Operands& o) { o.rotation = 128; });
  refuse("rotation_signs is given and rotation is 0; it must be null then", [](Operands& o) { o.rotation = 0; });
  refuse("rotation_signs is at address", [&](Operands& o) { o.rotation_signs = misaligned(signs.data()); });
  refuse("overlaps rotation_signs", [&](Operands& o) { o.s = signs.data() + kK - 1; });
  // The scales of three rows: the last nine floats.
  refuse("overlaps x", [&](Operands& o) { o.s = const_cast<float*>(x.data()) + kM * kK - 1; });
  refuse("q (576 bytes", [&](Operands& o) { o.s = static_cast<float*>(q.data()) + kM * kK / 4 - 1; });
  signs[191] = 0.25f;
  refuse("rotation_signs[191] is 0.25; it must be +1 or -1", [](Operands&) {});
  signs[191] = 1;
  EXPECT_EQ(ternary_quantise(runtime.get(), &valid), TERNARY_OK) << ternary_last_error();
}

}  // namespace
}  // namespace ternary::test
