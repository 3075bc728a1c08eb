// Layers of experts on every instruction set against the oracle: the same bits whatever the routing, the batch and the threads.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "experts/moe_problem.h"

namespace ternary::test {
namespace {

std::string run(ternary_runtime* runtime, const MoeProblem& problem, const MoeOutput& expected) {
  set_crash_note(problem.spec().text());
  const MoeOutput got = problem.output();
  const ternary_moe_operands operands = problem.operands(got);
  if (ternary_apply_moe(runtime, problem.moe(), &operands) != TERNARY_OK) {
    return std::string(ternary_last_error()) + " in " + problem.spec().text();
  }
  return problem.verdict(got, expected);
}

TEST(Moe, GeneratedProblemsOnEveryIsa) {
  std::vector<RuntimeHandle> runtimes;
  for (const std::string& isa : available_isas()) runtimes.push_back(make_runtime("TERNARY_MAX_ISA=" + isa));
  const int64_t count = samples(400);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(random_moe_spec(5000 + static_cast<uint64_t>(i)));
    const MoeOutput expected = problem.expected();
    for (const RuntimeHandle& runtime : runtimes) ASSERT_EQ(run(runtime.get(), problem, expected), "");
  }
}

TEST(Moe, ThreadsShareAnyRouting) {
  std::vector<RuntimeHandle> runtimes;
  for (const char* threads : {"1", "2", "5"}) {
    runtimes.push_back(make_runtime(std::string("TERNARY_NUM_THREADS=") + threads));
  }
  for (const Routing routing : {Routing::random, Routing::one, Routing::each_apart}) {
    for (const int64_t M : {1, 7, 33}) {
      MoeProblemSpec spec = plain_moe_spec(M, 4, 16, 512, 320);
      spec.routing = routing;
      const MoeProblem problem(spec);
      const MoeOutput expected = problem.expected();
      for (const RuntimeHandle& runtime : runtimes) ASSERT_EQ(run(runtime.get(), problem, expected), "");
    }
  }
}

/** Known failure of an earlier system: right for one token, wrong for more. */
TEST(Moe, RowsGiveTheSameBitsAloneAndInABatch) {
  const RuntimeHandle runtime = make_runtime();
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    MoeProblemSpec spec = random_moe_spec(seed);
    spec.M = 6;
    spec.in_place = false;
    const MoeProblem problem(spec);
    const MoeOutput expected = problem.expected();
    for (int64_t m = 0; m < spec.M; ++m) {
      const MoeOutput got = problem.output();
      const ternary_moe_operands operands = problem.operands(got, m, 1);
      ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.verdict(got, expected, m, 1), "") << "row " << m;
    }
  }
}

/** More rows than one piece of scratch is for. */
TEST(Moe, ManyRowsAreTakenInParts) {
  // Gates and ups of all slots are 131 MB, of 64 that a part may take; few columns of X, since sanitizers are slow.
  MoeProblemSpec spec = plain_moe_spec(500, 8, 4, 32, 4096);
  spec.residual = spec.in_place = true;
  const MoeProblem problem(spec);
  const RuntimeHandle runtime = make_runtime();
  const MoeOutput all = problem.output();
  const ternary_moe_operands operands = problem.operands(all);
  ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
  // The oracle would take long for all of them.
  for (int64_t m = 0; m < spec.M; m += 7) {
    const MoeOutput one = problem.output();
    const ternary_moe_operands row = problem.operands(one, m, 1);
    ASSERT_EQ(ternary_oracle_apply_moe(problem.moe(), &row), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(all.y.difference(one.y, {m, m + 1, 0, spec.H}, -m), "");
  }
}

/** Known failure of an earlier system: scratch that layers shared. */
TEST(Moe, ManyThreadsOnTwoLayers) {
  const MoeProblem first(plain_moe_spec(3, 4, 8, 256, 192)), second(plain_moe_spec(17, 2, 5, 200, 96));
  const MoeOutput first_expected = first.expected(), second_expected = second.expected();
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 16; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const bool odd = (t + i) % 2 == 1;
        wrong += !run(runtime.get(), odd ? second : first, odd ? second_expected : first_expected).empty();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Moe, AnIdOutsideIsAnErrorBeforeAnythingIsWritten) {
  const RuntimeHandle runtime = make_runtime();
  MoeProblem problem(plain_moe_spec(3, 2, 4, 64, 32));
  for (const int32_t id : {-2, 4, INT32_MAX, INT32_MIN}) {
    problem.ids[3] = id;
    const MoeOutput got = problem.output();
    const ternary_moe_operands operands = problem.operands(got);
    EXPECT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find("row 1, slot 1 is " + std::to_string(id)), std::string::npos)
        << ternary_last_error();
    EXPECT_EQ(got.y.anything_written(), "");
  }
}

/** Known failure of an earlier system: a dense fallback in silence. */
TEST(Moe, EveryStageIsCounted) {
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=portable");
  const MoeProblem problem(plain_moe_spec(5, 2, 4, 64, 32));
  ASSERT_EQ(run(runtime.get(), problem, problem.expected()), "");
  const Counts expected = {{"moe_activations.activations.cpu.portable", 1},
                           {"moe_gate_up.gemm_a8_i2s.cpu.portable", 1},
                           {"moe_gate.gate.cpu.portable", 1},
                           {"moe_down.gemm_a8_i2s.cpu.portable", 1},
                           {"moe_combine.combine.cpu.portable", 1}};
  EXPECT_EQ(counters_of(runtime.get()).paths, expected);
  EXPECT_EQ(std::string(ternary_last_path(runtime.get())), "moe_gate_up.gemm_a8_i2s.cpu.portable");
}

TEST(Moe, EveryStageSaysHowLongItTook) {
  const MoeProblem problem(plain_moe_spec(5, 2, 4, 64, 32));
  const auto times_of = [&](const char* settings) {
    const RuntimeHandle runtime = make_runtime(settings);
    EXPECT_EQ(run(runtime.get(), problem, problem.expected()), "");
    return parse_counters(counters_json_of(runtime.get()), "stage_nanoseconds").paths;
  };
  const Counts times = times_of("");
  ASSERT_EQ(times.size(), 5u);
  for (const char* stage : {"moe_activations", "moe_gate_up", "moe_gate", "moe_down", "moe_combine"}) {
    EXPECT_GT(times.at(stage), 0u) << stage;
    EXPECT_LT(times.at(stage), 1000000000u) << stage;
  }
  EXPECT_EQ(times_of("TERNARY_COLLECT_PATH_STATS=0"), Counts());
}

}  // namespace
}  // namespace ternary::test
