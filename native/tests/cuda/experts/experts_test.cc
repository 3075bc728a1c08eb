// Routers, sorted slots and sums over slots on a GPU through the C interface: operands in host and in device memory,
// against the oracle with ==; workspaces, capture, and ids on the device that no expert has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "experts/route_problem.h"
#include "support/cuda/captured_graph.h"
#include "support/cuda/operand_copies.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu_runtime(const char* settings = "") {
  RuntimeHandle runtime = make_runtime(std::string("TERNARY_DEVICE=cuda\n") + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

/** A router on the device. */
class DeviceRoute {
 public:
  DeviceRoute(const RouteProblem& problem, RouteProblem::Result& result) : o_(problem.operands(result)) {
    copies_.move(o_.logits, o_.logits_dtype, o_.M, o_.E, o_.ld_logits);
    copies_.move(o_.x, o_.x_dtype, o_.M, o_.H, o_.ldx);
    copies_.move(o_.router, o_.router_dtype, o_.E, o_.H, o_.ld_router);
    copies_.move(o_.router_bias, TERNARY_F32, 1, o_.E, 0);
    copies_.move(o_.correction_bias, TERNARY_F32, 1, o_.E, 0);
    copies_.move(o_.ids, TERNARY_F32, o_.M, o_.k, o_.ld_ids);
    copies_.move(o_.weights, o_.weights_dtype, o_.M, o_.k, o_.ld_weights);
  }
  ternary_status start(ternary_runtime* runtime, const ternary_cuda_call& call) const {
    ternary_route_operands o = o_;
    o.call = &call;
    return ternary_route_async(runtime, &o);
  }
  /** Into the result. */
  void fetch() const {
    copies_.back(copies_.last() - 1);
    copies_.back(copies_.last());
  }
  const ternary_route_operands& operands() const { return o_; }

 private:
  ternary_route_operands o_;
  OperandCopies copies_;
};

std::string verdict(const RouteProblem::Result& got, const RouteProblem::Result& expected) {
  if (got.ids != expected.ids) return "other ids";
  const std::string outside = got.weights.outside_written(got.weights.whole());
  return outside.empty() ? got.weights.difference(expected.weights, got.weights.whole()) : outside;
}

DeviceBytes route_workspace(ternary_runtime* runtime, const ternary_route_operands& o) {
  int64_t bytes = 0;
  EXPECT_EQ(ternary_route_workspace_bytes(runtime, o.M, o.E, &bytes), TERNARY_OK) << ternary_last_error();
  return DeviceBytes(bytes);
}

TEST(CudaRoute, GeneratedProblemsOnHostMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(300);
  for (int64_t i = 0; i < count; ++i) {
    const RouteProblem problem(static_cast<uint64_t>(i));
    set_crash_note(problem.text());
    const RouteProblem::Result got = problem.run([&](const ternary_route_operands& o) {
      ASSERT_EQ(ternary_route(runtime.get(), &o), TERNARY_OK) << ternary_last_error() << " in " << problem.text();
    });
    ASSERT_EQ(verdict(got, problem.expected()), "") << problem.text() << ", seed " << i;
  }
}

TEST(CudaRoute, GeneratedProblemsOnDeviceMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(100);
  const Stream stream;
  for (int64_t i = 0; i < count; ++i) {
    const RouteProblem problem(7000 + static_cast<uint64_t>(i));
    set_crash_note(problem.text());
    RouteProblem::Result got = problem.poison();
    const DeviceRoute there(problem, got);
    const DeviceBytes workspace = route_workspace(runtime.get(), there.operands());
    ASSERT_EQ(there.start(runtime.get(), i % 2 == 0 ? call_of(stream, workspace) : call_of(stream)), TERNARY_OK)
        << ternary_last_error() << " in " << problem.text();
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    there.fetch();
    ASSERT_EQ(verdict(got, problem.expected()), "") << problem.text() << ", seed " << i;
  }
}

/** The first seed from `seed` on whose router has a matrix, or has none. */
uint64_t seed_of_a_router(uint64_t seed, bool matrix) {
  for (;; ++seed) {
    RouteProblem::Result room = RouteProblem(seed).poison();
    if ((RouteProblem(seed).operands(room).x != nullptr) == matrix) return seed;
  }
}

TEST(CudaRoute, AWorkspaceIsTheCallersAndLargeEnough) {
  const RuntimeHandle runtime = gpu_runtime();
  const RouteProblem problem(seed_of_a_router(1, true));
  RouteProblem::Result got = problem.poison();
  const DeviceRoute there(problem, got);
  const Stream stream;
  const DeviceBytes workspace = route_workspace(runtime.get(), there.operands());
  EXPECT_GE(workspace.bytes(), 4 * there.operands().M * there.operands().E);
  const auto refused = [&](const ternary_cuda_call& call, const char* what) {
    EXPECT_EQ(there.start(runtime.get(), call), TERNARY_INVALID_ARGUMENT) << what;
    EXPECT_NE(std::string(ternary_last_error()).find(what), std::string::npos) << ternary_last_error();
  };
  refused({stream.get(), workspace.get(), 1}, "ternary_route_workspace_bytes() says");
  refused({stream.get(), nullptr, 256}, "workspace is null");
  int64_t bytes = 0;
  EXPECT_EQ(ternary_route_workspace_bytes(runtime.get(), 0, 4, &bytes), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_route_workspace_bytes(runtime.get(), 1, 4097, &bytes), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_route_workspace_bytes(runtime.get(), 1, 4, nullptr), TERNARY_INVALID_ARGUMENT);
  must(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "begin capture");
  EXPECT_EQ(there.start(runtime.get(), call_of(stream)), TERNARY_ILLEGAL_STATE);
  EXPECT_NE(std::string(ternary_last_error()).find("no workspace is given"), std::string::npos);
  cudaGraph_t graph = nullptr;
  must(cudaStreamEndCapture(stream.get(), &graph), "end capture");
  cudaGraphDestroy(graph);
}

TEST(CudaRoute, PathsNameBothStages) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const RouteProblem problem(seed_of_a_router(1, true));
  problem.run([&](const ternary_route_operands& o) { ASSERT_EQ(ternary_route(runtime.get(), &o), TERNARY_OK); });
  EXPECT_EQ(counters_of(runtime.get()).paths, (Counts{{"router.router" + gpu, 1}, {"route.route" + gpu, 1}}));
  EXPECT_EQ(ternary_last_path(runtime.get()), "route.route" + gpu);
}

