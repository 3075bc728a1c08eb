// Which GPU kernel serves each op, activation, layout and M, and what is counted when another has to.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/cuda/captured_graph.h"
#include "support/cuda/device_problem.h"
#include "support/cuda/launches.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

ProblemSpec spec_of(ternary_activation activation, int64_t M, bool norm = false) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.M = M;
  spec.N = 40;
  spec.K = 200;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.norm = norm;
  spec.seed = static_cast<uint64_t>(M);
  return spec;
}

/** Runs once on a fresh runtime and returns its counters. */
Counters run_once(const std::string& settings, const ProblemSpec& spec, ternary_layout layout,
                  ternary_status expected = TERNARY_OK) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda\n" + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(spec);
  Output got = problem.output();
  EXPECT_EQ(problem.run(runtime.get(), problem.layer(layout).get(), got), expected) << ternary_last_error();
  EXPECT_EQ(expected == TERNARY_OK ? problem.verdict(got, problem.expected()) : got.y.anything_written(), "");
  return counters_of(runtime.get());
}

TEST(CudaDispatch, EachOpActivationLayoutAndMHasItsKernel) {
  const RuntimeHandle any = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(any, nullptr) << ternary_last_error();
  const std::string arch = ".cuda." + arch_of(any.get());
  const bool has_gemv = info_of(any.get()).find("gemv_a8_i2s_mma.cuda") != std::string::npos;
  for (const bool norm : {false, true}) {
    for (const ternary_layout layout : kLayouts) {
      for (const int64_t M : {1, 2, 8, 16, 17, 64, 150}) {
        for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
          const Counters counters = run_once("", spec_of(activation, M, norm), layout);
          ASSERT_EQ(counters.paths.size(), 1u);
          const std::string path = counters.paths.begin()->first, op = norm ? "rmsnorm_linear." : "linear.";
          const std::string codes = layout == TERNARY_LAYOUT_T5_TILED ? "_t5" : "_i2s";
          EXPECT_EQ(path.substr(0, op.size()), op);
          EXPECT_EQ(path.substr(path.size() - arch.size()), arch) << path;
          EXPECT_NE(path.find(codes), std::string::npos) << path;
          EXPECT_EQ(path.find("_a16_") != std::string::npos, activation == TERNARY_A16) << path;
          const std::string kernel = path.substr(op.size(), 5);
          if (activation == TERNARY_A8 && has_gemv) {
            EXPECT_EQ(kernel, M <= 16 ? "gemv_" : "gemm_") << path << " M " << M;
          }
          EXPECT_TRUE(counters.fallbacks.empty()) << counters.fallbacks.begin()->first;
        }
      }
    }
  }
}

/**
 * The reasons that a GPU gives, each with its kernel; `setting` has a test below, `no_library` is CudaNoLibrary's,
 * `shared_memory` CudaPaths.SharedMemoryThatIsTooSmallIsCounted.
 * Those that are left cannot occur: kernels read every layout that weights are kept in, every type, any alignment and
 * every group that weights may have, and of kernels for other M there is always one for this M.
 */
TEST(CudaDispatch, EachRefusalIsCountedWithItsReason) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  ProblemSpec in_place = spec_of(TERNARY_A8, 1, true);
  in_place.residual = TERNARY_BF16;
  in_place.in_place = true;
  const Counters other_ctas_still_read = run_once("", in_place, TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(other_ctas_still_read.fallbacks.count("rmsnorm_linear.gemv_fused_i2s_dp4a" + gpu + ":in_place"), 1u);
  EXPECT_EQ(other_ctas_still_read.paths.begin()->first.find("fused"), std::string::npos);

  ProblemSpec inexact = spec_of(TERNARY_A8, 2);
  inexact.N = 1;
  inexact.K = 131072;  // 128 * K is 2^24
  const Counters none = run_once("TERNARY_PREFILL_SKIP_M=1", inexact, TERNARY_LAYOUT_I2S_TILED, TERNARY_UNSUPPORTED);
  EXPECT_EQ(none.fallbacks.count("linear.gemm_a8_dense" + gpu + ":k_range"), 1u);
  EXPECT_EQ(none.fallbacks.count("linear.gemm_a8_i2s" + gpu + ":setting"), 1u);
  EXPECT_TRUE(none.paths.empty());
}

