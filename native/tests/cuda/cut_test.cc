// Products of which a second kernel takes the last rows: the bits of one kernel, one path counted, one chain, and a
// workspace that is enough. A device of two SMs makes small products slow enough for the model to cut them.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/cuda/device_problem.h"
#include "support/cuda/launches.h"
#include "support/cuda/softgpu_property.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

ProblemSpec spec_of(int64_t M, ternary_alpha_kind kind, ternary_dtype y_dtype) {
  ProblemSpec spec = plain_spec(TERNARY_A8, M, 250, 1100);
  spec.kind = kind;
  spec.group = kind == TERNARY_ALPHA_GROUP ? 64 : 0;
  spec.bias = true;
  spec.y_dtype = y_dtype;
  return spec;
}

class CudaCut : public testing::Test {
 protected:
  void SetUp() override {
    if (!few_sms.is_set()) GTEST_SKIP() << "a GPU has the SMs that it has";
  }

  SoftgpuProperty few_sms{"sm_count", cudaDevAttrMultiProcessorCount, 2};
};

TEST_F(CudaCut, RowsBeyondWholePatchesGoToASecondKernel) {
  const RuntimeHandle runtime = make_runtime();
  for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
    for (const ternary_alpha_kind kind : {TERNARY_ALPHA_ROW, TERNARY_ALPHA_GROUP}) {
      for (const int64_t M : {129, 147}) {
        const Problem problem(spec_of(M, kind, M == 129 ? TERNARY_F32 : TERNARY_BF16));
        const LayerHandle layer = problem.layer(layout);
        DeviceProblem there(problem);
        const Stream stream;
        const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), M);
        forget_launches();
        for (int i = 0; i < 2; ++i) {
          ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK)
              << ternary_last_error();
        }
        stream.wait();
        EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "") << problem.spec().text();
        const std::vector<SeenLaunch> seen = seen_launches();
        if (M == 129) {
          EXPECT_EQ(seen.size(), 6u) << problem.spec().text();
        }
        for (size_t i = 1; i < seen.size(); ++i) {
          EXPECT_EQ(seen[i].began_early, seen[i].programmatic) << i << ": " << seen[i].kernel;
        }
      }
    }
  }
}

// Both parts add up sums of splits, before compute capability 9.0 by tickets in device memory, which are cleared for
// each call.
TEST(CudaCutSplits, BothKernelsHaveSumsOfTheirOwn) {
  const SoftgpuProperty four_sms("sm_count", cudaDevAttrMultiProcessorCount, 4);
  if (!four_sms.is_set()) GTEST_SKIP() << "a GPU has the SMs that it has";
  int major = 0;
  must(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "capability");
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(plain_spec(TERNARY_A8, 57, 40, 2200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  DeviceProblem there(problem);
  const Stream stream;
  const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), 57);
  for (int i = 0; i < 2; ++i) {
    forget_launches();
    ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK) << ternary_last_error();
    stream.wait();
    EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "") << "call " << i;
    if (major == 8) {
      EXPECT_EQ(seen_launches().size(), 3u);
    }
  }
}

// A setting of splits is about one kernel.
TEST_F(CudaCut, ASettingOfSplitsKeepsOneKernel) {
  const RuntimeHandle runtime = make_runtime("TERNARY_I2S_SPLITS=1");
  const Problem problem(spec_of(129, TERNARY_ALPHA_ROW, TERNARY_F32));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  DeviceProblem there(problem);
  const Stream stream;
  forget_launches();
  ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
  stream.wait();
  EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
  EXPECT_EQ(seen_launches().size(), 2u);
}

TEST_F(CudaCut, TheListOfPlansSaysTheTail) {
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(spec_of(129, TERNARY_ALPHA_ROW, TERNARY_F32));
  Output got = problem.output();
  forget_launches();
  ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK)
      << ternary_last_error();
  const std::string document = plans_of(runtime.get());
  EXPECT_EQ(json_value(document, "launches"), "3") << document;
  const int64_t begin = std::stoll(json_value(document, "tail_begin"));  // where is the model's matter
  EXPECT_TRUE(begin > 0 && begin < 129 && begin % 32 == 0) << document;
  const std::vector<SeenLaunch> seen = seen_launches();
  ASSERT_EQ(seen.size(), 3u);
  const std::string first = json_value(document, "kernel"), second = json_value(document, "tail_kernel");
  EXPECT_EQ(first.rfind("gemm_a8_i2s_mma_", 0), 0u) << document;
  EXPECT_EQ(second.rfind("gemm_a8_i2s_mma_", 0), 0u) << document;
  EXPECT_EQ(first == second, seen[1].kernel == seen[2].kernel) << document;
}

}  // namespace
}  // namespace ternary::test
