#include "experts/moe_problem.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <sstream>

#include "abi/dtype.h"

namespace ternary::test {
namespace {

int64_t alpha_values(ternary_alpha_kind kind, int64_t N, int64_t K, int64_t group, bool own_columns) {
  switch (kind) {
    case TERNARY_ALPHA_TENSOR: return 1;
    case TERNARY_ALPHA_ROW: return N;
    case TERNARY_ALPHA_COLUMN: return own_columns ? 2 * K : K;
    default: return N * ((K + group - 1) / group);
  }
}

std::vector<float> random_signs(Random& random, int64_t count) {
  std::vector<float> signs(count);
  for (float& sign : signs) sign = random.chance(2) ? 1.0f : -1.0f;
  return signs;
}

ternary_dtype any_float(Random& random) { return random.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16}); }

/** Group and block, of which one is a multiple of the other. */
void set_scales(Random& random, MoeProblemSpec& s) {
  if (s.spec.activation == TERNARY_A8 && random.chance(2)) s.spec.block = random.pick<int64_t>({32, 64, 128, 256});
  const auto group = [&] {
    return s.spec.block > 0 ? s.spec.block * random.pick<int64_t>({1, 2}) : random.pick<int64_t>({32, 64, 96});
  };
  if (s.kind13 == TERNARY_ALPHA_GROUP) s.group13 = group();
  if (s.kind2 == TERNARY_ALPHA_GROUP) s.group2 = group();
}

void set_rotations(Random& random, MoeProblemSpec& s) {
  if (random.chance(3)) {
    s.spec.rotation13 = random.pick<int64_t>({32, 64});
    s.H = s.spec.rotation13 * random.integer(1, 3);
    s.signs13 = random.chance(2);
  }
  if (random.chance(3)) {
    s.spec.rotation2 = random.pick<int64_t>({32, 64});
    s.I = s.spec.rotation2 * random.integer(1, 3);
    s.signs2 = random.chance(2);
  }
}

void set_weights_use(Random& random, MoeProblemSpec& s) {
  const int64_t use = random.integer(0, 3);
  s.spec.weight_on_input = use == 1;
  s.spec.weight_before_rounding = use == 2;
  s.spec.skip_combine = random.chance(5);
  s.spec.scaling = s.spec.skip_combine || random.chance(2) ? 1.0f : 2.5f;
  s.residual = !s.spec.skip_combine && random.chance(2);
  s.in_place = s.residual && random.chance(2);
}

}  // namespace

std::string MoeProblemSpec::text() const {
  std::ostringstream text;
  text << "M " << M << ", T " << T << ", E " << E << ", H " << H << ", I " << I << ", layout " << layout << ", alphas "
       << kind13 << '/' << group13 << (own_columns ? " own" : "") << ' ' << kind2 << '/' << group2 << ", activation "
       << spec.activation << ':' << spec.block << ", rotations " << spec.rotation13 << ' ' << spec.rotation2
       << ", order " << spec.gate_order << ", function " << spec.gate_function << ", roundings " << spec.round_gate_up
       << ' ' << spec.round_activation << ' ' << spec.round_product << ' ' << spec.round_expert << ", weight on input "
       << spec.weight_on_input << ", before rounding " << spec.weight_before_rounding << ", skip combine "
       << spec.skip_combine << ", types " << x_dtype << ' ' << y_dtype << ' ' << weights_dtype << ", residual "
       << residual << ", routing " << static_cast<int>(routing) << ", seed " << seed;
  return text.str();
}

MoeProblemSpec random_moe_spec(uint64_t seed) {
  Random random(seed);
  MoeProblemSpec s;
  s.seed = seed;
  s.M = random.pick<int64_t>({1, 1, 2, 3, 5, 9, 17, 40});
  s.T = random.integer(1, 9);
  s.E = random.pick<int64_t>({1, 2, 5, 16, 33});
  s.H = random.integer(1, 200);
  s.I = random.integer(1, 130);
  s.layout = random.pick({TERNARY_LAYOUT_I2S, TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_I2S_TILED,
                          TERNARY_LAYOUT_T5_TILED, TERNARY_LAYOUT_T3_TILED});
  const auto kind = [&] {
    return random.pick({TERNARY_ALPHA_TENSOR, TERNARY_ALPHA_ROW, TERNARY_ALPHA_COLUMN, TERNARY_ALPHA_GROUP});
  };
  s.kind13 = kind();
  s.kind2 = kind();
  s.own_columns = s.kind13 == TERNARY_ALPHA_COLUMN && random.chance(2);
  s.spec.activation = random.chance(4) ? TERNARY_A16 : TERNARY_A8;
  set_scales(random, s);
  set_rotations(random, s);
  s.spec.gate_order = random.pick({TERNARY_GATE_UP, TERNARY_UP_GATE, TERNARY_INTERLEAVED});
  s.spec.gate_function = random.pick({TERNARY_SILU, TERNARY_SILU_CLAMP, TERNARY_RELU2, TERNARY_GELU});
  if (s.spec.gate_function == TERNARY_SILU_CLAMP) s.spec.clamp = 0.5f;
  s.spec.round_gate_up = any_float(random);
  s.spec.round_activation = any_float(random);
  s.spec.round_product = any_float(random);
  s.spec.round_expert = any_float(random);
  set_weights_use(random, s);
  s.x_dtype = random.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16, TERNARY_F8_E4M3});
  s.x_scale = s.x_dtype == TERNARY_F8_E4M3 && random.chance(2);
  s.y_dtype = any_float(random);
  s.residual_dtype = any_float(random);
  s.weights_dtype = random.pick({TERNARY_F32, TERNARY_BF16});
  s.routing = random.pick({Routing::random, Routing::random, Routing::one, Routing::each_apart});
  s.odd_values = random.chance(4);
  return s;
}

