// Routers, sums over slots and sorted slots on every instruction set against the oracle: the same ids and bits.
#include <gtest/gtest.h>

#include <algorithm>

#include "experts/moe_problem.h"
#include "experts/route_problem.h"

namespace ternary::test {
namespace {

std::vector<RuntimeHandle> runtimes_of_every_isa() {
  std::vector<RuntimeHandle> runtimes;
  for (const std::string& isa : available_isas()) runtimes.push_back(make_runtime("TERNARY_MAX_ISA=" + isa));
  return runtimes;
}

TEST(Route, GeneratedProblemsOnEveryIsa) {
  const std::vector<RuntimeHandle> runtimes = runtimes_of_every_isa();
  const int64_t count = samples(3000);
  for (int64_t i = 0; i < count; ++i) {
    const RouteProblem problem(static_cast<uint64_t>(i));
    const RouteProblem::Result expected = problem.expected();
    set_crash_note(problem.text());
    for (const RuntimeHandle& runtime : runtimes) {
      const RouteProblem::Result got = problem.run([&](const ternary_route_operands& o) {
        ASSERT_EQ(ternary_route(runtime.get(), &o), TERNARY_OK) << ternary_last_error() << " in " << problem.text();
      });
      ASSERT_EQ(got.ids, expected.ids) << problem.text() << ", seed " << i;
      ASSERT_EQ(got.weights.difference(expected.weights, got.weights.whole()), "") << problem.text() << ", seed " << i;
      ASSERT_EQ(got.weights.outside_written(got.weights.whole()), "") << problem.text() << ", seed " << i;
    }
  }
}

/** Experts' outputs, by generated layers that leave them apart: their sums are what the layer without that gives. */
TEST(Combine, IsWhatALayerDoesAtItsEnd) {
  for (const RuntimeHandle& runtime : runtimes_of_every_isa()) {
    for (uint64_t seed = 1; seed <= static_cast<uint64_t>(samples(60)); ++seed) {
      const CombineProblem problem(seed);
      const MoeOutput got = problem.whole.output();
      const ternary_combine_operands o = problem.operands(got);
      ASSERT_EQ(ternary_combine(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.whole.verdict(got, problem.expected), "");
    }
  }
}

TEST(Align, SortsSlotsByExpertAndKeepsTheirOrder) {
  const RuntimeHandle runtime = make_runtime();
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    const AlignProblem problem(random);
    const AlignProblem::Result got = problem.run([&](const ternary_align_operands& o) {
      ASSERT_EQ(ternary_align(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    });
    ASSERT_EQ(got.offsets, problem.expected().offsets);
    ASSERT_EQ(got.slots, problem.expected().slots);
  }
}

}  // namespace
}  // namespace ternary::test
