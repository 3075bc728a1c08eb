// Every op under graph capture, replayed three times, and one layer on two streams at once: no kernel keeps anything
// from one run to the next but what it clears itself, and none shares scratch with another call.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/cuda/captured_graph.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu(const std::string& settings = "") {
  RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_DEVICE=cuda\n" + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

ProblemSpec spec_of(ternary_activation activation, int64_t M, int64_t N = 40, int64_t K = 200) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.seed = static_cast<uint64_t>(M);
  return spec;
}

ProblemSpec with_norm(ProblemSpec spec, bool in_place = false) {
  spec.norm = true;
  spec.residual = TERNARY_BF16;
  spec.in_place = in_place;
  return spec;
}

ProblemSpec with_alpha(ProblemSpec spec, ternary_alpha_kind kind, int64_t group = 0) {
  spec.kind = kind;
  spec.group = group;
  return spec;
}

ProblemSpec with_x(ProblemSpec spec, ternary_dtype x_dtype) {
  spec.x_dtype = x_dtype;
  spec.x_scale = x_dtype == TERNARY_F8_E4M3;
  return spec;
}

/** A way through dispatch: what serves it has `path` in its name. */
struct Way {
  const char* settings;
  const char* path;
  ProblemSpec spec;
};

/** Those of the second arrangement, in one part and in four. */
std::vector<Way> cutlass_ways() {
  const char* const always = "TERNARY_CUTLASS=1";
  return {{always, "linear.cutlass_a8.", spec_of(TERNARY_A8, 1)},
          {always, "linear.cutlass_a8.", with_alpha(spec_of(TERNARY_A8, 30), TERNARY_ALPHA_COLUMN)},
          {"TERNARY_CUTLASS=1\nTERNARY_I2S_SPLITS=4", "linear.cutlass_a8.", spec_of(TERNARY_A8, 33, 140, 900)},
          {always, "linear.cutlass_a16_", with_x(spec_of(TERNARY_A16, 17), TERNARY_F16)},
          {always, "rmsnorm_linear.cutlass_a8.", with_norm(spec_of(TERNARY_A8, 30), true)}};
}

/** Split K is ten slabs of I2S, eight of T5: two CTAs are a cluster on sm_90 and up, three add up in memory. */
std::vector<Way> ways() {
  constexpr int64_t kLong = 5100;
  std::vector<Way> ways = {
      {"", "linear.gemv_", spec_of(TERNARY_A8, 1)},
      {"", "linear.gemv_", spec_of(TERNARY_A8, 5)},
      {"", "linear.gemv_", with_x(spec_of(TERNARY_A8, 3), TERNARY_I8)},
      {"", "linear.gemv_", with_x(spec_of(TERNARY_A8, 3), TERNARY_F8_E4M3)},
      {"TERNARY_I2S_SPLITS=2", "linear.gemv_a8", spec_of(TERNARY_A8, 12, 40, kLong)},
      {"TERNARY_I2S_SPLITS=3", "linear.gemv_a8", spec_of(TERNARY_A8, 9, 40, kLong)},
      {"", "linear.gem", with_alpha(spec_of(TERNARY_A8, 2, 40, kLong), TERNARY_ALPHA_GROUP, 64)},  // by architecture
      {"", "linear.gemv_", with_alpha(spec_of(TERNARY_A8, 2, 40, 600), TERNARY_ALPHA_GROUP, 64)},
      {"", "linear.gemv_", with_alpha(spec_of(TERNARY_A8, 2), TERNARY_ALPHA_COLUMN)},
      {"", "linear.gemm_a8_", spec_of(TERNARY_A8, 30)},
      {"", "linear.gemm_a8_", with_alpha(spec_of(TERNARY_A8, 30), TERNARY_ALPHA_GROUP, 64)},
      {"TERNARY_PREFILL_SKIP_M=4", "linear.gemm_a8_dense", spec_of(TERNARY_A8, 20)},
      {"TERNARY_PREFILL_SKIP_M=4", "linear.gemm_a8_dense",
       with_alpha(spec_of(TERNARY_A8, 20), TERNARY_ALPHA_GROUP, 96)},
      {"", "linear.gemm_a16_", spec_of(TERNARY_A16, 1)},
      {"", "linear.gemm_a16_", with_x(spec_of(TERNARY_A16, 17), TERNARY_F16)},
      {"", "linear.gemm_a16_", with_alpha(spec_of(TERNARY_A16, 5), TERNARY_ALPHA_GROUP, 64)},
      {"", "rmsnorm_linear.gemv_", with_norm(spec_of(TERNARY_A8, 1))},
      {"", "rmsnorm_linear.gemv_", with_norm(spec_of(TERNARY_A8, 5), true)},
      {"", "rmsnorm_linear.gemm_a8_", with_norm(spec_of(TERNARY_A8, 30))},
      {"", "rmsnorm_linear.gemm_a16_", with_norm(spec_of(TERNARY_A16, 5), true)},
      {"TERNARY_FUSE_RMSNORM_QKV=0", "linear.gemv_a8", with_norm(spec_of(TERNARY_A8, 5))},
      {"TERNARY_FUSE_RMSNORM_QKV=0", "linear.gemm_a16_", with_norm(spec_of(TERNARY_A16, 30))},
      {"TERNARY_PREFILL_SKIP_M=4", "rmsnorm_linear.gemm_a8_dense", with_norm(spec_of(TERNARY_A8, 20))},
  };
  if (has_cutlass(gpu().get())) {
    const std::vector<Way> more = cutlass_ways();
    ways.insert(ways.end(), more.begin(), more.end());
  }
  return ways;
}