MoeProblemSpec exact_moe_spec(uint64_t seed, ternary_activation activation) {
  MoeProblemSpec s = random_moe_spec(seed);
  s.exact_values = true;
  s.spec.activation = activation;
  if (activation == TERNARY_A16) s.spec.block = 0;
  s.spec.gate_function = TERNARY_RELU2;
  s.spec.clamp = 0;
  // Sums have 24 bits: of two rotations, whose factors are 1/8, one is enough, and then alphas are 1.
  if (s.spec.rotation13 != 0 && s.spec.rotation2 != 0) (seed % 2 == 0 ? s.spec.rotation13 : s.spec.rotation2) = 0;
  for (int64_t* rotation : {&s.spec.rotation13, &s.spec.rotation2}) {
    if (*rotation != 0) *rotation = 64;
  }
  s.signs13 = s.signs13 && s.spec.rotation13 != 0;
  s.signs2 = s.signs2 && s.spec.rotation2 != 0;
  s.H = s.spec.rotation13 == 0 ? 1 + s.H % 64 : 64;
  s.I = s.spec.rotation2 == 0 ? 1 + s.I % 64 : 64;
  return s;
}

MoeProblemSpec plain_moe_spec(int64_t M, int64_t T, int64_t E, int64_t H, int64_t I) {
  MoeProblemSpec spec;
  spec.M = M;
  spec.T = T;
  spec.E = E;
  spec.H = H;
  spec.I = I;
  spec.kind13 = spec.kind2 = TERNARY_ALPHA_ROW;
  spec.spec.scaling = 1;
  return spec;
}

OutputMatrix MoeProblem::values(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns) const {
  const int64_t ld = columns + random.integer(0, 3);
  if (!spec_.exact_values) return bell_matrix(random, dtype, rows, columns, ld);
  OutputMatrix matrix(dtype, rows, columns, ld);
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < columns; ++n) {
      if (dtype == TERNARY_F8_E4M3) {
        static_cast<uint8_t*>(matrix.row(m))[n] = random.pick<uint8_t>({0, 0x38, 0xb8});  // 0, 1, -1
      } else {
        store_float(matrix.row(m), dtype, n, random.pick({-1.0f, 0.0f, 1.0f, 1.0f}));
      }
    }
  }
  return matrix;
}

OutputMatrix bell_matrix(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld) {
  OutputMatrix matrix(dtype, rows, columns, ld);
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < columns; ++n) {
      if (dtype == TERNARY_F8_E4M3) {
        static_cast<uint8_t*>(matrix.row(m))[n] =
            static_cast<uint8_t>(random.integer(0, 0x60) | random.integer(0, 1) << 7);
      } else {
        store_float(matrix.row(m), dtype, n, random.chance(20) ? 8 * random.bell() : random.bell());
      }
    }
  }
  return matrix;
}

MoeProblem::MoeProblem(const MoeProblemSpec& spec) : spec_(spec) {
  Random random(spec.seed ^ 0x30e);
  const WeightsHandle w13 = make_weights(random, 2 * spec.I, spec.H, spec.kind13, spec.group13, spec.own_columns);
  const WeightsHandle w2 = make_weights(random, spec.H, spec.I, spec.kind2, spec.group2, false);
  ternary_moe_spec& s = spec_.spec;
  s.size = sizeof s;
  s.w13 = w13.get();
  s.w2 = w2.get();
  if (spec.signs13) signs13_ = random_signs(random, spec.H);
  if (spec.signs2) signs2_ = random_signs(random, spec.I);
  s.signs13 = spec.signs13 ? signs13_.data() : nullptr;
  s.signs2 = spec.signs2 ? signs2_.data() : nullptr;
  ternary_moe* made = nullptr;
  EXPECT_EQ(ternary_moe_create(&s, &made), TERNARY_OK) << ternary_last_error() << " in " << spec.text();
  moe_.reset(made);
  x_ = values(random, spec.x_dtype, spec.M, spec.H);
  if (spec.odd_values && spec.x_dtype != TERNARY_F8_E4M3) {
    store_float(x_.row(spec.M / 2), spec.x_dtype, spec.H / 2, std::nanf(""));
    store_float(x_.row(0), spec.x_dtype, 0, INFINITY);
  }
  weights_ = values(random, spec.weights_dtype, spec.M, spec.T);
  for (int64_t m = 0; m < spec.M && spec.x_scale; ++m) {
    x_scale_.push_back(spec.exact_values ? random.pick({0.5f, 1.0f}) : random.positive());
  }
  choose_experts(random);
  if (spec.residual) residual_ = values(random, spec.residual_dtype, spec.M, spec.H);
}

