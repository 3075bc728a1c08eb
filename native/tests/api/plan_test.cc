// What a runtime keeps of a product that it has served: the next one of the same sizes has the same bits and counts the
// same, and one of other sizes is not taken for it.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "experts/moe_problem.h"
#include "support/operands.h"
#include "support/problem.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

/** A product, what the oracle makes of it, and a layer of it in a layout. */
struct Served {
  Served(const ProblemSpec& spec, ternary_layout layout)
      : problem(spec), layer(problem.layer(layout)), expected(problem.expected()) {}

  /** Its path; right or not is said. */
  std::string call(ternary_runtime* runtime) const {
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, expected), "");
    return ternary_last_path(runtime);
  }

  Problem problem;
  LayerHandle layer;
  Output expected;
};

ProblemSpec base_spec() {
  ProblemSpec spec = plain_spec(TERNARY_A8, 3, 260, 520);
  spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = 64;
  return spec;
}

/** Products that differ from the first in one thing each that a plan depends on. */
std::vector<std::pair<ProblemSpec, ternary_layout>> neighbours() {
  std::vector<std::pair<ProblemSpec, ternary_layout>> all = {{base_spec(), TERNARY_LAYOUT_I2S_TILED}};
  const auto with = [&](auto change) {
    ProblemSpec spec = base_spec();
    change(spec);
    all.emplace_back(spec, TERNARY_LAYOUT_I2S_TILED);
  };
  with([](ProblemSpec& s) { s.M = 1; });
  with([](ProblemSpec& s) { s.M = 70; });
  with([](ProblemSpec& s) { s.N = 17; });
  with([](ProblemSpec& s) { s.N = 1500; });
  with([](ProblemSpec& s) { s.K = 64; });
  with([](ProblemSpec& s) { s.K = 2600; });
  with([](ProblemSpec& s) { s.group = 32; });
  with([](ProblemSpec& s) { s.group = 0, s.kind = TERNARY_ALPHA_ROW; });
  with([](ProblemSpec& s) { s.activation = TERNARY_A16; });
  with([](ProblemSpec& s) { s.norm = true; });
  with([](ProblemSpec& s) { s.block = 32; });
  with([](ProblemSpec& s) { s.block = 64; });
  for (const ternary_layout layout : {TERNARY_LAYOUT_I2S, TERNARY_LAYOUT_T5_TILED, TERNARY_LAYOUT_T3_TILED})
    all.emplace_back(base_spec(), layout);
  return all;
}

TEST(Plan, OneThatIsKeptIsNotTakenForAnotherProducts) {
  std::vector<Served> products;
  for (const auto& [spec, layout] : neighbours()) products.emplace_back(spec, layout);
  for (const std::string& isa : available_isas()) {
    for (const char* fuse : {"0", "1"}) {
      const std::string settings =
          "TERNARY_NUM_THREADS=3\nTERNARY_MAX_ISA=" + isa + "\nTERNARY_FUSE_RMSNORM_QKV=" + fuse;
      std::vector<std::string> alone;
      for (const Served& product : products) alone.push_back(product.call(make_runtime(settings).get()));
      const RuntimeHandle forward = make_runtime(settings), backward = make_runtime(settings);
      for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < products.size(); ++i) {
          EXPECT_EQ(products[i].call(forward.get()), alone[i]) << "product " << i;
          const size_t last = products.size() - 1 - i;
          EXPECT_EQ(products[last].call(backward.get()), alone[last]) << "product " << last;
        }
      }
      EXPECT_EQ(counters_of(forward.get()).paths, counters_of(backward.get()).paths);
    }
  }
}

TEST(Plan, TheSecondCallHasTheBitsOfTheFirst) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2\nTERNARY_MAX_ISA=" + isa);
    for (int64_t i = 0; i < samples(60); ++i) {
      const Problem problem(random_spec(9300 + static_cast<uint64_t>(i), 100000));
      const LayerHandle layer = problem.layer(kLayouts[i % static_cast<int64_t>(std::size(kLayouts))]);
      Output first = problem.output(), second = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), first), TERNARY_OK) << ternary_last_error();
      const std::string path = ternary_last_path(runtime.get());
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), second), TERNARY_OK) << ternary_last_error();
      EXPECT_EQ(ternary_last_path(runtime.get()), path);
      ASSERT_EQ(second.y.difference(first.y, first.y.whole()), "") << problem.spec().text();
      ASSERT_EQ(problem.verdict(second, problem.expected()), "");
    }
  }
}