TEST(CudaAlign, SortsSlotsByExpertAndKeepsTheirOrder) {
  const RuntimeHandle runtime = gpu_runtime();
  Random random(7);
  for (int i = 0; i < 60; ++i) {
    const AlignProblem problem(random);
    const AlignProblem::Result expected = problem.expected();
    const AlignProblem::Result got = problem.run([&](const ternary_align_operands& o) {
      ASSERT_EQ(ternary_align(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    });
    ASSERT_EQ(got.offsets, expected.offsets);
    ASSERT_EQ(got.slots, expected.slots);
  }
}

/** Twelve slots of five experts on the device, sorted by a graph. */
class SortedSlots {
 public:
  static constexpr int64_t kSlots = 12, kExperts = 5;

  ternary_align_operands operands(const ternary_cuda_call& call) const {
    ternary_align_operands o = {};
    o.size = sizeof o;
    o.M = 4;
    o.T = 3;
    o.E = kExperts;
    o.expert_ids = ids.as<int32_t>();
    o.ld_ids = 3;
    o.slots = slots.as<int32_t>();
    o.offsets = offsets.as<int32_t>();
    o.call = &call;
    return o;
  }
  std::vector<int32_t> read(const DeviceBytes& bytes) const {
    std::vector<int32_t> values(bytes.bytes() / 4);
    bytes.read(values.data());
    return values;
  }

  DeviceBytes ids{kSlots * 4}, slots{kSlots * 4}, offsets{(kExperts + 1) * 4};
};

TEST(CudaAlign, AGraphReplayedWithOtherIds) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  SortedSlots there;
  const ternary_cuda_call call = call_of(stream);
  const ternary_align_operands o = there.operands(call);
  const Graph graph(stream,
                    [&] { ASSERT_EQ(ternary_align_async(runtime.get(), &o), TERNARY_OK) << ternary_last_error(); });
  for (int32_t turn = 0; turn < 3; ++turn) {
    std::vector<int32_t> ids(SortedSlots::kSlots, turn);
    ids[turn] = 4;
    there.ids.write(ids.data());
    graph.launch(stream);
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    std::vector<int32_t> slots;
    for (int32_t slot = 0; slot < SortedSlots::kSlots; ++slot) {
      if (slot != turn) slots.push_back(slot);
    }
    slots.push_back(turn);
    EXPECT_EQ(there.read(there.slots), slots);
    std::vector<int32_t> offsets(SortedSlots::kExperts + 1, 11);
    std::fill(offsets.begin(), offsets.begin() + turn + 1, 0);
    offsets.back() = 12;
    EXPECT_EQ(there.read(there.offsets), offsets);
  }
}

TEST(CudaAlign, IdsOnTheDeviceThatNoExpertHasAreToldOnce) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  SortedSlots there;
  const ternary_cuda_call call = call_of(stream);
  const ternary_align_operands o = there.operands(call);
  const int32_t ids[] = {1, -1, 5, 1, -2, 0, 4, INT32_MAX, INT32_MIN, 1, 4, 2};
  there.ids.write(ids);
  ASSERT_EQ(ternary_align_async(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("had 4 ids"), std::string::npos) << ternary_last_error();
  EXPECT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(there.read(there.offsets), (std::vector<int32_t>{0, 1, 4, 5, 5, 7}));
  std::vector<int32_t> slots = there.read(there.slots);
  slots.resize(7);
  EXPECT_EQ(slots, (std::vector<int32_t>{5, 0, 3, 9, 11, 6, 10}));
}

TEST(CudaCombine, IsWhatALayerDoesAtItsEnd) {
  const RuntimeHandle runtime = gpu_runtime();
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const CombineProblem problem(seed);
    set_crash_note(problem.whole.spec().text());
    const MoeOutput got = problem.whole.output();
    const ternary_combine_operands o = problem.operands(got);
    ASSERT_EQ(ternary_combine(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(problem.whole.verdict(got, problem.expected), "") << seed;
  }
}

TEST(CudaCombine, AWrongIdOnTheDeviceContributesNothing) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  constexpr int64_t kH = 300;
  std::vector<float> d(3 * kH), y(kH);
  std::iota(d.begin(), d.end(), 1.0f);
  const int32_t ids[] = {1, 2, 0};
  const float weights[] = {0.5f, NAN, 2.0f};
  const DeviceBytes there_d(d.data(), 3 * kH * 4), there_ids(ids, sizeof ids), there_weights(weights, sizeof weights),
      there_y(kH * 4);
  const ternary_cuda_call call = call_of(stream);
  ternary_combine_operands o = {};
  o.size = sizeof o;
  o.M = 1;
  o.T = 3;
  o.H = kH;
  o.E = 2;
  o.d = there_d.get();
  o.ldd = 3 * kH;
  o.expert_ids = there_ids.as<int32_t>();
  o.ld_ids = 3;
  o.expert_weights = there_weights.get();
  o.ld_weights = 3;
  o.y = there_y.get();
  o.ldy = kH;
  o.scaling = 1;
  o.call = &call;
  ASSERT_EQ(ternary_combine_async(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("had 1 ids"), std::string::npos) << ternary_last_error();
  there_y.read(y.data());
  for (int64_t h = 0; h < kH; ++h) ASSERT_EQ(y[h], 0.5f * d[h] + 2.0f * d[2 * kH + h]) << h;
}

}  // namespace
}  // namespace ternary::test
