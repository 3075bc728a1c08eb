// Many threads on one set of weights and one runtime: the corruption that shared scratch causes, made likely and looked
// for. The thread sanitizer's preset runs this too.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/problem.h"

namespace ternary::test {
namespace {

struct Shared {
  explicit Shared(const ProblemSpec& spec)
      : problem(spec), layer(problem.layer(TERNARY_LAYOUT_I2S_TILED)), expected(problem.expected()) {}
  Problem problem;
  LayerHandle layer;
  Output expected;
};

/** Problems of unequal size, so that scratch grows and shrinks and chunks of different calls interleave. */
std::vector<std::unique_ptr<Shared>> shared_problems() {
  std::vector<std::unique_ptr<Shared>> all;
  for (auto [M, N, K] :
       {std::tuple<int64_t, int64_t, int64_t>{1, 640, 900}, {40, 33, 300}, {7, 300, 64}, {1, 3, 5}, {64, 200, 130}}) {
    ProblemSpec spec;
    spec.M = M;
    spec.N = N;
    spec.K = K;
    spec.bias = true;
    spec.norm = M == 7;
    if (spec.norm) spec.residual = TERNARY_F16;
    spec.activation = M == 40 ? TERNARY_A16 : TERNARY_A8;
    spec.kind = M == 64 ? TERNARY_ALPHA_GROUP : TERNARY_ALPHA_ROW;
    spec.group = M == 64 ? 64 : 0;
    all.push_back(std::make_unique<Shared>(spec));
  }
  return all;
}

void call_from_many_threads(ternary_runtime* runtime, int threads, int calls) {
  const auto problems = shared_problems();
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < calls; ++i) {
        const Shared& shared = *problems[static_cast<size_t>(t + i) % problems.size()];
        Output got = shared.problem.output();
        if (shared.problem.run(runtime, shared.layer.get(), got) != TERNARY_OK ||
            !shared.problem.verdict(got, shared.expected).empty()) {
          wrong.fetch_add(1);
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0) << "of " << threads * calls << " calls";
}

TEST(Concurrency, ManyCallersOfOneRuntime) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3\nTERNARY_MAX_ISA=" + isa);
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    call_from_many_threads(runtime.get(), 8, 60);
  }
}

TEST(Concurrency, OneCallerAndManyWorkers) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=8");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  call_from_many_threads(runtime.get(), 1, 400);
}

TEST(Concurrency, RuntimesMadeAndEndedBesideCalls) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    while (!stop) {
      const RuntimeHandle other = make_runtime("TERNARY_NUM_THREADS=3");
      EXPECT_NE(other, nullptr) << ternary_last_error();
      EXPECT_EQ(ternary_runtime_reset_counters(other.get()), TERNARY_OK);
      EXPECT_FALSE(counters_of(runtime.get()).pid == 0);
    }
  });
  call_from_many_threads(runtime.get(), 3, 100);
  stop = true;
  churn.join();
}

TEST(Concurrency, WeightsMadeInParallel) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  std::atomic<int> wrong{0};
  std::vector<std::thread> makers;
  for (uint64_t t = 0; t < 4; ++t) {
    makers.emplace_back([&, t] {
      for (uint64_t i = 0; i < 12; ++i) {
        ProblemSpec spec = random_spec(t * 100 + i, 60000);
        const Shared shared(spec);
        Output got = shared.problem.output();
        if (shared.problem.run(runtime.get(), shared.layer.get(), got) != TERNARY_OK ||
            !shared.problem.verdict(got, shared.expected).empty()) {
          wrong.fetch_add(1);
        }
      }
    });
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace ternary::test