TEST(Plan, RefusalsAreCountedAtEveryCall) {
  const std::vector<std::string> isas = available_isas();
  if (isas.size() == 1) GTEST_SKIP() << "only portable kernels here: nothing falls back";
  const Served product(base_spec(), TERNARY_LAYOUT_I2S);
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isas.back());
  product.call(runtime.get());
  const Counts once = counters_of(runtime.get()).fallbacks;
  ASSERT_FALSE(once.empty());
  for (uint64_t calls = 2; calls <= 5; ++calls) {
    product.call(runtime.get());
    Counts expected;
    for (const auto& [path, n] : once) expected[path] = n * calls;
    EXPECT_EQ(counters_of(runtime.get()).fallbacks, expected);
  }
}

TEST(Plan, I2sOnlyFailsAtEveryCall) {
  const std::vector<std::string> isas = available_isas();
  if (isas.size() == 1) GTEST_SKIP() << "only portable kernels here: nothing falls back";
  const Problem problem(base_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S);
  const RuntimeHandle runtime = make_runtime("TERNARY_I2S_ONLY=1\nTERNARY_MAX_ISA=" + isas.back());
  std::string first;
  for (uint64_t call = 1; call <= 4; ++call) {
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_UNSUPPORTED);
    if (call == 1) first = ternary_last_error();
    EXPECT_NE(first.find("TERNARY_I2S_ONLY=1 and "), std::string::npos) << first;
    EXPECT_EQ(ternary_last_error(), first);
    EXPECT_EQ(got.y.anything_written(), "");
    const Counters counters = counters_of(runtime.get());
    EXPECT_TRUE(counters.paths.empty());
    ASSERT_EQ(counters.fallbacks.size(), 1u);
    EXPECT_EQ(counters.fallbacks.begin()->second, call);
  }
}

/** What is listed of the CPU's plans; dispatch_test.cc of tests/cuda has those of a GPU. */
RuntimeHandle on_cpu(const std::string& settings) { return make_runtime("TERNARY_DEVICE=cpu\n" + settings); }

int64_t number_of(const std::string& json, const std::string& name) { return std::stoll(json_value(json, name)); }

/** Those of `plans`, which have no objects inside. */
std::vector<std::string> listed(const ternary_runtime* runtime) {
  const std::string document = plans_of(runtime);
  const size_t end = document.find(",\"experts\":");
  std::vector<std::string> plans;
  for (size_t at = document.find("{\"path\":"); at < end; at = document.find("{\"path\":", at + 1)) {
    plans.push_back(document.substr(at, document.find('}', at) + 1 - at));
  }
  return plans;
}

TEST(PlanList, OfRuntimesThatDoTheSameIsTheSameAndOfOthersIsNot) {
  std::vector<Served> products;
  for (const auto& [spec, layout] : neighbours()) products.emplace_back(spec, layout);
  const auto plans_with = [&](const std::string& settings, bool backward) {
    const RuntimeHandle runtime = on_cpu("TERNARY_MAX_ISA=portable\n" + settings);
    for (size_t i = 0; i < products.size(); ++i) {
      products[backward ? products.size() - 1 - i : i].call(runtime.get());
      products[0].call(runtime.get());
    }
    EXPECT_EQ(listed(runtime.get()).size(), products.size());
    return plans_of(runtime.get());
  };
  const std::string plans = plans_with("TERNARY_NUM_THREADS=2", false);
  EXPECT_EQ(plans_with("TERNARY_NUM_THREADS=2", true), plans);
  EXPECT_EQ(plans_with("TERNARY_NUM_THREADS=2\nTERNARY_I2S_SPLITS=4", false), plans) << "a knob of GPUs alone";
  EXPECT_NE(plans_with("TERNARY_NUM_THREADS=3", false), plans);
}

TEST(PlanList, SaysWhatWasServedByWhat) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 3, 260, 520);
  spec.norm = true;
  spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = 64;
  spec.block = 32;
  const RuntimeHandle runtime = on_cpu("TERNARY_NUM_THREADS=1\nTERNARY_MAX_ISA=portable");
  EXPECT_EQ(plans_of(runtime.get()),
            "{\"made\":0,\"kept\":0,\"launches\":0,\"pdl_launches\":0,\"plans\":[],\"experts\":[]}");
  const Served product(spec, TERNARY_LAYOUT_T5_TILED);
  for (int call = 0; call < 2; ++call) product.call(runtime.get());
  EXPECT_EQ(plans_of(runtime.get()),
            "{\"made\":1,\"kept\":1,\"launches\":0,\"pdl_launches\":0,\"plans\":[{\"path\":\"gemm_a8_t5.cpu.portable\","
            "\"kernel\":\"gemm_a8_t5_64x16__portable\",\"layout\":\"t5_tiled\",\"activation\":\"a8\",\"M\":3,\"N\":260,"
            "\"K\":520,\"group\":64,\"block\":32,\"norm\":true,\"threads\":1,\"chunks\":1,\"m_size\":3,\"n_size\":260,"
            "\"row_threads\":1,\"row_size\":3}],\"experts\":[]}");
  spec = plain_spec(TERNARY_A16, 1, 32, 64);
  Served(spec, TERNARY_LAYOUT_I2S_TILED).call(runtime.get());
  const std::string first = listed(runtime.get()).front();
  EXPECT_EQ(json_value(first, "activation"), "a16") << first;
  EXPECT_EQ(json_value(first, "layout"), "i2s_tiled") << first;
}

