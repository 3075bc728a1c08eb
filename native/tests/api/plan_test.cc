// What a runtime keeps of a product that it has served: the next one of the same sizes has the same bits and counts the
// same, and one of other sizes is not taken for it.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/problem.h"

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

TEST(Plan, ListsOfRuntimesThatDoTheSameAreTheSameAndOfOthersAreNot) {
  std::vector<Served> products;
  for (const auto& [spec, layout] : neighbours()) products.emplace_back(spec, layout);
  const auto plans_with = [&](const std::string& settings, bool backward) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=portable\n" + settings);
    for (size_t i = 0; i < products.size(); ++i) {
      products[backward ? products.size() - 1 - i : i].call(runtime.get());
      products[0].call(runtime.get());
    }
    return plans_of(runtime.get());
  };
  const std::string plans = plans_with("TERNARY_NUM_THREADS=2", false);
  EXPECT_EQ(plans_with("TERNARY_NUM_THREADS=2", true), plans);
  EXPECT_EQ(plans_with("TERNARY_NUM_THREADS=2\nTERNARY_I2S_SPLITS=4", false), plans) << "a knob of GPUs alone";
  EXPECT_NE(plans_with("TERNARY_NUM_THREADS=3", false), plans);
}

TEST(Plan, AListSaysWhatWasServedByWhat) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 3, 260, 520);
  spec.norm = true;
  spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = 64;
  spec.block = 32;
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1");
  EXPECT_EQ(plans_of(runtime.get()), "{\"made\":0,\"plans\":[]}");
  Served(spec, TERNARY_LAYOUT_I2S_TILED).call(runtime.get());
  EXPECT_NE(plans_of(runtime.get())
                .find("\"M\":3,\"N\":260,\"K\":520,\"group\":64,\"block\":32,\"norm\":true,\"threads\":1,"
                      "\"chunks\":1,\"row_threads\":1}]}"),
            std::string::npos)
      << plans_of(runtime.get());
  EXPECT_EQ(plans_of(runtime.get()).rfind("{\"made\":1,\"plans\":[{\"path\":\"gem", 0), 0u) << plans_of(runtime.get());
}

}  // namespace
}  // namespace ternary::test
