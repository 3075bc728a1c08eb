// The oracle's layers of experts, the contract written a second time: by linear layers of one expert each.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "abi/dtype.h"
#include "abi/elementary.h"
#include "oracle/expert_matrices.h"

namespace ternary::test {
namespace {

using Floats = std::vector<float>;
constexpr ternary_dtype kTypes[] = {TERNARY_F32, TERNARY_F16, TERNARY_BF16};

ternary_dtype random_type(Random& random) { return kTypes[random.integer(0, 2)]; }

testing::AssertionResult same(float a, float b) {
  if (float_bits(a) == float_bits(b) || (std::isnan(a) && std::isnan(b))) return testing::AssertionSuccess();
  return testing::AssertionFailure() << a << " is not " << b;
}

/** Values of a type, in as many bytes as fp32 takes. */
struct Values {
  Values(Random& random, ternary_dtype type, int64_t count) : dtype(type), data(count) {
    for (int64_t i = 0; i < count; ++i) store_float(data.data(), dtype, i, random.bell());
  }
  float at(int64_t i) const { return load_float(data.data(), dtype, i); }

  ternary_dtype dtype;
  Floats data;
};

Floats random_signs(Random& random, int64_t count) {
  Floats signs(count);
  for (float& sign : signs) sign = random.chance(2) ? 1.0f : -1.0f;
  return signs;
}

/** A random layer with operands of it. */
class Problem {
 public:
  explicit Problem(Random& random)
      : E(random.integer(1, 5)),
        T(random.integer(1, 4)),
        M(random.integer(1, 3)),
        rotated_(random.chance(2)),
        H(rotated_ ? 32 * random.integer(1, 4) : random.integer(1, 150)),
        I(rotated_ ? 64 * random.integer(1, 2) : random.integer(1, 90)),
        w13_(matrices(random, 2 * I, H, random.chance(2) ? 2 : 1)),
        w2_(matrices(random, H, I, 1)),
        x_(random, random_type(random), M * (H + 1)),
        weights_(random, random.chance(2) ? TERNARY_F32 : TERNARY_BF16, M * (T + 2)),
        residual_(random, random_type(random), M * (H + 3)),
        signs13_(random_signs(random, H)),
        signs2_(random_signs(random, I)) {
    choose_spec(random);
    choose_operands(random);
  }

  void check() {
    const WeightsHandle w13 = w13_.all(layout_), w2 = w2_.all(layout_);
    spec_.w13 = w13.get();
    spec_.w2 = w2.get();
    ternary_moe* made = nullptr;
    ASSERT_EQ(ternary_moe_create(&spec_, &made), TERNARY_OK) << ternary_last_error();
    const MoeHandle moe(made);
    ASSERT_EQ(ternary_oracle_apply_moe(made, &o_), TERNARY_OK) << ternary_last_error();
    for (int64_t m = 0; m < M; ++m) check_row(m);
  }

 private:
  ExpertMatrices matrices(Random& random, int64_t rows, int64_t columns, int parts) const {
    const auto kind = static_cast<ternary_alpha_kind>(random.integer(0, 3));
    return ExpertMatrices(random, E, rows, columns, kind, kind == TERNARY_ALPHA_GROUP ? 32 * random.integer(1, 2) : 0,
                          kind == TERNARY_ALPHA_COLUMN ? parts : 1);
  }

  void choose_spec(Random& random) {
    layout_ = kLayouts[random.integer(0, 3)];
    spec_.size = sizeof spec_;
    spec_.gate_order = random.pick({TERNARY_GATE_UP, TERNARY_UP_GATE, TERNARY_INTERLEAVED});
    spec_.gate_function = random.pick({TERNARY_SILU, TERNARY_SILU_CLAMP, TERNARY_RELU2, TERNARY_GELU});
    spec_.clamp = spec_.gate_function == TERNARY_SILU_CLAMP ? 2.5f : 0;
    spec_.round_gate_up = random_type(random);
    spec_.round_activation = random_type(random);
    spec_.round_product = random_type(random);
    spec_.round_expert = random_type(random);
    const int64_t weight_on = random.integer(0, 2);
    spec_.weight_on_input = weight_on == 1;
    spec_.weight_before_rounding = weight_on == 2;
    spec_.skip_combine = random.chance(4);
    spec_.scaling = spec_.skip_combine ? 1 : random.pick({1.0f, 2.5f});
    spec_.activation = random.chance(3) ? TERNARY_A16 : TERNARY_A8;
    spec_.block = spec_.activation == TERNARY_A8 && random.chance(2) ? 64 : 0;
    if (rotated_) {
      spec_.rotation13 = 32;
      spec_.rotation2 = 64;
      spec_.signs13 = random.chance(2) ? signs13_.data() : nullptr;
      spec_.signs2 = random.chance(2) ? signs2_.data() : nullptr;
    }
  }

