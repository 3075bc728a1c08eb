// Layers of experts on streams: workspaces, capture with other ids, two streams, ids that no expert has, a chain behind a
// router.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cuda/experts/device_moe.h"
#include "support/cuda/captured_graph.h"
#include "support/cuda/launches.h"

namespace ternary::test {
namespace {

TEST(CudaMoe, IdsOnTheDeviceThatNoExpertHasContributeNothingAndAreToldOnce) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  for (const int64_t M : {3, 90}) {
    MoeProblem problem(plain_moe_spec(M, 3, 4, 96, 64));
    DeviceMoe there(problem);
    std::vector<int32_t> ids = problem.ids;
    ids[1] = 4;
    ids[4] = -2;
    ids[8] = INT32_MAX;
    there.set_ids(ids);
    ASSERT_EQ(there.start(runtime.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find("had 3 ids"), std::string::npos) << ternary_last_error();
    EXPECT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    problem.ids[1] = problem.ids[4] = problem.ids[8] = -1;
    EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
  }
}

TEST(CudaMoe, AGraphReplayedWithOtherIds) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  for (const int64_t M : {2, 70}) {
    MoeProblemSpec spec = plain_moe_spec(M, 4, 6, 160, 96);
    spec.spec.block = 32;
    MoeProblem problem(spec);
    DeviceMoe there(problem);
    const DeviceBytes workspace(there.workspace_bytes(runtime.get()));
    const ternary_cuda_call call = call_of(stream, workspace);
    ASSERT_EQ(ternary_prepare_moe(runtime.get(), problem.moe()), TERNARY_OK) << ternary_last_error();
    const Graph graph(stream, [&] { ASSERT_EQ(there.start(runtime.get(), call), TERNARY_OK) << ternary_last_error(); });
    for (int turn = 0; turn < 3; ++turn) {
      std::rotate(problem.ids.begin(), problem.ids.begin() + 1, problem.ids.end());
      there.set_ids(problem.ids);
      graph.launch(stream);
      ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.verdict(there.fetch(), problem.expected()), "") << turn;
    }
  }
}

TEST(CudaMoe, CaptureNeedsAPreparedLayerAndAWorkspace) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  const MoeProblem problem(plain_moe_spec(2, 2, 3, 64, 32));
  const DeviceMoe there(problem);
  const DeviceBytes workspace(there.workspace_bytes(runtime.get()));
  const auto refused = [&](const ternary_cuda_call& call, const char* what) {
    EXPECT_EQ(there.start(runtime.get(), call), TERNARY_ILLEGAL_STATE);
    EXPECT_NE(std::string(ternary_last_error()).find(what), std::string::npos) << ternary_last_error();
  };
  must(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "begin capture");
  refused(call_of(stream, workspace), "ternary_prepare_moe() must have run before");
  refused(call_of(stream), "no workspace is given");
  cudaGraph_t graph = nullptr;
  must(cudaStreamEndCapture(stream.get(), &graph), "end capture");
  cudaGraphDestroy(graph);
}

TEST(CudaMoe, AWorkspaceIsTheCallersAndLargeEnough) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  const MoeProblem problem(plain_moe_spec(5, 2, 3, 64, 32));
  const DeviceMoe there(problem);
  const DeviceBytes workspace(there.workspace_bytes(runtime.get()));
  EXPECT_EQ(there.start(runtime.get(), {stream.get(), workspace.get(), workspace.bytes() - 1}),
            TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("ternary_moe_workspace_bytes() says"), std::string::npos);
  int64_t bytes = 0;
  EXPECT_EQ(ternary_moe_workspace_bytes(runtime.get(), problem.moe(), 0, 1, &bytes), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_moe_workspace_bytes(runtime.get(), problem.moe(), 1, 65, &bytes), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_moe_workspace_bytes(runtime.get(), problem.moe(), 1, 1, nullptr), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_moe_workspace_bytes(runtime.get(), nullptr, 1, 1, &bytes), TERNARY_INVALID_ARGUMENT);
}

/** What a call of up to M rows is told is enough for all of them: by numbers alone, 10,000 shapes. */
TEST(CudaMoe, FewerRowsNeedNoMoreWorkspace) {
  const RuntimeHandle runtime = gpu_runtime();
  Random random(11);
  const int64_t count = samples(100);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(random_moe_spec(static_cast<uint64_t>(i)));
    for (int j = 0; j < 100; ++j) {
      const int64_t T = random.integer(1, 64), M = random.integer(1, 20000), fewer = random.integer(1, M);
      int64_t bytes = 0, of_fewer = 0;
      ASSERT_EQ(ternary_moe_workspace_bytes(runtime.get(), problem.moe(), M, T, &bytes), TERNARY_OK);
      ASSERT_EQ(ternary_moe_workspace_bytes(runtime.get(), problem.moe(), fewer, T, &of_fewer), TERNARY_OK);
      ASSERT_LE(of_fewer, bytes) << problem.spec().text() << ", " << fewer << " of " << M << " rows, " << T << " slots";
    }
  }
}

