// TERNARY_VALIDATE and TERNARY_SHADOW on a GPU whose kernels are wrong on purpose.
#include "experts/moe_problem.h"
#include "recheck/planted.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** These tests are on_gpu() however they were started; before main(), so that no thread reads the environment yet. */
[[maybe_unused]] const bool kDeviceIsSet = setenv("TERNARY_DEVICE", "cuda", 0) == 0;

class CudaValidation : public testing::Test {
 protected:
  Plants plants_{TERNARY_PLANTED_CUDA, "cuda"};
};

Counts checks(const ternary_runtime* runtime) { return watch_counts(runtime, "validation"); }
Counts checked(uint64_t count, uint64_t failed) { return {{"checked", count}, {"failed", failed}}; }

/** What differs from the oracle's. */
std::string verdict(ternary_runtime* runtime, const Problem& problem, const ternary_layer* layer) {
  Output got = problem.output();
  EXPECT_EQ(problem.run(runtime, layer, got), TERNARY_OK) << ternary_last_error();
  return problem.verdict(got, problem.expected());
}

ProblemSpec normed_spec(int64_t M, bool in_place) {
  ProblemSpec spec = plain_spec(TERNARY_A8, M, 40, 200);
  spec.norm = true;
  spec.residual = TERNARY_F16;
  spec.in_place = in_place;
  return spec;
}

TEST_F(CudaValidation, AWrongKernelIsReplacedSwitchedOffAndCounted) {
  for (const ProblemSpec& spec : {plain_spec(TERNARY_A8, 1, 40, 200), plain_spec(TERNARY_A8, 20, 40, 200),
                                  plain_spec(TERNARY_A16, 3, 40, 200), normed_spec(1, false), normed_spec(3, true)}) {
    const RuntimeHandle plain = make_runtime(), runtime = make_runtime("TERNARY_VALIDATE=1");
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    const Problem problem(spec);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    ASSERT_EQ(verdict(plain.get(), problem, layer.get()), "");
    const std::string broken = ternary_last_path(plain.get());
    plants_.plant(plain.get(), broken, wrong_y(-1, 39),
                  [&] { return verdict(plain.get(), problem, layer.get()) != ""; });
    for (uint64_t call = 1; call <= 2; ++call) {
      EXPECT_EQ(verdict(runtime.get(), problem, layer.get()), "");
      EXPECT_EQ(checks(runtime.get()), checked(2, 1)) << spec.text();
      EXPECT_EQ(counters_of(runtime.get()).fallbacks.at(broken + ":validation"), call) << spec.text();
      EXPECT_EQ(plans_made(runtime.get()), 2u);
    }
    plants_.clear();
  }
}

TEST_F(CudaValidation, IfEveryRowIsWrongTheCallFails) {
  const RuntimeHandle runtime = make_runtime("TERNARY_VALIDATE=1");
  for (const char* stage : {"gemm_a8", "fused_a8"}) plants_.plant_all(runtime.get(), stage, wrong_y(-1, 4));
  const Problem problem(normed_spec(3, true));
  Output got = problem.output();
  EXPECT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_UNSUPPORTED);
  EXPECT_EQ(std::string(ternary_last_error()).rfind("TERNARY_VALIDATE found no path", 0), 0u) << ternary_last_error();
}

TEST_F(CudaValidation, AWrongProductOfExpertsIsReplaced) {
  MoeProblemSpec spec = plain_moe_spec(5, 2, 4, 96, 80);
  spec.residual = spec.in_place = true;
  const MoeProblem problem(spec);
  const MoeOutput expected = problem.expected();
  const RuntimeHandle plain = make_runtime(), runtime = make_runtime("TERNARY_VALIDATE=1");
  const auto apply = [&](ternary_runtime* on) {
    const MoeOutput got = problem.output();
    const ternary_moe_operands operands = problem.operands(got);
    EXPECT_EQ(ternary_apply_moe(on, problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
    return problem.verdict(got, expected);
  };
  EXPECT_EQ(apply(plain.get()), "");
  std::string broken;
  for (const auto& [path, count] : counters_of(plain.get()).paths) {
    if (path.rfind("moe_down.", 0) == 0) broken = path;
  }
  plants_.plant(plain.get(), broken, wrong_y(-1, 3), [&] { return apply(plain.get()) != ""; });
  EXPECT_EQ(apply(runtime.get()), "");
  EXPECT_EQ(checks(runtime.get()), checked(2, 1));
  EXPECT_EQ(counters_of(runtime.get()).fallbacks.at(broken + ":validation"), 1u);
  EXPECT_EQ(apply(runtime.get()), "");
  EXPECT_EQ(checks(runtime.get()), checked(2, 1));
}

TEST_F(CudaValidation, AShadowOnTheCpuSeesAWrongKernel) {
  const RuntimeHandle runtime = make_runtime("TERNARY_SHADOW=cpu\nTERNARY_SHADOW_EVERY=1");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(plain_spec(TERNARY_A8, 1, 40, 200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(verdict(runtime.get(), problem, layer.get()), "");
  plants_.plant(runtime.get(), ternary_last_path(runtime.get()), wrong_y(-1, 39));
  EXPECT_NE(verdict(runtime.get(), problem, layer.get()), "");
  EXPECT_EQ(watch_counts(runtime.get(), "shadow"),
            (Counts{{"sampled", 2}, {"unsampled", 0}, {"different", 1}, {"written", 0}, {"failed", 0}}));
}

TEST_F(CudaValidation, AShadowOnTheGpuSeesItsOwnWrongKernelInTheCpusCalls) {
  const RuntimeHandle gpu = make_runtime();
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cpu\nTERNARY_SHADOW=cuda\nTERNARY_SHADOW_EVERY=1");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(plain_spec(TERNARY_A8, 1, 40, 200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(verdict(gpu.get(), problem, layer.get()), "");
  plants_.plant(gpu.get(), ternary_last_path(gpu.get()), wrong_y(-1, 39));
  EXPECT_EQ(verdict(runtime.get(), problem, layer.get()), "");
  EXPECT_EQ(watch_counts(runtime.get(), "shadow"),
            (Counts{{"sampled", 1}, {"unsampled", 0}, {"different", 1}, {"written", 0}, {"failed", 0}}));
}

}  // namespace
}  // namespace ternary::test
