// Every rule of the products broken in turn: the status, a sentence that names the argument, and nothing written.
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

constexpr int64_t kM = 3, kN = 5, kK = 40, kHuge = int64_t{1} << 62;

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

/** Every argument of a product and of its layer, valid until a rule is broken. */
struct Call : ternary_operands {
  ternary_runtime* runtime = nullptr;
  ternary_layer_spec layer = {};
};

class Arguments : public testing::Test {
 protected:
  Arguments() {
    static_cast<ternary_operands&>(call_) = product_of(x_.data(), TERNARY_F32, kK, y_.data(), TERNARY_F32, kN, kM);
    call_.residual = residual_.data();
    call_.residual_out = residual_out_.data();
    call_.residual_dtype = TERNARY_F32;
    call_.ld_residual = kK;
    call_.runtime = runtime_.get();
    call_.layer = plain_layer(weights_.get(), TERNARY_A8);
    call_.layer.bias = bias_.data();
    call_.layer.norm_weight = norm_.data();
    call_.layer.eps = 1e-5f;
  }

  ternary_status linear(Call c, bool oracle) {
    c.layer.norm_weight = nullptr;
    c.layer.eps = 0;
    c.residual = c.residual_out = nullptr;
    return rmsnorm(c, oracle);
  }

  /** Makes the layer, which has rules of its own, and applies it. */
  ternary_status rmsnorm(const Call& c, bool oracle) {
    ternary_layer* const poison = reinterpret_cast<ternary_layer*>(&call_);
    ternary_layer* made = poison;
    const ternary_status status = ternary_layer_create(&c.layer, &made);
    if (status != TERNARY_OK) {
      EXPECT_EQ(made, poison) << "the handle was written";
      return status;
    }
    const LayerHandle layer(made);
    return oracle ? ternary_oracle_apply(layer.get(), &c) : ternary_apply(c.runtime, layer.get(), &c);
  }

  using Break = std::function<void(Call&)>;

  /** Breaks a rule that linear and rmsnorm_linear share; the oracle has it as well. */
  void both(const char* fragment, const Break& rule) {
    linear_only(fragment, rule);
    norm_only(fragment, rule);
  }
  void linear_only(const char* fragment, const Break& rule) {
    Call c = call_;
    rule(c);
    for (bool oracle : {false, true}) {
      if (oracle && c.runtime == nullptr) continue;
      expect_refused(linear(c, oracle), fragment, "linear");
      expect_untouched();
    }
  }
  void norm_only(const char* fragment, const Break& rule) {
    Call c = call_;
    rule(c);
    for (bool oracle : {false, true}) {
      if (oracle && c.runtime == nullptr) continue;
      expect_refused(rmsnorm(c, oracle), fragment, "rmsnorm_linear");
      expect_untouched();
    }
  }

  void expect_untouched() {
    EXPECT_EQ(y_.anything_written(), "");
    EXPECT_EQ(residual_out_.anything_written(), "");
  }

  RuntimeHandle runtime_ = make_runtime();
  WeightsHandle weights_ = make_weights(TERNARY_ALPHA_ROW), column_ = make_weights(TERNARY_ALPHA_COLUMN);
  /** `count` ones, with room behind, so that an output laid over their end overlaps nothing else. */
  static std::vector<float> ones(int64_t count) { return std::vector<float>(count + kM * kK, 1); }
  std::vector<float> x_ = ones(kM * kK), bias_ = ones(kN), norm_ = ones(kK), residual_ = ones(kM * kK),
                     scale_ = ones(kM);
  OutputMatrix y_{TERNARY_F32, kM, kN, kN}, residual_out_{TERNARY_F32, kM, kK, kK};
  Call call_;
};

