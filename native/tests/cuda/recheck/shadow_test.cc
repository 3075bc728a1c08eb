// A GPU's calls computed again by the CPU, and the CPU's by a GPU; both also under TERNARY_VALIDATE. All are right here:
// tests/recheck has kernels that are not.
#include <gtest/gtest.h>

#include "cuda/experts/device_moe.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

Counts watch_counts(const ternary_runtime* runtime, const char* member) {
  return parse_counters(counters_json_of(runtime), member).paths;
}

/** Products of all kinds and layers of experts; returns how many. */
uint64_t run_all(ternary_runtime* runtime) {
  const auto count = static_cast<uint64_t>(samples(60));
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const Problem problem(seed % 2 == 0 ? random_spec(seed, 40000) : random_block_spec(seed, 40000));
    Output got = problem.output();
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    EXPECT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, problem.expected()), "");
    MoeProblemSpec spec = random_moe_spec(seed);
    spec.spec.activation = TERNARY_A8;
    const MoeProblem experts(spec);
    const MoeOutput of_experts = experts.output();
    const ternary_moe_operands operands = experts.operands(of_experts);
    EXPECT_EQ(ternary_apply_moe(runtime, experts.moe(), &operands), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(experts.verdict(of_experts, experts.expected()), "");
  }
  return 2 * count;
}

void expect_no_difference(const std::string& device, const std::string& by) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=" + device + "\nTERNARY_SHADOW=" + by +
                                             "\nTERNARY_SHADOW_EVERY=1\nTERNARY_VALIDATE=1");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const uint64_t calls = run_all(runtime.get());
  EXPECT_EQ(watch_counts(runtime.get(), "shadow"),
            (Counts{{"sampled", calls}, {"unsampled", 0}, {"different", 0}, {"written", 0}, {"failed", 0}}));
  const Counts checks = watch_counts(runtime.get(), "validation");
  EXPECT_GT(checks.at("checked"), calls / 2);
  EXPECT_EQ(checks.at("failed"), 0u);
}

TEST(CudaShadow, TheCpuFindsNothingInAGpusCalls) { expect_no_difference("cuda", "cpu"); }

TEST(CudaShadow, TheOracleFindsNothingInAGpusCalls) { expect_no_difference("cuda", "oracle"); }

TEST(CudaShadow, AGpuFindsNothingInTheCpusCalls) { expect_no_difference("cpu", "cuda"); }

TEST(CudaShadow, CallsOnStreamsAreCountedAndNotSampled) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(plain_spec(TERNARY_A8, 2, 40, 200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const DeviceProblem there(problem);
  const Stream stream;
  for (int call = 0; call < 3; ++call) {
    ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
  }
  ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK);
  EXPECT_EQ(watch_counts(runtime.get(), "shadow"),
            (Counts{{"sampled", 0}, {"unsampled", 3}, {"different", 0}, {"written", 0}, {"failed", 0}}));
}

}  // namespace
}  // namespace ternary::test
