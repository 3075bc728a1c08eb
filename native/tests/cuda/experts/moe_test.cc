// Layers of experts on a GPU through the C interface: operands in host and in device memory, against the oracle with ==;
// bits of a row alone and in any batch, many slots of one expert, workspaces, capture with other ids, two streams.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "experts/moe_problem.h"
#include "support/cuda/captured_graph.h"
#include "support/cuda/launches.h"
#include "support/cuda/operand_copies.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu_runtime() {
  RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

/** Generated layers: of any kind in A8, and in A16 those whose sums are exact. */
MoeProblemSpec any_spec(uint64_t seed) {
  MoeProblemSpec spec = random_moe_spec(seed);
  return spec.spec.activation == TERNARY_A8 ? spec : exact_moe_spec(seed, TERNARY_A16);
}

/** A call of a layer on the device. */
class DeviceMoe {
 public:
  explicit DeviceMoe(const MoeProblem& problem)
      : moe_(problem.moe()), out_(problem.output()), o_(problem.operands(out_)) {
    const MoeProblemSpec& s = problem.spec();
    copies_.move(o_.x, o_.x_dtype, o_.M, s.H, o_.ldx);
    copies_.move(o_.x_scale, TERNARY_F32, 1, o_.M, 0);
    ids_ = copies_.move(o_.expert_ids, TERNARY_F32, o_.M, o_.T, o_.ld_ids);
    copies_.move(o_.expert_weights, o_.expert_weights_dtype, o_.M, o_.T, o_.ld_weights);
    y_ = copies_.move(o_.y, o_.y_dtype, o_.M, problem.y_columns(), o_.ldy);
    if (s.residual && !s.in_place) copies_.move(o_.residual, o_.residual_dtype, o_.M, s.H, o_.ld_residual);
    residual_out_ = copies_.move(o_.residual_out, o_.residual_dtype, o_.M, s.H, o_.ld_residual);
    if (s.in_place) o_.residual = o_.residual_out;
  }
  ternary_status start(ternary_runtime* runtime, const ternary_cuda_call& call) const {
    ternary_moe_operands o = o_;
    o.call = &call;
    return ternary_apply_moe_async(runtime, moe_, &o);
  }
  int64_t workspace_bytes(ternary_runtime* runtime) const {
    int64_t bytes = 0;
    EXPECT_EQ(ternary_moe_workspace_bytes(runtime, moe_, o_.M, o_.T, &bytes), TERNARY_OK) << ternary_last_error();
    return bytes;
  }
  /** X is the other's Y, ids and weights are the other's. */
  void follow(const DeviceMoe& other) {
    o_.x = other.o_.y;
    o_.ldx = other.o_.ldy;
    o_.expert_ids = other.o_.expert_ids;
    o_.expert_weights = other.o_.expert_weights;
    o_.ld_weights = other.o_.ld_weights;
  }
  const ternary_moe_operands& operands() const { return o_; }
  void set_ids(const std::vector<int32_t>& ids) { copies_.at(ids_).write(ids.data()); }
  const MoeOutput& fetch() const {
    copies_.back(y_);
    if (o_.residual_out != nullptr) copies_.back(residual_out_);
    return out_;
  }

 private:
  const ternary_moe* moe_;
  MoeOutput out_;
  ternary_moe_operands o_;
  OperandCopies copies_;
  size_t ids_, y_, residual_out_;
};

void check_on_host(ternary_runtime* runtime, const MoeProblem& problem) {
  set_crash_note(problem.spec().text());
  const MoeOutput got = problem.output();
  const ternary_moe_operands o = problem.operands(got);
  ASSERT_EQ(ternary_apply_moe(runtime, problem.moe(), &o), TERNARY_OK) << ternary_last_error();
  ASSERT_EQ(problem.verdict(got, problem.expected()), "");
}

TEST(CudaMoe, GeneratedProblemsOnHostMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(120);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(9000 + static_cast<uint64_t>(i)));
    check_on_host(runtime.get(), problem);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaMoe, GeneratedProblemsOnDeviceMemory) {
  const RuntimeHandle runtime = gpu_runtime();
  const int64_t count = samples(60);
  const Stream stream;
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(20000 + static_cast<uint64_t>(i)));
    set_crash_note(problem.spec().text());
    const DeviceMoe there(problem);
    const DeviceBytes workspace(there.workspace_bytes(runtime.get()));
    ASSERT_EQ(there.start(runtime.get(), i % 2 == 0 ? call_of(stream, workspace) : call_of(stream)), TERNARY_OK)
        << ternary_last_error() << " in " << problem.spec().text();
    ASSERT_EQ(ternary_synchronise(runtime.get(), stream.get()), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
  }
}

/** Known failure of an earlier system: right for one token, wrong for more. In A16 too, whose sums have one order. */
TEST(CudaMoe, RowsGiveTheSameBitsAloneAndInABatch) {
  const RuntimeHandle runtime = gpu_runtime();
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (const int64_t group : {0, 96}) {
        MoeProblemSpec spec = plain_moe_spec(40, 3, 2, 700, 200);
        spec.spec.activation = activation;
        spec.layout = layout;
        spec.kind13 = spec.kind2 = group == 0 ? TERNARY_ALPHA_ROW : TERNARY_ALPHA_GROUP;
        spec.group13 = spec.group2 = group;
        const MoeProblem problem(spec);
        set_crash_note(spec.text());
        const MoeOutput all = problem.output();
        const ternary_moe_operands o = problem.operands(all);
        ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &o), TERNARY_OK) << ternary_last_error();
        for (const int64_t m : {0, 17, 39}) {
          const MoeOutput one = problem.output();
          const ternary_moe_operands row = problem.operands(one, m, 1);
          ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &row), TERNARY_OK) << ternary_last_error();
          ASSERT_EQ(problem.verdict(one, all, m, 1), "") << "row " << m;
        }
      }
    }
  }
}