TEST(CudaDispatch, TheDenseKernelServesBeyondPrefillSkipM) {
  const std::string setting = "TERNARY_PREFILL_SKIP_M=16";
  for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
    const Counters few = run_once(setting, spec_of(TERNARY_A8, 16), layout);
    ASSERT_EQ(few.paths.size(), 1u);
    EXPECT_EQ(few.paths.begin()->first.find("dense"), std::string::npos) << few.paths.begin()->first;
    EXPECT_TRUE(few.fallbacks.empty());
    for (const bool norm : {false, true}) {
      const Counters many = run_once(setting, spec_of(TERNARY_A8, 17, norm), layout);
      ASSERT_EQ(many.paths.size(), 1u);
      EXPECT_NE(many.paths.begin()->first.find(norm ? "rmsnorm_linear.gemm_a8_dense" : "linear.gemm_a8_dense"),
                std::string::npos)
          << many.paths.begin()->first;
      ASSERT_FALSE(many.fallbacks.empty());
      for (const auto& [path, n] : many.fallbacks) EXPECT_EQ(path.substr(path.rfind(':')), ":setting") << path;
    }
  }
}

TEST(CudaDispatch, I2sOnlyForbidsTheDenseKernel) {
  const std::string settings = "TERNARY_I2S_ONLY=1\nTERNARY_PREFILL_SKIP_M=4";
  const Counters refused = run_once(settings, spec_of(TERNARY_A8, 5), TERNARY_LAYOUT_I2S_TILED, TERNARY_UNSUPPORTED);
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find("TERNARY_I2S_ONLY=1"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("setting"), std::string::npos) << sentence;
  EXPECT_TRUE(refused.paths.empty());
  EXPECT_FALSE(refused.fallbacks.empty());
  run_once(settings, spec_of(TERNARY_A8, 4), TERNARY_LAYOUT_I2S_TILED);
}

TEST(CudaDispatch, NormAndProductInOneCallOrTwoPasses) {
  for (const bool fused : {true, false}) {
    const Counters counters = run_once(std::string("TERNARY_FUSE_RMSNORM_QKV=") + (fused ? "1" : "0"),
                                       spec_of(TERNARY_A8, 3, true), TERNARY_LAYOUT_I2S_TILED);
    Counts by_op;
    for (const auto& [path, n] : counters.paths) by_op[path.substr(0, path.find('.'))] += n;
    EXPECT_EQ(by_op, fused ? (Counts{{"rmsnorm_linear", 1}}) : (Counts{{"rmsnorm", 1}, {"linear", 1}}));
  }
}

TEST(CudaDispatch, SplitsAndPdlChangeNoBit) {
  for (const char* setting : {"TERNARY_I2S_SPLITS=1", "TERNARY_I2S_SPLITS=5", "TERNARY_I2S_SPLITS=64",
                              "TERNARY_ENABLE_PDL=0", "TERNARY_ENABLE_PDL=1"}) {
    ProblemSpec spec = spec_of(TERNARY_A8, 2);
    spec.K = 2500;
    run_once(setting, spec, TERNARY_LAYOUT_I2S_TILED);
    run_once(setting, spec, TERNARY_LAYOUT_T5_TILED);
  }
}

/** A product whose kernel can split K: of fewer rows it makes its own activations, and does not. */
ProblemSpec long_spec() {
  ProblemSpec spec = spec_of(TERNARY_A8, 12);
  spec.K = 5100;  // ten slabs
  return spec;
}

