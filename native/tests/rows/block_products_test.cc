// Products by block and with rotated activations through the C interface: every layout, ISA and thread count against the
// oracle; and what is counted.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

std::vector<RuntimeHandle> runtimes(const std::vector<std::string>& settings) {
  std::vector<RuntimeHandle> made;
  for (const std::string& isa : available_isas()) {
    for (const std::string& setting : settings) made.push_back(make_runtime("TERNARY_MAX_ISA=" + isa + "\n" + setting));
  }
  return made;
}

void check(const std::vector<RuntimeHandle>& all, const ProblemSpec& spec, ternary_layout layout) {
  const Problem problem(spec);
  const Output expected = problem.expected();
  const LayerHandle layer = problem.layer(layout);
  for (const RuntimeHandle& runtime : all) {
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(problem.verdict(got, expected), "") << ternary_last_path(runtime.get());
  }
}

TEST(BlockProducts, Generated) {
  const std::vector<RuntimeHandle> all = runtimes({"TERNARY_NUM_THREADS=1", "TERNARY_NUM_THREADS=3"});
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(samples(120)); ++seed) {
    check(all, random_block_spec(seed * 104729, 400000), kLayouts[seed % std::size(kLayouts)]);
    if (HasFatalFailure()) return;
  }
}

TEST(BlockProducts, NormedInOnePassAndInTwo) {
  const std::vector<RuntimeHandle> all = runtimes({"TERNARY_FUSE_RMSNORM_QKV=0", "TERNARY_FUSE_RMSNORM_QKV=1"});
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    ProblemSpec spec = random_block_spec(seed * 1299709, 100000);
    spec.norm = true;
    if (spec.x_dtype == TERNARY_I8) spec.x_dtype = TERNARY_F16, spec.x_scale = false;
    check(all, spec, TERNARY_LAYOUT_I2S_TILED);
    if (HasFatalFailure()) return;
  }
}

TEST(BlockProducts, RotatedWithoutBlocksInEveryKind) {
  const std::vector<RuntimeHandle> all = runtimes({"TERNARY_NUM_THREADS=2"});
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_alpha_kind kind :
         {TERNARY_ALPHA_TENSOR, TERNARY_ALPHA_ROW, TERNARY_ALPHA_COLUMN, TERNARY_ALPHA_GROUP}) {
      for (const bool norm : {false, true}) {
        ProblemSpec spec = plain_spec(activation, 3, 33, 384);
        spec.kind = kind;
        spec.group = kind == TERNARY_ALPHA_GROUP ? 64 : 0;
        spec.rotation = 128;
        spec.signs = true;
        spec.norm = norm;
        if (norm) spec.residual = TERNARY_F16;
        check(all, spec, TERNARY_LAYOUT_I2S_TILED);
        if (HasFatalFailure()) return;
      }
    }
  }
}

/** Y of a layer by the oracle, for two rows of X. */
std::vector<float> product(const ternary_layer_spec& spec, const void* x, ternary_dtype dtype, const float* x_scale) {
  const LayerHandle layer = make_layer(spec);
  std::vector<float> y(2 * 33);
  ternary_operands o = product_of(x, dtype, 384, y.data(), TERNARY_F32, 33, 2);
  o.x_scale = x_scale;
  EXPECT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK) << ternary_last_error();
  return y;
}

TEST(BlockProducts, ALayerIsItsPartsOneAfterTheOther) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 2, 33, 384);
  spec.rotation = 128;
  spec.signs = true;
  const Problem problem(spec);
  const float* x = problem.x.as<float>();
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S);
  ternary_layer_spec plain = plain_layer(weights.get(), TERNARY_A8), blocks = plain, whole = plain;
  blocks.block = whole.block = 64;
  whole.rotation = 128;
  whole.rotation_signs = problem.signs.as<float>();
  const std::vector<float> y = product(whole, x, TERNARY_F32, nullptr);

  std::vector<float> rotated(2 * 384), s(2 * 6);
  std::vector<int8_t> q(2 * 384);
  ternary_rotate_operands rotate = {};
  rotate.size = sizeof rotate;
  rotate.M = 2;
  rotate.K = rotate.ldx = rotate.ldy = 384;
  rotate.x = x;
  rotate.y = rotated.data();
  rotate.rotation = 128;
  rotate.signs = whole.rotation_signs;
  ASSERT_EQ(ternary_oracle_rotate(&rotate), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(product(blocks, rotated.data(), TERNARY_F32, nullptr), y);

  ternary_quantise_operands quantise = quantised(rotated.data(), TERNARY_F32, 384, q.data(), 384, s.data(), 2, 384);
  quantise.block = 64;
  ASSERT_EQ(ternary_oracle_quantise(&quantise), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(product(blocks, q.data(), TERNARY_I8, s.data()), y);

  for (ternary_layer_spec* other : {&plain, &blocks}) EXPECT_NE(product(*other, x, TERNARY_F32, nullptr), y);
  whole.rotation_signs = nullptr;
  EXPECT_NE(product(whole, x, TERNARY_F32, nullptr), y);
}

TEST(BlockProducts, RowsAloneAndInAnyPosition) {
  const std::vector<RuntimeHandle> all = runtimes({"TERNARY_NUM_THREADS=2"});
  Random random(38);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ProblemSpec spec = random_block_spec(seed * 15485863, 20000);
    spec.M = 70;
    const Problem problem(spec);
    const Output expected = problem.expected();
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    for (const RuntimeHandle& runtime : all) {
      for (const int64_t rows : {int64_t{1}, random.integer(2, 15), random.integer(16, 70)}) {
        const int64_t first = random.integer(0, spec.M - rows);
        Output got = problem.output(first, rows);
        ASSERT_EQ(problem.run(runtime.get(), layer.get(), got, first, rows), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(problem.verdict(got, expected, first), "") << "rows " << first << " + " << rows;
      }
    }
  }
}

TEST(BlockProducts, AreCountedWithTheirBlock) {
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=portable");
  for (const int64_t block : {0, 128, 128, 96}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, 2, 16, 300);
    spec.block = block;
    spec.norm = block == 96;
    const Problem problem(spec);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK)
        << ternary_last_error();
  }
  EXPECT_EQ(counters_of(runtime.get()).paths, (Counts{{"linear.gemm_a8_i2s.cpu.portable", 1},
                                                      {"linear.gemm_a8_i2s.block128.cpu.portable", 2},
                                                      {"rmsnorm_linear.gemm_a8_i2s.block_other.cpu.portable", 1}}));
}

TEST(BlockProducts, AKernelsStepHoldsForBlocksToo) {
  const std::vector<std::string> isas = available_isas();
  if (std::find(isas.begin(), isas.end(), "amx") == isas.end())
    GTEST_SKIP() << "no kernel here has a step of more than 32; the emulated backend has";
  for (const auto& [block, group, refused] :
       {std::tuple(32, 0, true), std::tuple(64, 0, false), std::tuple(96, 0, true), std::tuple(128, 32, true),
        std::tuple(64, 128, false)}) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=amx");
    ProblemSpec spec = plain_spec(TERNARY_A8, 64, 64, 256);
    spec.block = block;
    spec.group = group;
    if (group > 0) spec.kind = TERNARY_ALPHA_GROUP;
    const Problem problem(spec);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK)
        << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, problem.expected()), "");
    const Counts fallbacks = counters_of(runtime.get()).fallbacks;
    EXPECT_EQ(fallbacks.count("linear.gemm_a8_i2s.cpu.amx:group_size"), refused ? 1u : 0u) << block << ", " << group;
  }
}

}  // namespace
}  // namespace ternary::test
