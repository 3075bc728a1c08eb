// Which kernel serves: every ISA forced in turn with proof that it was reached, and every fallback with its reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/problem.h"
#include "support/test_data.h"

namespace ternary::test {
namespace {

ProblemSpec spec_of(ternary_activation activation, int64_t M, int64_t group = 0) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.M = M;
  spec.N = 40;
  spec.K = 200;
  spec.kind = group == 0 ? TERNARY_ALPHA_ROW : TERNARY_ALPHA_GROUP;
  spec.group = group;
  spec.seed = static_cast<uint64_t>(M + group);
  return spec;
}

/** "linear.gemm_a8_i2s.cpu.avx2" -> "avx2". */
std::string isa_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool is_a8_product(const std::string& path) { return path.find("_a8_") != std::string::npos; }

/** Whether kernels of `other` may serve where TERNARY_MAX_ISA is `isa`. */
bool allowed(const ternary_runtime* runtime, const std::string& isa, const std::string& other) {
  for (const IsaInfo& row : isas_of(runtime)) {
    if (row.name == isa) {
      return other == isa || std::find(row.implies.begin(), row.implies.end(), other) != row.implies.end();
    }
  }
  return false;
}

TEST(Dispatch, EveryIsaIsReachedAndGivesTheOraclesBits) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isa + "\nTERNARY_NUM_THREADS=2");
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    const int64_t count = samples(500);
    for (int64_t i = 0; i < count; ++i) {
      const Problem problem(random_spec(7000 + static_cast<uint64_t>(i), 500000));
      const LayerHandle layer =
          problem.layer(i % 8 == 0 ? TERNARY_LAYOUT_I2S : kTiledLayouts[static_cast<size_t>(i) % kTiledLayouts.size()]);
      Output got = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.verdict(got, problem.expected()), "") << isa;
    }
    const Counters counters = counters_of(runtime.get());
    uint64_t calls = 0, reached = 0;
    for (const auto& [path, n] : counters.paths) {
      EXPECT_TRUE(allowed(runtime.get(), isa, isa_of(path))) << path << " under TERNARY_MAX_ISA=" << isa;
      calls += n;
      if (is_a8_product(path) && isa_of(path) == isa) reached += n;
    }
    EXPECT_EQ(calls, static_cast<uint64_t>(count)) << "each call is counted once";
    EXPECT_GT(reached, static_cast<uint64_t>(count) / 20) << "TERNARY_MAX_ISA=" << isa << " was not reached";
  }
}

TEST(Dispatch, EveryProductRowOfTheTableIsReached) {
  // Rows that another row of the same ISA, or a better ISA, always hides are dead code.
  std::vector<std::string> missing;
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isa);
    for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
      for (int64_t M : {1, 2, 3, 4, 5, 8, 16, 17, 32, 64, 128}) {
        const Problem problem(spec_of(activation, M));
        for (ternary_layout layout : kLayouts) {
          Output got = problem.output();
          ASSERT_EQ(problem.run(runtime.get(), problem.layer(layout).get(), got), TERNARY_OK);
        }
      }
    }
    const Counters counters = counters_of(runtime.get());
    for (const KernelInfo& kernel : kernels_of(runtime.get())) {
      const bool product = !kernel.layout.empty();
      if (product && kernel.available && kernel.isa == isa && counters.paths.count("linear." + kernel.name) == 0) {
        missing.push_back(kernel.name);
      }
    }
  }
  EXPECT_TRUE(missing.empty()) << missing.size() << " rows never served, the first is " << missing.front();
}

TEST(Dispatch, ShapesThatTilesForget) {
  const std::string path = test_data("shapes/odd.txt");
  std::ifstream file(path);
  const RuntimeHandle runtime = make_runtime();
  int shapes = 0;
  for (std::string line; std::getline(file, line);) {
    ProblemSpec spec;
    std::istringstream words(line);
    if (!(words >> spec.N >> spec.K)) continue;
    ++shapes;
    for (int64_t M : {1, 5}) {
      spec.M = spec.N * spec.K > 2000000 ? 1 : M;
      spec.kind = TERNARY_ALPHA_ROW;
      const Problem problem(spec);
      Output got = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK);
      ASSERT_EQ(problem.verdict(got, problem.expected()), "");
    }
  }
  EXPECT_GE(shapes, 8) << path;
}

/** Runs once on a fresh runtime and returns its counters. */
Counters run_once(const std::string& settings, const ProblemSpec& spec, ternary_layout layout,
                  ternary_status expected) {
  const RuntimeHandle runtime = make_runtime(settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(spec);
  Output got = problem.output();
  EXPECT_EQ(problem.run(runtime.get(), problem.layer(layout).get(), got), expected) << ternary_last_error();
  if (expected == TERNARY_OK) {
    EXPECT_EQ(problem.verdict(got, problem.expected()), "");
  } else {
    EXPECT_EQ(got.y.anything_written(), "");
  }
  return counters_of(runtime.get());
}

TEST(Fallback, WeightsKeptInTheInterchangeLayoutAreRefusedByFastKernels) {
  for (const std::string& isa : available_isas()) {
    if (isa == "portable") continue;
    for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
      const Counters counters =
          run_once("TERNARY_MAX_ISA=" + isa, spec_of(activation, 1), TERNARY_LAYOUT_I2S, TERNARY_OK);
      ASSERT_EQ(counters.paths.size(), 1u);
      EXPECT_EQ(isa_of(counters.paths.begin()->first), "portable");
      ASSERT_FALSE(counters.fallbacks.empty());
      for (const auto& [path, n] : counters.fallbacks) {
        EXPECT_EQ(path.substr(path.rfind(':')), ":layout") << path;
        EXPECT_EQ(n, 1u) << path;
      }
    }
  }
}