/** The one path of a product that the runtime has counted. */
std::string product_path(const ternary_runtime* runtime) {
  std::string found;
  for (const auto& [path, n] : counters_of(runtime).paths) {
    if (path.rfind("rmsnorm.", 0) != 0) found += path;
  }
  return found;
}

TEST(CudaGraph, EveryWayThroughDispatchIsCapturedAndReplayedThreeTimes) {
  const Stream stream;
  for (const Way& way : ways()) {
    for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      const RuntimeHandle runtime = gpu(way.settings);
      const Problem problem(way.spec);
      const LayerHandle layer = problem.layer(layout);
      ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
      const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), way.spec.M);
      DeviceProblem device(problem);
      const Graph graph(stream, [&] {
        ASSERT_EQ(device.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK)
            << ternary_last_error() << " in " << way.spec.text();
      });
      const std::string path = product_path(runtime.get());
      EXPECT_EQ(path.rfind(way.path, 0), 0u) << path << ", not " << way.path;
      const Output expected = problem.expected();
      for (int replay = 0; replay < 3; ++replay) {
        device.poison();
        graph.launch(stream);
        stream.wait();
        ASSERT_EQ(problem.verdict(device.fetch(), expected), "") << "replay " << replay;
      }
    }
  }
}

/** Empty if both hold the same bits and nothing else was written. */
std::string difference(const Output& got, const Output& expected) {
  std::string what = got.y.outside_written(got.y.whole());
  if (what.empty()) what = got.y.difference(expected.y, got.y.whole());
  if (!what.empty() || got.residual_out.empty()) return what;
  what = got.residual_out.outside_written(got.residual_out.whole());
  if (what.empty()) what = got.residual_out.difference(expected.residual_out, got.residual_out.whole());
  return what.empty() ? "" : "residual_out: " + what;
}

/** Rows of X on the device, to go through a layer of another problem; and what they give when nothing else runs. */
class Caller {
 public:
  explicit Caller(const ProblemSpec& spec) : problem_(spec), device_(problem_) {}