TEST(PlanList, ChunksCoverYAndThreadsAndIsaShow) {
  const Served product(plain_spec(TERNARY_A8, 64, 1024, 512), TERNARY_LAYOUT_I2S_TILED);
  const auto plan_with = [&](const std::string& settings) {
    const RuntimeHandle runtime = on_cpu(settings);
    product.call(runtime.get());
    return listed(runtime.get()).at(0);
  };
  for (const int64_t threads : {1, 2, 3}) {
    const std::string plan = plan_with("TERNARY_MAX_ISA=portable\nTERNARY_NUM_THREADS=" + std::to_string(threads));
    EXPECT_EQ(number_of(plan, "threads"), threads);
    const int64_t m_size = number_of(plan, "m_size"), n_size = number_of(plan, "n_size");
    const int64_t count = (64 + m_size - 1) / m_size * ((1024 + n_size - 1) / n_size);
    EXPECT_EQ(number_of(plan, "chunks"), count) << plan;
    EXPECT_EQ(count > 1, threads > 1) << plan;
    EXPECT_EQ(number_of(plan, "row_size") == 64, threads == 1) << plan;
  }
  for (const std::string& isa : available_isas()) {
    const std::string plan = plan_with("TERNARY_MAX_ISA=" + isa), kernel = json_value(plan, "kernel");
    EXPECT_EQ(kernel.substr(kernel.find("__")), "__" + isa) << plan;
  }
}

TEST(PlanList, SaysHowManyAreKeptOfThoseThatWereMade) {
  const RuntimeHandle runtime = on_cpu("TERNARY_NUM_THREADS=1");
  const Problem problem(plain_spec(TERNARY_A8, 400, 16, 32));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  std::vector<float> x(400 * 32), y(400 * 16);
  for (int64_t M = 1; M <= 400; ++M) {
    const ternary_operands o = product_of(x.data(), TERNARY_F32, 32, y.data(), TERNARY_F32, 16, M);
    ASSERT_EQ(ternary_apply(runtime.get(), layer.get(), &o), TERNARY_OK) << ternary_last_error();
  }
  const std::vector<std::string> plans = listed(runtime.get());
  EXPECT_EQ(number_of(plans_of(runtime.get()), "made"), 400);
  EXPECT_EQ(number_of(plans_of(runtime.get()), "kept"), static_cast<int64_t>(plans.size()));
  EXPECT_LE(plans.size(), 256u);
  EXPECT_GT(plans.size(), 128u);
}

TEST(PlanList, StagesOfExpertsAreThoseThatServed) {
  const MoeProblem problem(plain_moe_spec(2, 2, 4, 64, 96));
  const auto experts_with = [&](const std::string& settings) {
    const RuntimeHandle runtime = on_cpu(settings);
    const MoeOutput got = problem.output();
    const ternary_moe_operands o = problem.operands(got);
    EXPECT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &o), TERNARY_OK) << ternary_last_error();
    EXPECT_TRUE(listed(runtime.get()).empty());
    const std::string document = plans_of(runtime.get());
    return document.substr(document.find("\"experts\":"));
  };
  const auto stage = [](const std::string& path, const std::string& kernel) {
    return "{\"path\":\"moe_" + path + ".cpu.portable\",\"kernel\":\"" + kernel + "__portable\",\"most_threads\":3}";
  };
  EXPECT_EQ(experts_with("TERNARY_NUM_THREADS=3\nTERNARY_MAX_ISA=portable"),
            "\"experts\":[" + stage("activations.activations", "activations_any_row_1x16") + ',' +
                stage("gate_up.gemm_a8_i2s", "gemm_a8_i2s_64x16") + ',' + stage("gate.gate", "gate_any_row_1x16") +
                ',' + stage("down.gemm_a8_i2s", "gemm_a8_i2s_64x16") + ',' +
                stage("combine.combine", "combine_any_row_1x16") + "]}");
  EXPECT_EQ(experts_with("TERNARY_COLLECT_PATH_STATS=0"), "\"experts\":[]}") << "nothing is counted";
}

}  // namespace
}  // namespace ternary::test