WeightsHandle MoeProblem::make_weights(Random& random, int64_t N, int64_t K, ternary_alpha_kind kind, int64_t group,
                                       bool own_columns) const {
  const int64_t bytes = N * ((K + 3) / 4);
  std::vector<uint8_t> all(spec_.E * bytes);
  for (uint8_t& byte : all) {
    byte = 0;
    for (int i = 0; i < 4; ++i) byte = static_cast<uint8_t>(byte | random.integer(0, 2) << (2 * i));
  }
  std::vector<const uint8_t*> codes;
  for (int64_t e = 0; e < spec_.E; ++e) codes.push_back(all.data() + e * bytes);
  std::vector<float> alpha(spec_.E * alpha_values(kind, N, K, group, own_columns));
  const bool ones = spec_.spec.rotation13 != 0 || spec_.spec.rotation2 != 0;
  for (float& value : alpha) {
    value = !spec_.exact_values ? 0.1f * random.positive() : ones ? 1.0f : random.pick({0.5f, 1.0f});
  }
  ternary_weights* made = nullptr;
  EXPECT_EQ(ternary_weights_create_experts(codes.data(), TERNARY_LAYOUT_I2S, spec_.E, N, K, spec_.layout, kind,
                                           alpha.data(), static_cast<int64_t>(alpha.size()), group, &made),
            TERNARY_OK)
      << ternary_last_error() << " in " << spec_.text();
  return WeightsHandle(made);
}

void MoeProblem::choose_experts(Random& random) {
  const int64_t only = random.integer(0, spec_.E - 1);
  for (int64_t slot = 0; slot < spec_.M * spec_.T; ++slot) {
    switch (spec_.routing) {
      case Routing::random: ids.push_back(static_cast<int32_t>(random.integer(-1, spec_.E - 1))); break;
      case Routing::one: ids.push_back(static_cast<int32_t>(only)); break;
      case Routing::each_apart: ids.push_back(static_cast<int32_t>(slot % spec_.E)); break;
    }
  }
}

MoeOutput MoeProblem::output() const {
  MoeOutput output;
  output.y = OutputMatrix(spec_.y_dtype, spec_.M, y_columns(), y_columns() + 2);
  if (spec_.residual) {
    output.residual_out =
        spec_.in_place ? residual_.copy() : OutputMatrix(spec_.residual_dtype, spec_.M, spec_.H, residual_.ld());
  }
  return output;
}

ternary_moe_operands MoeProblem::operands(const MoeOutput& to, int64_t m, int64_t rows) const {
  ternary_moe_operands o = {};
  o.size = sizeof o;
  o.M = rows;
  o.T = spec_.T;
  o.x = x_.row(m);
  o.ldx = x_.ld();
  o.x_dtype = spec_.x_dtype;
  o.x_scale = x_scale_.empty() ? nullptr : x_scale_.data() + m;
  o.expert_ids = ids.data() + m * spec_.T;
  o.ld_ids = spec_.T;
  o.expert_weights = weights_.row(m);
  o.ld_weights = weights_.ld();
  o.expert_weights_dtype = spec_.weights_dtype;
  o.y = to.y.data();
  o.ldy = to.y.ld();
  o.y_dtype = spec_.y_dtype;
  if (spec_.residual) {
    // In place, row m of the residual is where `to` has it.
    o.residual = spec_.in_place ? to.residual_out.row(m) : residual_.row(m);
    o.residual_out = spec_.in_place ? to.residual_out.row(m) : to.residual_out.data();
    o.residual_dtype = spec_.residual_dtype;
    o.ld_residual = residual_.ld();
  }
  return o;
}

MoeOutput MoeProblem::expected() const {
  MoeOutput made = output();
  const ternary_moe_operands o = operands(made);
  EXPECT_EQ(ternary_oracle_apply_moe(moe_.get(), &o), TERNARY_OK) << ternary_last_error() << " in " << spec_.text();
  return made;
}

std::string MoeProblem::verdict(const MoeOutput& got, const MoeOutput& expected, int64_t m, int64_t rows) const {
  const Part part = {0, rows, 0, y_columns()};
  std::string what = got.y.outside_written(part);
  if (what.empty()) what = got.y.difference(expected.y, part, m);
  if (what.empty() && spec_.residual && !spec_.in_place) {
    const Part sums = {0, rows, 0, spec_.H};
    what = got.residual_out.outside_written(sums);
    if (what.empty()) what = got.residual_out.difference(expected.residual_out, sums, m);
  }
  if (what.empty() && spec_.in_place && rows == spec_.M) {
    what = got.residual_out.difference(expected.residual_out, got.residual_out.whole());
  }
  return what.empty() ? "" : what + " in " + spec_.text();
}

}  // namespace ternary::test