/** The layout that the kernel of a path reads. */
std::string layout_of(const std::string& path) {
  for (const KernelInfo& kernel : kernels_of(make_runtime().get())) {
    if (path == "linear." + kernel.name) return kernel.layout;
  }
  return "";
}

TEST(Fallback, AKernelIsNotPassedOverForAnotherLayoutOfItsOwnIsa) {
  for (const std::string& isa : available_isas()) {
    for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
      for (ternary_layout layout : kTiledLayouts) {
        const Counters counters = run_once("TERNARY_MAX_ISA=" + isa, spec_of(activation, 1), layout, TERNARY_OK);
        ASSERT_EQ(counters.paths.size(), 1u);
        const std::string served = counters.paths.begin()->first;
        EXPECT_EQ(layout_of(served), traits(layout).name) << served;
        for (const auto& [path, n] : counters.fallbacks) {
          const std::string refused = path.substr(0, path.rfind(':')), reason = path.substr(refused.size());
          EXPECT_TRUE(reason != ":layout" || isa_of(refused) != isa_of(served)) << path;
          EXPECT_EQ(n, 1u) << path;
        }
      }
    }
  }
}

TEST(Fallback, AGroupShorterThanAKernelsStep) {
  const std::vector<std::string> isas = available_isas();
  if (std::find(isas.begin(), isas.end(), "amx") == isas.end())
    GTEST_SKIP() << "no kernel here has a step of more than 32; the emulated backend has";
  const Counters refused =
      run_once("TERNARY_MAX_ISA=amx", spec_of(TERNARY_A8, 64, 32), TERNARY_LAYOUT_I2S_TILED, TERNARY_OK);
  uint64_t by_amx = 0;
  for (const auto& [path, n] : refused.fallbacks) {
    if (path.find(".amx:group_size") != std::string::npos) by_amx += n;
  }
  EXPECT_EQ(by_amx, 1u);
  ASSERT_EQ(refused.paths.size(), 1u);
  EXPECT_NE(isa_of(refused.paths.begin()->first), "amx");
  const Counters served =
      run_once("TERNARY_MAX_ISA=amx", spec_of(TERNARY_A8, 64, 128), TERNARY_LAYOUT_I2S_TILED, TERNARY_OK);
  ASSERT_EQ(served.paths.size(), 1u);
  EXPECT_EQ(isa_of(served.paths.begin()->first), "amx") << served.paths.begin()->first;
}

TEST(Fallback, I2sOnlyMakesItAnError) {
  const std::vector<std::string> isas = available_isas();
  if (isas.size() == 1) GTEST_SKIP() << "only portable kernels here: nothing falls back";
  const std::string settings = "TERNARY_I2S_ONLY=1\nTERNARY_MAX_ISA=" + isas.back();
  const Counters counters = run_once(settings, spec_of(TERNARY_A8, 1), TERNARY_LAYOUT_I2S, TERNARY_UNSUPPORTED);
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find("TERNARY_I2S_ONLY"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("layout"), std::string::npos) << sentence;
  EXPECT_TRUE(counters.paths.empty()) << "nothing served the call";
  EXPECT_EQ(counters.fallbacks.size(), 1u);
  run_once(settings, spec_of(TERNARY_A8, 1), TERNARY_LAYOUT_I2S_TILED, TERNARY_OK);
}

TEST(Fallback, DistinctOnesAreCountedOnce) {
  const std::vector<std::string> isas = available_isas();
  if (isas.size() == 1) GTEST_SKIP() << "only portable kernels here: nothing falls back";
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isas.back());
  const uint64_t* distinct = ternary_runtime_notices(runtime.get());
  ASSERT_NE(distinct, nullptr);
  EXPECT_EQ(*distinct, 0u);
  const Problem problem(spec_of(TERNARY_A8, 1));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S);
  uint64_t first = 0;
  for (int call = 1; call <= 3; ++call) {
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
    if (call == 1) first = *distinct;
    EXPECT_EQ(*distinct, first);
    EXPECT_EQ(counters_of(runtime.get()).fallbacks.size(), first);
  }
  EXPECT_GT(first, 0u);
  ASSERT_EQ(ternary_runtime_reset_counters(runtime.get()), TERNARY_OK);
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
  EXPECT_EQ(*distinct, first) << "a reset does not make an old fallback new";
}

TEST(Dispatch, NormAndProductInOneCallOrTwoPasses) {
  ProblemSpec spec = spec_of(TERNARY_A8, 3);
  spec.norm = true;
  spec.residual = TERNARY_F16;
  for (const bool fused : {true, false}) {
    const std::string settings = std::string("TERNARY_FUSE_RMSNORM_QKV=") + (fused ? "1" : "0");
    const Counters counters = run_once(settings, spec, TERNARY_LAYOUT_I2S_TILED, TERNARY_OK);
    const auto served = [&](const std::string& op) {
      return std::count_if(counters.paths.begin(), counters.paths.end(),
                           [&](const auto& path) { return path.first.rfind(op + ".", 0) == 0 && path.second == 1; });
    };
    EXPECT_EQ(served("rmsnorm_linear"), fused ? 1 : 0);
    EXPECT_EQ(served("rmsnorm"), fused ? 0 : 1);
    EXPECT_EQ(served("linear"), fused ? 0 : 1);
  }
}

}  // namespace
}  // namespace ternary::test