/** From the fewest slots on whose order is sorted, and turns of 16384 slots. */
TEST(CudaMoe, ManySlotsAreSortedAndTakenInTurns) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const auto sorted = [&](int64_t M, int64_t T, int64_t E, Routing routing) {
    MoeProblemSpec spec = plain_moe_spec(M, T, E, 33, 17);
    spec.routing = routing;
    const MoeProblem problem(spec);
    ternary_runtime_reset_counters(runtime.get());
    check_on_host(runtime.get(), problem);
    const Counts paths = counters_of(runtime.get()).paths;
    return paths.count("moe_align.align" + gpu) > 0;
  };
  for (const Routing routing : {Routing::random, Routing::one, Routing::each_apart}) {
    EXPECT_FALSE(sorted(64, 4, 5, routing));
    EXPECT_TRUE(sorted(257, 1, 70, routing));
    EXPECT_TRUE(sorted(86, 3, 3, routing));
  }
  EXPECT_TRUE(sorted(8200, 2, 3, Routing::random));
}

/** Whether products were those of many slots, four warps along N, as the software GPU saw it; true on a GPU. */
bool took_large_patches() {
  const std::vector<SeenLaunch> seen = seen_launches();
  return seen.empty() || std::any_of(seen.begin(), seen.end(), [](const SeenLaunch& one) {
           const size_t layout = one.kernel.find("CudaLayoutE");
           return one.kernel.find("experts_a") != std::string::npos && one.kernel.compare(layout + 12, 5, "ELi4E") == 0;
         });
}

/** Measurements by which kernels of few slots take a thousand times as long as the model expects. */
std::string slow_kernels_of_few_slots() {
  std::string lines;
  for (const char* device : {"A100", "H100", "H200", "B200", "B300", "RTX_5090"}) {
    for (const char* kernel :
         {"experts_a8_i2s_mma_32x8", "experts_a8_t5_mma_32x8", "experts_a16_i2s_mma_32x8", "experts_a16_t5_mma_32x8"}) {
      lines += std::string(device) + " " + kernel + " 1 1 1 1 1000\n";
    }
    for (const char* kernel : {"experts_a8_i2s_mma_128x32", "experts_a8_t5_mma_128x32", "experts_a16_i2s_mma_64x32",
                               "experts_a16_t5_mma_64x16"}) {
      lines += std::string(device) + " " + kernel + " 1 1 1 1 1\n";
    }
  }
  return lines;
}

/** Whichever the model would choose: kernels of many slots serve all that those of few do, with the same bits. */
TEST(CudaMoe, KernelsOfManySlotsServeAnyLayer) {
  const TuningFile residuals(slow_kernels_of_few_slots());
  const RuntimeHandle few = gpu_runtime(),
                      many = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_COST_RESIDUALS=" + residuals.path());
  ASSERT_NE(many, nullptr) << ternary_last_error();
  const int64_t count = samples(30);
  for (int64_t i = 0; i < count; ++i) {
    const MoeProblem problem(any_spec(30000 + static_cast<uint64_t>(i)));
    forget_launches();
    check_on_host(many.get(), problem);
    EXPECT_TRUE(took_large_patches());
    if (HasFatalFailure()) return;
  }
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (const int64_t M : {9, 150}) {  // unsorted, and sorted
        MoeProblemSpec spec = plain_moe_spec(M, 2, 2, 700, 200);
        spec.spec.activation = activation;
        spec.layout = layout;
        const MoeProblem problem(spec);
        const MoeOutput one = problem.output(), other = problem.output();
        ternary_moe_operands o = problem.operands(one), then = problem.operands(other);
        ASSERT_EQ(ternary_apply_moe(few.get(), problem.moe(), &o), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(ternary_apply_moe(many.get(), problem.moe(), &then), TERNARY_OK) << ternary_last_error();
        EXPECT_EQ(problem.verdict(one, other), "") << spec.text();
      }
    }
  }
}

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

TEST(CudaMoe, PathsNameEveryStage) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const Counts few = {{"moe_activations.expert_rows" + gpu, 1},
                      {"moe_gate_up.experts_a8_i2s" + gpu, 1},
                      {"moe_down.experts_a8_i2s" + gpu, 1}};
  check_on_host(runtime.get(), MoeProblem(plain_moe_spec(2, 3, 4, 64, 32)));
  EXPECT_EQ(counters_of(runtime.get()).paths, few);
  EXPECT_EQ(ternary_last_path(runtime.get()), "moe_gate_up.experts_a8_i2s" + gpu);
  ternary_runtime_reset_counters(runtime.get());
  Counts many = few;
  many["moe_align.align" + gpu] = many["moe_gate.expert_gate" + gpu] = many["moe_combine.combine" + gpu] = 1;
  check_on_host(runtime.get(), MoeProblem(plain_moe_spec(90, 3, 4, 64, 32)));
  EXPECT_EQ(counters_of(runtime.get()).paths, many);
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