  void choose_operands(Random& random) {
    o_.size = sizeof o_;
    o_.M = M;
    o_.T = T;
    o_.x = x_.data.data();
    o_.x_dtype = x_.dtype;
    o_.ldx = H + 1;
    ids_.resize(M * (T + 1));
    for (int32_t& id : ids_) id = static_cast<int32_t>(random.integer(-1, E - 1));
    o_.expert_ids = ids_.data();
    o_.ld_ids = T + 1;
    o_.expert_weights = weights_.data.data();
    o_.expert_weights_dtype = weights_.dtype;
    o_.ld_weights = T + 2;
    o_.y_dtype = random_type(random);
    o_.ldy = T * H + 5;
    y_.assign(M * o_.ldy, 99.0f);
    o_.y = y_.data();
    if (spec_.skip_combine || random.chance(2)) return;
    o_.residual = residual_.data.data();
    residual_out_.assign(M * (H + 3), 99.0f);
    o_.residual_out = residual_out_.data();
    o_.residual_dtype = residual_.dtype;
    o_.ld_residual = H + 3;
  }

  ternary_layer_spec layer(int64_t rotation, const float* signs) const {
    ternary_layer_spec spec = plain_layer(nullptr, spec_.activation);
    spec.block = spec_.block;
    spec.rotation = rotation;
    spec.rotation_signs = signs;
    return spec;
  }

  float function(float g) const {
    using namespace elementary;
    switch (spec_.gate_function) {
      case TERNARY_RELU2: return g < 0 ? 0 : g * g;
      case TERNARY_GELU: return gelu<Scalar>(g);
      default: return g / (1 + elementary::exp<Scalar>(-g));
    }
  }

  /** d of a slot, before its weight. */
  Floats expert(int64_t e, const Floats& x) const {
    const ternary_layer_spec first = layer(spec_.rotation13, spec_.signs13);
    const Floats of_gate = product_of_row(w13_.one(e, 0, first).get(), x, 2 * I);
    const Floats of_up = product_of_row(w13_.one(e, w13_.parts - 1, first).get(), x, 2 * I);
    Floats h;
    for (int64_t i = 0; i < I; ++i) {
      const bool interleaved = spec_.gate_order == TERNARY_INTERLEAVED, up_first = spec_.gate_order == TERNARY_UP_GATE;
      float g = round_float(of_gate[interleaved ? 2 * i : up_first ? I + i : i], spec_.round_gate_up);
      float u = round_float(of_up[interleaved ? 2 * i + 1 : up_first ? i : I + i], spec_.round_gate_up);
      if (spec_.clamp > 0) {
        if (g > spec_.clamp) g = spec_.clamp;
        if (std::fabs(u) > spec_.clamp) u = std::copysign(spec_.clamp, u);
      }
      h.push_back(round_float(round_float(function(g), spec_.round_activation) * u, spec_.round_product));
    }
    return product_of_row(w2_.one(e, 0, layer(spec_.rotation2, spec_.signs2)).get(), h, H);
  }