TEST(CudaDispatch, PlansSayWhatAKnobOfLaunchesChanges) {
  const ProblemSpec spec = long_spec();
  const Problem problem(spec);
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const auto plans_with = [&](const std::string& setting) {
    const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda\n" + setting);
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
    return plans_of(runtime.get());
  };
  const std::string plain = plans_with(""), split = plans_with("TERNARY_I2S_SPLITS=2");
  EXPECT_NE(
      plain.find("\"M\":12,\"N\":" + std::to_string(spec.N) + ",\"K\":5100,\"group\":0,\"block\":0,\"norm\":false"),
      std::string::npos)
      << plain;
  EXPECT_NE(split.find("\"splits\":2,"), std::string::npos) << split;
  const bool pdl = plain.find("\"pdl\":true") != std::string::npos;
  EXPECT_EQ(plans_with("TERNARY_ENABLE_PDL=0") == plain, !pdl) << "only from 9.0 on";
  EXPECT_EQ(plans_with("TERNARY_MAX_ISA=portable"), plain) << "a knob of the CPU alone";
}

TEST(CudaPlans, SaySplitsAndTheKernelsFunction) {
  const Problem problem(long_spec());
  for (const char* splits : {"1", "3"}) {
    const RuntimeHandle runtime = make_runtime(std::string("TERNARY_DEVICE=cuda\nTERNARY_I2S_SPLITS=") + splits);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_T5_TILED).get(), got), TERNARY_OK)
        << ternary_last_error();
    const std::string document = plans_of(runtime.get());
    EXPECT_EQ(json_value(document, "kept"), "1") << document;
    EXPECT_EQ(json_value(document, "splits"), splits);
    EXPECT_EQ(std::stoll(json_value(document, "grid")) % std::stoll(splits), 0) << "each part of Y has as many";
    EXPECT_EQ(json_value(document, "layout"), "t5_tiled");
    EXPECT_EQ(json_value(document, "activation"), "a8");
    const std::string path = json_value(document, "path"), kernel = json_value(document, "kernel");
    EXPECT_EQ("linear." + path, std::string(ternary_last_path(runtime.get())));
    EXPECT_EQ(kernel.rfind(path.substr(0, path.find('.')) + '_', 0), 0u) << kernel << " of " << path;
  }
}

TEST(CudaPlans, LaunchesAreThoseThatTheDeviceSawAndCarryPdlWhereItIsOn) {
  for (const char* enable : {"0", "1"}) {
    const RuntimeHandle runtime = make_runtime(std::string("TERNARY_DEVICE=cuda\nTERNARY_ENABLE_PDL=") + enable);
    const Problem problem(long_spec());
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(json_value(plans_of(runtime.get()), "launches"), "0");
    const DeviceProblem there(problem);
    const Stream stream;
    forget_launches();
    for (int call = 0; call < 3; ++call) {
      ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
    }
    stream.wait();
    const std::vector<SeenLaunch> seen = seen_launches();
    const std::string document = plans_of(runtime.get());
    const bool pdl = enable[0] == '1' && std::atoi(arch_of(runtime.get()).c_str() + 2) >= 90;
    EXPECT_EQ(json_value(document, "pdl"), pdl ? "true" : "false");
    EXPECT_EQ(json_value(document, "launches"), "6") << document;
    EXPECT_EQ(json_value(document, "pdl_launches"), pdl ? "6" : "0");
    if (seen.empty()) continue;  // a GPU does not tell
    EXPECT_EQ(seen.size(), 6u);
    for (const SeenLaunch& launch : seen) EXPECT_EQ(launch.programmatic, pdl) << launch.kernel;
  }
}

TEST(CudaPlans, LaunchesOfAGraphAreCountedOnceAndTheirReplaysNot) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  const Problem problem(long_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
  const DeviceProblem there(problem);
  const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), problem.spec().M);
  const Stream stream;
  const Graph graph(stream, [&] {
    ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK) << ternary_last_error();
  });
  EXPECT_EQ(json_value(plans_of(runtime.get()), "launches"), "2");
  for (int replay = 0; replay < 3; ++replay) graph.launch(stream);
  stream.wait();
  EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
  EXPECT_EQ(json_value(plans_of(runtime.get()), "launches"), "2");
}

}  // namespace
}  // namespace ternary::test