/** Known failure of an earlier system: scratch that layers shared. */
TEST(CudaMoe, TwoLayersOnTwoStreamsShareNothing) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream one, other;
  const MoeProblem first(plain_moe_spec(3, 4, 8, 256, 192)), second(plain_moe_spec(17, 2, 5, 200, 96));
  const MoeOutput first_expected = first.expected(), second_expected = second.expected();
  for (int turn = 0; turn < 3; ++turn) {
    const DeviceMoe a(first), b(second), c(first), d(second);
    ASSERT_EQ(a.start(runtime.get(), call_of(one)), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(b.start(runtime.get(), call_of(other)), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(d.start(runtime.get(), call_of(one)), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(c.start(runtime.get(), call_of(other)), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_synchronise(runtime.get(), one.get()), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_synchronise(runtime.get(), other.get()), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(first.verdict(a.fetch(), first_expected), "");
    EXPECT_EQ(second.verdict(b.fetch(), second_expected), "");
    EXPECT_EQ(first.verdict(c.fetch(), first_expected), "");
    EXPECT_EQ(second.verdict(d.fetch(), second_expected), "");
  }
}

/** The same with a workspace that both are given: a race, so that one of the library's own would be seen. */
TEST(CudaOneWorkspace, OfTwoStreamsIsARace) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream one, other;
  const MoeProblem problem(plain_moe_spec(3, 4, 8, 256, 192));
  const DeviceMoe a(problem), b(problem);
  const DeviceBytes workspace(a.workspace_bytes(runtime.get()));
  ASSERT_EQ(a.start(runtime.get(), call_of(one, workspace)), TERNARY_OK) << ternary_last_error();
  ASSERT_EQ(b.start(runtime.get(), call_of(other, workspace)), TERNARY_OK) << ternary_last_error();
  const bool faults =
      cudaStreamSynchronize(one.get()) != cudaSuccess || cudaStreamSynchronize(other.get()) != cudaSuccess;
  EXPECT_TRUE(faults);
}

/** Ids and weights of `rows` rows of a router whose logits are given, by `route(operands)`. */
template <typename Route>
void route(const ternary_moe_operands& to, const float* logits, int64_t E, const Route& run) {
  ternary_route_operands o = {};
  o.size = sizeof o;
  o.M = to.M;
  o.E = E;
  o.k = to.T;
  o.logits = logits;
  o.ld_logits = E;
  o.ids = const_cast<int32_t*>(to.expert_ids);
  o.ld_ids = to.ld_ids;
  o.weights = const_cast<void*>(to.expert_weights);
  o.ld_weights = to.ld_weights;
  o.scaling = 1;
  ASSERT_EQ(run(o), TERNARY_OK) << ternary_last_error();
}

/** Launches of a router and two layers: all but the first began while the one before was running. */
void check_chain(const std::vector<SeenLaunch>& seen, size_t count) {
  if (seen.empty()) return;  // a GPU
  ASSERT_EQ(seen.size(), count);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_TRUE(seen[i].programmatic) << seen[i].kernel;
    EXPECT_EQ(seen[i].began_early, i > 0) << seen[i].kernel;
    // Its products read ids before their wait, so it lets them start behind its own.
    const bool behind_wait = seen[i].kernel.find("expert_rows") != std::string::npos;
    EXPECT_EQ(seen[i].let_dependents_start, i > 0 && !behind_wait) << seen[i].kernel;
  }
}

/** Ids and X never leave the device, and every kernel may begin before the one before it has ended. */
TEST(CudaMoe, TwoLayersBehindARouterAreAChain) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  constexpr int64_t kExperts = 8;
  Random random(5);
  for (const int64_t M : {1, 3, 90}) {
    const MoeProblem first(plain_moe_spec(M, 3, kExperts, 160, 96)), second(plain_moe_spec(M, 3, kExperts, 160, 96));
    const OutputMatrix logits = bell_matrix(random, TERNARY_F32, M, kExperts, kExperts);
    const DeviceBytes there(logits.data(), M * kExperts * 4);
    const DeviceMoe one(first);
    DeviceMoe other(second);
    other.follow(one);
    // Not the runtime's own, which would wait for the device when it grows.
    const DeviceBytes workspace(one.workspace_bytes(runtime.get())), of_route(64 << 10);
    const ternary_cuda_call call = call_of(stream, workspace), route_call = call_of(stream, of_route);
    // A first call makes what waits for the device: copies of layers, and where wrong ids are counted.
    ASSERT_EQ(one.start(runtime.get(), call), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_prepare_moe(runtime.get(), second.moe()), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    forget_launches();
    route(one.operands(), there.as<float>(), kExperts, [&](ternary_route_operands& o) {
      o.call = &route_call;
      return ternary_route_async(runtime.get(), &o);
    });
    ASSERT_EQ(one.start(runtime.get(), call), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(other.start(runtime.get(), call), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    const bool pdl = std::stoi(arch_of(runtime.get()).substr(2)) >= 90;
    if (pdl) check_chain(seen_launches(), M < 90 ? 7 : 13);

    const MoeOutput out = first.output(), expected = second.output();
    std::vector<int32_t> ids(M * 3);
    std::vector<float> weights(M * 3);
    ternary_moe_operands o = first.operands(out), then = second.operands(expected);
    o.expert_ids = then.expert_ids = ids.data();
    o.expert_weights = then.expert_weights = weights.data();
    o.ld_weights = then.ld_weights = 3;
    route(o, reinterpret_cast<const float*>(logits.data()), kExperts,
          [](ternary_route_operands& of_router) { return ternary_oracle_route(&of_router); });
    ASSERT_EQ(ternary_oracle_apply_moe(first.moe(), &o), TERNARY_OK) << ternary_last_error();
    then.x = o.y;
    then.ldx = o.ldy;
    ASSERT_EQ(ternary_oracle_apply_moe(second.moe(), &then), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(second.verdict(other.fetch(), expected), "") << M;
  }
}

}  // namespace
}  // namespace ternary::test