  void check_row(int64_t m) {
    Floats p(H, 0.0f);
    for (int64_t t = 0; t < T; ++t) {
      const int32_t e = ids_[m * (T + 1) + t];
      const float w = weights_.at(m * (T + 2) + t);
      Floats x, d(H, 0.0f);
      for (int64_t k = 0; k < H; ++k) x.push_back(x_.at(m * (H + 1) + k) * (spec_.weight_on_input ? w : 1));
      if (e >= 0) d = expert(e, x);
      for (int64_t k = 0; k < H; ++k) {
        if (spec_.weight_before_rounding) d[k] = w * d[k];
        d[k] = round_float(d[k], spec_.round_expert);
        if (spec_.skip_combine) {
          ASSERT_TRUE(same(y(m, t * H + k), round_float(e < 0 ? 0 : d[k], o_.y_dtype)))
              << "row " << m << ", slot " << t;
        } else if (e >= 0) {
          p[k] = p[k] + (spec_.weight_on_input || spec_.weight_before_rounding ? d[k] : w * d[k]);
        }
      }
    }
    if (!spec_.skip_combine) check_sums(m, p);
  }

  void check_sums(int64_t m, const Floats& p) {
    for (int64_t k = 0; k < H; ++k) {
      const float expected = round_float(p[k] * spec_.scaling, o_.y_dtype);
      ASSERT_TRUE(same(y(m, k), expected)) << "row " << m << ", column " << k;
      if (o_.residual == nullptr) continue;
      const int64_t place = m * (H + 3) + k;
      ASSERT_TRUE(same(load_float(o_.residual_out, residual_.dtype, place),
                       round_float(residual_.at(place) + expected, residual_.dtype)));
    }
  }

  float y(int64_t m, int64_t column) const { return load_float(o_.y, o_.y_dtype, m * o_.ldy + column); }

  const int64_t E, T, M;
  const bool rotated_;
  const int64_t H, I;
  const ExpertMatrices w13_, w2_;
  const Values x_, weights_, residual_;
  const Floats signs13_, signs2_;
  std::vector<int32_t> ids_;
  Floats y_, residual_out_;
  ternary_layout layout_ = TERNARY_LAYOUT_I2S;
  ternary_moe_spec spec_ = {};
  ternary_moe_operands o_ = {};
};

TEST(OracleMoe, WrittenASecondTime) {
  Random random(18);
  for (int number = 0; number < 300; ++number) {
    Problem problem(random);
    problem.check();
    ASSERT_FALSE(HasFailure()) << "problem " << number;
  }
}

TEST(OracleMoe, XInFp8HasItsScale) {
  constexpr int64_t kH = 32, kI = 8;
  Random random(19);
  const ExpertMatrices first(random, 2, 2 * kI, kH, TERNARY_ALPHA_TENSOR, 0, 1),
      second(random, 2, kH, kI, TERNARY_ALPHA_TENSOR, 0, 1);
  const WeightsHandle w13 = first.all(TERNARY_LAYOUT_I2S_TILED), w2 = second.all(TERNARY_LAYOUT_I2S_TILED);
  ternary_moe_spec spec = {};
  spec.size = sizeof spec;
  spec.w13 = w13.get();
  spec.w2 = w2.get();
  spec.scaling = 1;
  ternary_moe* made = nullptr;
  ASSERT_EQ(ternary_moe_create(&spec, &made), TERNARY_OK) << ternary_last_error();
  const MoeHandle moe(made);

  std::vector<uint8_t> x(2 * kH);
  for (uint8_t& value : x) value = static_cast<uint8_t>(random.integer(0, 0x7e));
  const Floats scale = {0.75f, 3};
  Floats decoded, y(2 * kH), expected(2 * kH);
  for (size_t i = 0; i < x.size(); ++i) decoded.push_back(f8_e4m3_to_float(x[i]) * scale[i / kH]);
  const std::vector<int32_t> ids = {1, 0};
  const Floats weights = {0.5f, 0.25f};
  ternary_moe_operands o = {};
  o.size = sizeof o;
  o.M = 2;
  o.T = o.ld_ids = o.ld_weights = 1;
  o.ldx = o.ldy = kH;
  o.expert_ids = ids.data();
  o.expert_weights = weights.data();
  o.x = decoded.data();
  o.y = expected.data();
  ASSERT_EQ(ternary_oracle_apply_moe(made, &o), TERNARY_OK) << ternary_last_error();
  o.x = x.data();
  o.x_dtype = TERNARY_F8_E4M3;
  o.x_scale = scale.data();
  o.y = y.data();
  ASSERT_EQ(ternary_oracle_apply_moe(made, &o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(y, expected);
}

}  // namespace
}  // namespace ternary::test