TEST_F(Arguments, TheValidCallIsValid) {
  for (bool oracle : {false, true}) {
    EXPECT_EQ(linear(call_, oracle), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(rmsnorm(call_, oracle), TERNARY_OK) << ternary_last_error();
  }
}

TEST_F(Arguments, Nulls) {
  both("weights is null", [](Call& c) { c.layer.weights = nullptr; });
  both("x ", [](Call& c) { c.x = nullptr; });
  both("y ", [](Call& c) { c.y = nullptr; });
  norm_only("norm_weight", [](Call& c) { c.layer.norm_weight = nullptr; });
  norm_only("residual_out", [](Call& c) { c.residual_out = nullptr; });
  norm_only("residual_out", [](Call& c) { c.residual = nullptr; });
  both("runtime", [](Call& c) { c.runtime = nullptr; });
  const LayerHandle layer = make_layer(call_.layer);
  expect_refused(ternary_layer_create(nullptr, nullptr), "layer is null", "layer_create");
  ternary_layer* made = nullptr;
  expect_refused(ternary_layer_create(nullptr, &made), "spec is null", "layer_create");
  expect_refused(ternary_apply(runtime_.get(), nullptr, &call_), "layer is null", "apply");
  expect_refused(ternary_apply(runtime_.get(), layer.get(), nullptr), "operands is null", "apply");
  expect_refused(ternary_oracle_apply(nullptr, &call_), "layer is null", "oracle_apply");
  expect_refused(ternary_oracle_apply(layer.get(), nullptr), "operands is null", "oracle_apply");
  expect_refused(ternary_quantise(runtime_.get(), nullptr), "operands is null", "quantise");
  expect_refused(ternary_oracle_quantise(nullptr), "operands is null", "oracle_quantise");
  expect_refused(ternary_prepare(nullptr, layer.get()), "runtime is null", "prepare");
  expect_refused(ternary_prepare(runtime_.get(), nullptr), "layer is null", "prepare");
  expect_untouched();
  EXPECT_EQ(made, nullptr);
}

TEST_F(Arguments, Sizes) {
  for (int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1} << 31, INT64_MIN, INT64_MAX}) {
    both(("M is " + std::to_string(bad)).c_str(), [&](Call& c) { c.M = bad; });
  }
  for (int64_t bad : {int64_t{0}, int64_t{-1}, kK - 1, INT64_MIN}) {
    both(("ldx is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ldx = bad; });
    norm_only(("ld_residual is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ld_residual = bad; });
  }
  for (int64_t bad : {int64_t{0}, int64_t{-5}, kN - 1}) {
    both(("ldy is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ldy = bad; });
  }
  for (int64_t bad : {int64_t{-1}, int64_t{1} << 31, INT64_MIN, INT64_MAX}) {
    both(("expected_rows is " + std::to_string(bad) + "; it must be 0 to 2147483647").c_str(),
         [&](Call& c) { c.layer.expected_rows = bad; });
  }
  for (int64_t bad : {kHuge, INT64_MAX}) {  // rows * stride * element overflows
    both("ldx", [&](Call& c) { c.ldx = bad; });
    both("ldy", [&](Call& c) { c.ldy = bad; });
    norm_only("ld_residual", [&](Call& c) { c.ld_residual = bad; });
  }
}

TEST_F(Arguments, Types) {
  for (int bad : {-1, 5, 1000}) both("x_dtype", [&](Call& c) { c.x_dtype = static_cast<ternary_dtype>(bad); });
  for (int bad : {-1, 3, 4, 5}) {
    both("y_dtype", [&](Call& c) { c.y_dtype = static_cast<ternary_dtype>(bad); });
    norm_only("residual_dtype", [&](Call& c) { c.residual_dtype = static_cast<ternary_dtype>(bad); });
  }
  for (int bad : {-1, 2})
    both("activation", [&](Call& c) { c.layer.activation = static_cast<ternary_activation>(bad); });
  both("x_scale", [&](Call& c) { c.x_scale = scale_.data(); });  // not for F32
  linear_only("x_scale", [](Call& c) { c.x_dtype = TERNARY_I8; });
  const auto int8 = [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = scale_.data();
  };
  norm_only("I8", int8);
  linear_only("I8", [&](Call& c) {
    int8(c);
    c.layer.activation = TERNARY_A16;
  });
  linear_only("I8", [&](Call& c) {
    int8(c);
    c.layer.weights = column_.get();
  });
}

TEST_F(Arguments, Eps) {
  for (float bad : {0.0f, -1e-5f, NAN, INFINITY, -INFINITY}) norm_only("eps", [&](Call& c) { c.layer.eps = bad; });
  const auto without_norm = [](float eps) {
    return [eps](Call& c) {
      c.layer.norm_weight = nullptr;
      c.layer.eps = eps;
    };
  };
  norm_only("eps is 1e-05 and norm_weight is null; it must be 0 then", without_norm(1e-5f));
  for (float bad : {-1e-5f, NAN, INFINITY}) norm_only("norm_weight is null; it must be 0 then", without_norm(bad));
  norm_only("residual is given; it belongs to layers with norm_weight", without_norm(0));
}

TEST_F(Arguments, Alignment) {
  both("x ", [&](Call& c) { c.x = misaligned(x_.data()); });
  both("y ", [&](Call& c) { c.y = const_cast<float*>(misaligned(static_cast<const float*>(y_.data()))); });
  both("bias", [&](Call& c) { c.layer.bias = misaligned(bias_.data()); });
  norm_only("norm_weight", [&](Call& c) { c.layer.norm_weight = misaligned(norm_.data()); });
  norm_only("residual", [&](Call& c) { c.residual = misaligned(residual_.data()); });
  norm_only("residual_out", [&](Call& c) {
    c.residual_out = const_cast<float*>(misaligned(static_cast<const float*>(residual_out_.data())));
  });
  linear_only("x_scale", [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = misaligned(scale_.data());
  });
}

TEST_F(Arguments, Overlap) {
  // y inside each input, at its first and at its last element.
  const auto cast = [](const std::vector<float>& v, size_t i) { return const_cast<float*>(v.data()) + i; };
  both("overlaps x", [&](Call& c) { c.y = cast(x_, 0); });
  both("overlaps x", [&](Call& c) { c.y = cast(x_, kM * kK - 1); });
  norm_only("overlaps residual", [&](Call& c) { c.y = cast(residual_, kM * kK - 1); });
  norm_only("overlaps residual_out", [&](Call& c) { c.y = static_cast<float*>(residual_out_.data()) + kM * kK - 1; });
  norm_only("overlaps residual", [&](Call& c) { c.residual_out = cast(residual_, 1); });
  norm_only("overlaps x", [&](Call& c) { c.residual_out = cast(x_, 0); });
  linear_only("overlaps x_scale", [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = scale_.data();
    c.y = cast(scale_, kM - 1);
  });
  for (const std::vector<float>* input : {&x_, &bias_, &norm_, &residual_, &scale_}) {
    for (float value : *input) ASSERT_EQ(value, 1.0f);
  }
  // Side by side is no overlap, and residual_out may be residual.
  std::vector<float> both_buffers(kM * kK + kM * kN);
  Call c = call_;
  c.x = both_buffers.data();
  c.y = both_buffers.data() + kM * kK;
  EXPECT_EQ(linear(c, false), TERNARY_OK) << ternary_last_error();
  c.residual_out = residual_.data();
  EXPECT_EQ(rmsnorm(c, false), TERNARY_OK) << ternary_last_error();
  // What a layer has copied cannot overlap.
  c.y = cast(bias_, kN - 1);
  EXPECT_EQ(linear(c, false), TERNARY_OK) << ternary_last_error();
  c.y = cast(norm_, kK - 1);
  EXPECT_EQ(rmsnorm(c, false), TERNARY_OK) << ternary_last_error();
}

TEST_F(Arguments, Quantise) {
  OutputMatrix q(TERNARY_I8, kM, kK, kK), s(TERNARY_F32, kM, 1, 1);
  struct Arg : ternary_quantise_operands {
    ternary_runtime* runtime;
  };
  Arg valid = {quantised(x_.data(), TERNARY_F32, kK, q.data(), kK, s.data(), kM, kK), runtime_.get()};
  valid.alpha_column = norm_.data();
  const auto refuse = [&](const char* fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid;
    rule(a);
    expect_refused(ternary_quantise(a.runtime, &a), fragment, "quantise");
    if (a.runtime != nullptr) expect_refused(ternary_oracle_quantise(&a), fragment, "oracle quantise");
    EXPECT_EQ(q.anything_written(), "");
    EXPECT_EQ(s.anything_written(), "");
  };
  refuse("runtime", [](Arg& a) { a.runtime = nullptr; });
  refuse("x ", [](Arg& a) { a.x = nullptr; });
  refuse("q ", [](Arg& a) { a.q = nullptr; });
  refuse("s ", [](Arg& a) { a.s = nullptr; });
  refuse("x_dtype", [](Arg& a) { a.x_dtype = TERNARY_I8; });
  refuse("x_dtype", [](Arg& a) { a.x_dtype = static_cast<ternary_dtype>(9); });
  refuse("x_scale", [&](Arg& a) { a.x_scale = scale_.data(); });
  refuse("ldx is 39", [](Arg& a) { a.ldx = kK - 1; });
  refuse("ldq is 39", [](Arg& a) { a.ldq = kK - 1; });
  refuse("ldq", [](Arg& a) { a.ldq = INT64_MAX; });
  refuse("ldx", [](Arg& a) { a.ldx = kHuge; });
  for (int64_t bad : {int64_t{0}, int64_t{-7}, int64_t{1} << 31}) refuse("M is ", [&](Arg& a) { a.M = bad; });
  for (int64_t bad : {int64_t{0}, int64_t{-7}, int64_t{1} << 24}) refuse("K is ", [&](Arg& a) { a.K = bad; });
  refuse("alpha_column", [&](Arg& a) { a.alpha_column = misaligned(norm_.data()); });
  refuse("s ", [&](Arg& a) { a.s = const_cast<float*>(misaligned(static_cast<const float*>(s.data()))); });
  refuse("overlaps x", [&](Arg& a) { a.q = reinterpret_cast<int8_t*>(x_.data()); });
  refuse("overlaps x", [&](Arg& a) { a.s = x_.data() + 5; });
  refuse("overlaps", [&](Arg& a) { a.s = reinterpret_cast<float*>(a.q); });
  refuse("overlaps alpha_column", [&](Arg& a) { a.s = norm_.data() + kK - 1; });
}

}  // namespace
}  // namespace ternary::test