  void start(ternary_runtime* runtime, const ternary_layer* layer, const DeviceBytes& workspace) {
    ASSERT_EQ(device_.start(runtime, layer, call_of(stream_, workspace)), TERNARY_OK) << ternary_last_error();
  }
  void run_alone(ternary_runtime* runtime, const ternary_layer* layer) {
    start(runtime, layer, DeviceBytes());
    stream_.wait();
    alone_ = device_.fetch();
    if (problem_.spec().activation == TERNARY_A16) return;  // no bits but its own
    Output expected = problem_.output();
    ASSERT_EQ(problem_.run(nullptr, layer, expected), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(difference(alone_, expected), "") << problem_.spec().text();
  }
  void expect_as_alone(const std::string& what) {
    stream_.wait();
    ASSERT_EQ(difference(device_.fetch(), alone_), "") << what << " of " << problem_.spec().text();
  }
  void poison() { device_.poison(); }
  const Stream& stream() const { return stream_; }

 private:
  Problem problem_;
  DeviceProblem device_;
  Stream stream_;
  Output alone_;
};

TEST(CudaStreams, OneLayerOnTwoStreamsAtOnceGivesTheBitsOfEachAlone) {
  int number = 0;
  for (const Way& way : ways()) {
    const RuntimeHandle runtime = gpu(way.settings);
    const LayerHandle layer =
        Problem(way.spec).layer(number++ % 2 ? TERNARY_LAYOUT_I2S_TILED : TERNARY_LAYOUT_T5_TILED);
    ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
    std::vector<std::unique_ptr<Caller>> callers;
    for (uint64_t seed : {1001, 1002}) {
      ProblemSpec spec = way.spec;
      spec.seed = seed;
      callers.push_back(std::make_unique<Caller>(spec));
      callers.back()->run_alone(runtime.get(), layer.get());
    }
    const auto both = [&](const char* what, auto start) {
      for (auto& caller : callers) caller->poison();
      for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < callers.size(); ++i) start(i);
      }
      for (auto& caller : callers) caller->expect_as_alone(what);
    };
    const bool again = !way.spec.in_place;  // which reads what it wrote
    both("eager", [&, left = again ? 4 : 2](size_t i) mutable {
      if (left-- > 0) callers[i]->start(runtime.get(), layer.get(), DeviceBytes());
    });
    std::vector<DeviceBytes> workspaces;
    std::vector<std::unique_ptr<Graph>> graphs;
    for (auto& caller : callers) {
      workspaces.push_back(workspace_for(runtime.get(), layer.get(), way.spec.M));
      graphs.push_back(std::make_unique<Graph>(caller->stream(),
                                               [&] { caller->start(runtime.get(), layer.get(), workspaces.back()); }));
    }
    both("graphs", [&, left = again ? 4 : 2](size_t i) mutable {
      if (left-- > 0) graphs[i]->launch(callers[i]->stream());
    });
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGraph, QuantiseIsCapturedAndReplayed) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  const Problem problem(spec_of(TERNARY_A8, 3, 1));
  std::vector<int8_t> expected(600), got(600);
  std::vector<float> expected_s(3), s(3);
  const ternary_quantise_operands on_host =
      quantised(problem.x.data(), TERNARY_F32, 200, expected.data(), 200, expected_s.data(), 3, 200);
  ASSERT_EQ(ternary_oracle_quantise(&on_host), TERNARY_OK);
  const DeviceBytes x(problem.x.data(), problem.x.bytes());
  DeviceBytes q(600), scale(12);
  const ternary_cuda_call call = call_of(stream);
  ternary_quantise_operands o = quantised(x.get(), TERNARY_F32, 200, q.get(), 200, scale.get(), 3, 200);
  o.call = &call;
  const Graph graph(stream,
                    [&] { ASSERT_EQ(ternary_quantise_async(runtime.get(), &o), TERNARY_OK) << ternary_last_error(); });
  for (int replay = 0; replay < 3; ++replay) {
    q.write(std::vector<int8_t>(600, 77).data());
    graph.launch(stream);
    stream.wait();
    q.read(got.data());
    scale.read(s.data());
    EXPECT_EQ(got, expected);
    EXPECT_EQ(std::memcmp(s.data(), expected_s.data(), 12), 0);
  }
}

TEST(CudaGraph, WhatCaptureForbidsIsRefusedAndTheCaptureGoesOn) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  const Problem problem(spec_of(TERNARY_A8, 20));  // few rows may run on one kernel that needs no workspace
  const LayerHandle prepared = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const LayerHandle fresh = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  ASSERT_EQ(ternary_prepare(runtime.get(), prepared.get()), TERNARY_OK);
  ASSERT_EQ(ternary_prepare(runtime.get(), prepared.get()), TERNARY_OK) << "a second time does nothing";
  const DeviceProblem device(problem);
  const DeviceBytes workspace = workspace_for(runtime.get(), prepared.get(), 20);
  const Graph graph(stream, [&] {
    EXPECT_EQ(device.start(runtime.get(), fresh.get(), call_of(stream, workspace)), TERNARY_ILLEGAL_STATE);
    EXPECT_NE(std::string(ternary_last_error()).find("ternary_prepare()"), std::string::npos) << ternary_last_error();
    EXPECT_EQ(device.start(runtime.get(), prepared.get(), call_of(stream)), TERNARY_ILLEGAL_STATE);
    EXPECT_NE(std::string(ternary_last_error()).find("no workspace is given"), std::string::npos)
        << ternary_last_error();
    EXPECT_EQ(device.start(runtime.get(), prepared.get(), call_of(stream, workspace)), TERNARY_OK)
        << ternary_last_error();
  });
  graph.launch(stream);
  stream.wait();
  EXPECT_EQ(problem.verdict(device.fetch(), problem.expected()), "");
}

}  // namespace
}  // namespace ternary::test
