// Products by the second arrangement of weights through the C interface, where the device has its library: the oracle's
// bits for every problem that is not refused, and which layers and settings it serves.
#include <gtest/gtest.h>

#include <string>

#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

class CudaCutlass : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_cutlass(gpu("").get())) GTEST_SKIP() << "the device has no libternary_cutlass";
  }

  static RuntimeHandle gpu(const std::string& settings) {
    RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_DEVICE=cuda\n" + settings);
    EXPECT_NE(runtime, nullptr) << ternary_last_error();
    return runtime;
  }

  /** Runs the problem and returns what was counted. */
  static Counters counted(ternary_runtime* runtime, const ProblemSpec& spec) {
    const Problem problem(spec);
    const LayerHandle layer = problem.layer(spec.seed % 2 ? TERNARY_LAYOUT_I2S_TILED : TERNARY_LAYOUT_T5_TILED);
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, problem.expected()), "") << spec.text();
    return counters_of(runtime);
  }

  /** Calls that paths with this in their name served. */
  static uint64_t sum_of(const Counts& counts, const std::string& part) {
    uint64_t sum = 0;
    for (const auto& [name, count] : counts) sum += name.find(part) != std::string::npos ? count : 0;
    return sum;
  }
};

TEST_F(CudaCutlass, GeneratedProblems) {
  const int64_t count = samples(80);
  const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=1");
  uint64_t served = 0;
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(81000 + static_cast<uint64_t>(i), 200000);
    const bool a16_as_it_is = (spec.x_dtype == TERNARY_BF16 || spec.x_dtype == TERNARY_F16) && !spec.norm &&
                              spec.kind != TERNARY_ALPHA_COLUMN;
    const bool serves = spec.kind != TERNARY_ALPHA_GROUP && (spec.activation == TERNARY_A8 || a16_as_it_is);
    served += serves;
    const Counters counters = counted(runtime.get(), spec);
    ASSERT_EQ(sum_of(counters.paths, "linear.cutlass_"), served) << spec.text();
  }
  EXPECT_GT(served, static_cast<uint64_t>(count) / 4);
}

TEST_F(CudaCutlass, RowsFrom1To300) {
  const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=1");
  for (const int64_t M : {1, 2, 31, 32, 33, 127, 128, 129, 300}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, M, M % 2 ? 131 : 257, 199);
    spec.seed = static_cast<uint64_t>(M);
    counted(runtime.get(), spec);
    if (HasFailure()) return;
  }
}

TEST_F(CudaCutlass, EverySplitHasTheSameBits) {
  for (int splits = 1; splits <= 8; ++splits) {
    const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=1\nTERNARY_I2S_SPLITS=" + std::to_string(splits));
    const Counters counters = counted(runtime.get(), plain_spec(TERNARY_A8, 37, 150, 1100));
    EXPECT_EQ(sum_of(counters.paths, "linear.cutlass_a8."), 1u);
  }
}

TEST_F(CudaCutlass, RefusalsAreCountedByTheirRule) {
  const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=1");
  ProblemSpec spec = plain_spec(TERNARY_A8, 5, 40, 200);
  spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = 64;
  EXPECT_EQ(sum_of(counted(runtime.get(), spec).fallbacks, "linear.cutlass_a8.cuda.sm100a:group_size"), 3u);
  spec = plain_spec(TERNARY_A16, 5, 40, 200);
  spec.x_dtype = TERNARY_F32;
  EXPECT_EQ(sum_of(counted(runtime.get(), spec).fallbacks, ":dtype"), 5u);
  // 131072 columns: one too many for sums in fp32.
  spec = plain_spec(TERNARY_A8, 1, 2, 131072);
  EXPECT_EQ(sum_of(counted(runtime.get(), spec).fallbacks, "linear.cutlass_a8.cuda.sm100a:k_range"), 3u);
}

TEST_F(CudaCutlass, TheLongestRowsAreExact) {
  const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=1");
  ProblemSpec spec = plain_spec(TERNARY_A8, 1, 2, 131071);
  for (const Values values : {Values::all_max, Values::all_min}) {
    spec.values = values;
    spec.x_dtype = TERNARY_I8;
    counted(runtime.get(), spec);
  }
  EXPECT_EQ(sum_of(counters_of(runtime.get()).paths, "linear.cutlass_a8."), 2u);
}

// The setting forbids it, or nobody said that the layer is for many rows: then nothing is made and nothing counted.
TEST_F(CudaCutlass, OnlyLayersThatAreMeantForIt) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 40, 200, 300);
  const auto calls = [&](const char* setting, int64_t expected_rows) {
    spec.expected_rows = expected_rows;
    const RuntimeHandle runtime = gpu(setting);
    const Counters counters = counted(runtime.get(), spec);
    EXPECT_EQ(sum_of(counters.fallbacks, "cutlass"), 0u) << setting;
    return sum_of(counters.paths, "linear.cutlass_a8.");
  };
  EXPECT_EQ(calls("TERNARY_CUTLASS=0", 4096), 0u);
  EXPECT_EQ(calls("TERNARY_CUTLASS=auto", 0), 0u);
  EXPECT_EQ(calls("TERNARY_CUTLASS=auto", 16), 0u);
  EXPECT_EQ(calls("TERNARY_CUTLASS=1", 0), 1u);
}

// By the cost model of B200, as the table of cost-model.md has it: 4096 x 4096 of A16 pays from 65 rows of X on.
TEST_F(CudaCutlass, AutomaticallyWhereTheModelExpectsLessTime) {
  ProblemSpec spec = plain_spec(TERNARY_A16, 1, 4096, 4096);
  spec.x_dtype = spec.y_dtype = TERNARY_BF16;
  const auto served = [&](int64_t expected_rows, int64_t M) {
    spec.expected_rows = expected_rows;
    spec.M = M;
    const RuntimeHandle runtime = gpu("TERNARY_CUTLASS=auto");
    return sum_of(counted(runtime.get(), spec).paths, "linear.cutlass_a16_");
  };
  EXPECT_EQ(served(65, 65), 1u);
  EXPECT_EQ(served(65, 1), 0u) << "the first arrangement is there too";
  EXPECT_EQ(served(64, 1), 0u);
}

TEST_F(CudaCutlass, ACallBringsAWorkspaceOfTheBytesThatAreSaid) {
  for (const char* splits : {"0", "3"}) {
    const RuntimeHandle runtime = gpu(std::string("TERNARY_CUTLASS=1\nTERNARY_I2S_SPLITS=") + splits);
    const Problem problem(plain_spec(TERNARY_A8, 37, 150, 1100));
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), 37);  // its last byte is the allocation's
    const Stream stream;
    const DeviceProblem device(problem);
    ASSERT_EQ(device.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK) << ternary_last_error();
    stream.wait();
    EXPECT_EQ(problem.verdict(device.fetch(), problem.expected()), "");
  }
}

}  // namespace
}  // namespace ternary::test
