// Calls that have been made before allocate nothing. A program of its own, because the counting is the whole process's.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "experts/moe_problem.h"
#include "support/allocations.h"
#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** Allocations of the whole process while the body runs, those of the library's threads with them. */
template <typename Body>
int64_t allocations_of(Body body) {
  const int64_t before = allocations();
  body();
  return allocations() - before;
}

std::vector<ProblemSpec> specs() {
  ProblemSpec plain = plain_spec(TERNARY_A8, 1, 300, 520);
  std::vector<ProblemSpec> all = {plain, plain_spec(TERNARY_A8, 40, 300, 520), plain_spec(TERNARY_A16, 3, 300, 520),
                                  plain_spec(TERNARY_A8, 1, 16, 16)};
  for (ProblemSpec spec : {all[0], all[1], all[2]}) {
    spec.norm = true;
    spec.residual = TERNARY_F16;
    all.push_back(spec);
  }
  plain.kind = TERNARY_ALPHA_GROUP;
  plain.group = 64;
  all.push_back(plain);
  return all;
}

TEST(Allocations, AreSeen) {
  const Problem problem(specs().front());
  EXPECT_GT(allocations_of([&] { problem.layer(TERNARY_LAYOUT_I2S_TILED); }), 0);
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  Output got = problem.output();
  EXPECT_GT(allocations_of([&] { problem.run(runtime.get(), layer.get(), got); }), 0) << "scratch of a first call";
}

TEST(Allocations, NoneByAProductThatWasMadeBefore) {
  for (
      const char* settings :
      {"TERNARY_NUM_THREADS=1", "TERNARY_NUM_THREADS=3", "TERNARY_NUM_THREADS=2\nTERNARY_FUSE_RMSNORM_QKV=0",
       "TERNARY_NUM_THREADS=1\nTERNARY_VALIDATE=1",  // the first call is compared, and of these samples the first alone
       "TERNARY_NUM_THREADS=3\nTERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1000"}) {
    for (const ProblemSpec& spec : specs()) {
      for (const ternary_layout layout : kLayouts) {  // the first falls back
        const RuntimeHandle runtime = make_runtime(settings);
        const Problem problem(spec);
        const LayerHandle layer = problem.layer(layout);
        Output got = problem.output();
        const ternary_operands operands = problem.operands(got, 0, spec.M);
        ASSERT_EQ(ternary_apply(runtime.get(), layer.get(), &operands), TERNARY_OK) << ternary_last_error();
        for (int call = 2; call <= 20; ++call) {
          ternary_status status = TERNARY_OK;
          ASSERT_EQ(allocations_of([&] { status = ternary_apply(runtime.get(), layer.get(), &operands); }), 0)
              << "call " << call << " of " << spec.text() << " with " << settings;
          ASSERT_EQ(status, TERNARY_OK);
        }
        EXPECT_EQ(problem.verdict(got, problem.expected()), "");
      }
    }
  }
}

TEST(Allocations, NoneByRowsThatAreQuantisedAgain) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  const Problem problem(plain_spec(TERNARY_A8, 40, 1, 520));
  std::vector<int8_t> q(40 * 520);
  std::vector<float> s(40);
  const ternary_quantise_operands operands =
      quantised(problem.x.data(), TERNARY_F32, 520, q.data(), 520, s.data(), 40, 520);
  ASSERT_EQ(ternary_quantise(runtime.get(), &operands), TERNARY_OK) << ternary_last_error();
  for (int call = 2; call <= 20; ++call) {
    EXPECT_EQ(allocations_of([&] { ternary_quantise(runtime.get(), &operands); }), 0) << "call " << call;
  }
}

/** Whatever the routing: scratch is for as many slots as there are. */
TEST(Allocations, NoneByALayerOfExpertsThatWasAppliedBefore) {
  for (const char* settings : {"TERNARY_NUM_THREADS=1", "TERNARY_NUM_THREADS=3",
                               "TERNARY_NUM_THREADS=1\nTERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1000"}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const RuntimeHandle runtime = make_runtime(settings);
      const MoeProblem problem(random_moe_spec(seed));
      const MoeOutput got = problem.output();
      std::vector<int32_t> ids = problem.ids;
      ternary_moe_operands operands = problem.operands(got);
      operands.expert_ids = ids.data();
      ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
      for (int call = 2; call <= 10; ++call) {
        for (int32_t& id : ids) id = static_cast<int32_t>((id + call) % problem.spec().E);
        ternary_status status = TERNARY_OK;
        ASSERT_EQ(allocations_of([&] { status = ternary_apply_moe(runtime.get(), problem.moe(), &operands); }), 0)
            << "call " << call << " of " << problem.spec().text() << " with " << settings;
        ASSERT_EQ(status, TERNARY_OK);
      }
    }
  }
}

TEST(Allocations, NoneByARouterThatWasRunBefore) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  Random random(1);
  const OutputMatrix x = bell_matrix(random, TERNARY_BF16, 5, 300, 300);
  const OutputMatrix router = bell_matrix(random, TERNARY_BF16, 64, 300, 300);
  std::vector<int32_t> ids(5 * 8);
  std::vector<float> weights(5 * 8);
  ternary_route_operands operands = {};
  operands.size = sizeof operands;
  operands.M = 5;
  operands.E = 64;
  operands.k = 8;
  operands.H = 300;
  operands.x = x.data();
  operands.router = router.data();
  operands.ldx = operands.ld_router = 300;
  operands.x_dtype = operands.router_dtype = TERNARY_BF16;
  operands.scaling = 1;
  operands.ids = ids.data();
  operands.weights = weights.data();
  operands.ld_ids = operands.ld_weights = 8;
  ASSERT_EQ(ternary_route(runtime.get(), &operands), TERNARY_OK) << ternary_last_error();
  for (int call = 2; call <= 10; ++call) {
    EXPECT_EQ(allocations_of([&] { ternary_route(runtime.get(), &operands); }), 0) << "call " << call;
  }
}

}  // namespace
}  // namespace ternary::test
