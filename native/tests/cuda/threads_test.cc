// A GPU seen by two host threads: launches of one kernel that want different amounts of shared memory, calls beside the
// capture of another thread or of other code of this one, weights prepared twice at once, and ends beside use.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/cuda/captured_graph.h"
#include "support/cuda/device_problem.h"
#include "support/cuda/softgpu_property.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu(const std::string& settings = "") {
  RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2\nTERNARY_DEVICE=cuda\n" + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

ProblemSpec spec_of(int64_t M, int64_t N, int64_t K, uint64_t seed = 1) {
  ProblemSpec spec;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.values = Values::finite;
  spec.seed = seed;
  return spec;
}

/** Runs bodies at once, each in a thread of its own; none begins before all threads are there. */
void at_once(const std::vector<std::function<void()>>& bodies) {
  std::atomic<size_t> there{0};
  std::vector<std::thread> threads;
  for (const auto& body : bodies) {
    threads.emplace_back([&] {
      ++there;
      while (there < bodies.size()) std::this_thread::yield();
      body();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void expect_right(ternary_runtime* runtime, const Problem& problem, const ternary_layer* layer) {
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime, layer, got), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(problem.verdict(got, problem.expected()), "");
}

/** A row of X on the device, quantised again and again by one kernel, which has the row in its shared memory. */
class QuantisedRow {
 public:
  explicit QuantisedRow(int64_t K) : K_(K), problem_(spec_of(1, 1, K)), x_(problem_.x.data(), 4 * K), q_(K), s_(4) {}

  ternary_status start(ternary_runtime* runtime, const Stream& stream) const {
    const ternary_cuda_call call = call_of(stream);
    ternary_quantise_operands o = quantised(x_.get(), TERNARY_F32, K_, q_.get(), K_, s_.get(), 1, K_);
    o.call = &call;
    return ternary_quantise_async(runtime, &o);
  }
  void expect_right() const {
    std::vector<int8_t> got(K_), expected(K_);
    float s = 0, expected_s = 0;
    q_.read(got.data());
    s_.read(&s);
    const ternary_quantise_operands o =
        quantised(problem_.x.data(), TERNARY_F32, K_, expected.data(), K_, &expected_s, 1, K_);
    ASSERT_EQ(ternary_oracle_quantise(&o), TERNARY_OK);
    EXPECT_EQ(got, expected) << K_;
    EXPECT_EQ(s, expected_s) << K_;
  }

 private:
  const int64_t K_;
  const Problem problem_;
  const DeviceBytes x_, q_, s_;
};

// 52 and 94 KiB of shared memory, more than what a kernel has without asking. The software GPU lets the threads take
// turns; on a GPU nothing says when they meet, so they try often.
TEST(CudaThreads, TwoSizesOfSharedMemoryOfOneKernel) {
  const RuntimeHandle runtime = gpu();
  const QuantisedRow small(13056), large(24064);
  const Stream streams[2];
  const auto body = [&](const QuantisedRow& row, const Stream& stream, int gap) {
    const int calls = softgpu<decltype(softgpu_set_device)>("softgpu_set_device") == nullptr ? 20000 : 40;
    int failed = 0;
    for (int call = 0; call < calls; ++call) {
      failed += row.start(runtime.get(), stream) != TERNARY_OK;
      for (int turn = 0; turn < call % 4 * gap; ++turn) cudaPeekAtLastError();  // out of step with the other thread
    }
    EXPECT_EQ(failed, 0) << ternary_last_error();
    stream.wait();
    row.expect_right();
  };
  at_once({[&] { body(small, streams[0], 0); }, [&] { body(large, streams[1], 1); }});
}

// Static shared memory takes some of the 48 KiB that a kernel has without asking.
TEST(CudaThreads, ARowThatFillsTheSharedMemoryThatAKernelHas) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  for (const int64_t K : {12032, 12288}) {
    const QuantisedRow row(K);
    EXPECT_EQ(row.start(runtime.get(), stream), TERNARY_OK) << ternary_last_error();
    stream.wait();
    row.expect_right();
  }
}

/** Calls that allocate, free, send and wait. */
class Caller {
 public:
  void run(const Stream& stream) {
    const Problem problem(spec_of(20, 40, 512));
    LayerHandle layer = problem.layer(TERNARY_LAYOUT_T5_TILED);
    RuntimeHandle runtime = gpu("TERNARY_PREFILL_SKIP_M=64");
    ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(device_.start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
    expect_right(runtime.get(), problem, layer.get());
    const ternary_cuda_call call = call_of(stream);
    ternary_quantise_operands o = quantised(device_.x().get(), TERNARY_F32, 512, q_.get(), 512, s_.get(), 20, 512);
    o.call = &call;
    ASSERT_EQ(ternary_quantise_async(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    runtime.reset();  // ends workspaces and lanes
    layer.reset();
  }
  void expect_right_on_device() const { EXPECT_EQ(problem_.verdict(device_.fetch(), problem_.expected()), ""); }

 private:
  const Problem problem_{spec_of(20, 40, 512)};
  DeviceProblem device_{problem_};
  DeviceBytes q_{20 * 512}, s_{20 * 4};
};

/** Captures a product in a mode, with `meanwhile` in the midst of it, and replays it. */
void capture_beside(cudaStreamCaptureMode mode, const std::function<void()>& meanwhile) {
  const RuntimeHandle runtime = gpu();
  const Problem problem(spec_of(2, 40, 200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  ASSERT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << ternary_last_error();
  const DeviceProblem device(problem);
  const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), 2);
  const Stream stream;
  const Graph graph(
      stream,
      [&] {
        ASSERT_EQ(device.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK)
            << ternary_last_error();
        meanwhile();
      },
      mode);
  graph.launch(stream);
  stream.wait();
  EXPECT_EQ(problem.verdict(device.fetch(), problem.expected()), "");
}

TEST(CudaThreads, CallsBesideTheGlobalCaptureOfAnotherThread) {
  Caller caller;
  const Stream stream;
  capture_beside(cudaStreamCaptureModeGlobal, [&] { at_once({[&] { caller.run(stream); }}); });
  stream.wait();
  caller.expect_right_on_device();
}

TEST(CudaThreads, CallsBesideACaptureOfTheSameThread) {
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    Caller caller;
    const Stream stream;
    capture_beside(mode, [&] { caller.run(stream); });
    stream.wait();
    caller.expect_right_on_device();
  }
}

TEST(CudaThreads, ACallLeavesTheThreadsCaptureModeAsItWas) {
  const RuntimeHandle runtime = gpu();
  const Problem problem(spec_of(1, 16, 64));
  for (const auto mine : {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeGlobal}) {
    cudaStreamCaptureMode mode = mine;
    must(cudaThreadExchangeStreamCaptureMode(&mode), "exchange");
    expect_right(runtime.get(), problem, problem.layer(TERNARY_LAYOUT_I2S_TILED).get());
    must(cudaThreadExchangeStreamCaptureMode(&mode), "exchange");
    EXPECT_EQ(mode, mine);
  }
}

// The default stream waits for blocking streams, so a launch on it would break their capture.
TEST(CudaThreads, TheDefaultStreamIsRefusedBesideTheCaptureOfABlockingOne) {
  const RuntimeHandle runtime = gpu();
  const Problem problem(spec_of(2, 40, 200));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const DeviceProblem device(problem);
  const DeviceBytes q(400), s(8);
  DeviceBytes x(problem.x.data(), problem.x.bytes());
  cudaStream_t blocking = nullptr;
  must(cudaStreamCreate(&blocking), "stream");
  must(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed), "begin capture");
  EXPECT_EQ(device.start(runtime.get(), layer.get(), ternary_cuda_call{}), TERNARY_ILLEGAL_STATE);
  EXPECT_NE(
      std::string(ternary_last_error()).find("is for the default stream while a blocking stream is being captured"),
      std::string::npos)
      << ternary_last_error();
  const ternary_quantise_operands o = quantised(x.get(), TERNARY_F32, 200, q.get(), 200, s.get(), 2, 200);
  EXPECT_EQ(ternary_quantise_async(runtime.get(), &o), TERNARY_ILLEGAL_STATE);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaSuccess);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(blocking);
  EXPECT_EQ(device.start(runtime.get(), layer.get(), ternary_cuda_call{}), TERNARY_OK) << ternary_last_error();
  must(cudaStreamSynchronize(nullptr), "default stream");
}

size_t free_bytes() {
  size_t free = 0, total = 0;
  must(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

TEST(CudaThreads, WeightsPreparedByTwoThreadsAreSentOnceAndFreed) {
  const RuntimeHandle first = gpu(), second = gpu();  // two runtimes of one device share the copy
  const Problem problem(spec_of(2, 640, 1024));
  const size_t before = free_bytes();
  const LayerHandle layers[] = {problem.layer(TERNARY_LAYOUT_I2S_TILED), problem.layer(TERNARY_LAYOUT_I2S_TILED)};
  const auto prepare = [&](const RuntimeHandle& runtime, int which) {
    EXPECT_EQ(ternary_prepare(runtime.get(), layers[which].get()), TERNARY_OK) << ternary_last_error();
  };
  prepare(first, 0);
  const size_t one_copy = before - free_bytes();
  at_once({[&] { prepare(first, 1); }, [&] { prepare(second, 1); },
           [&] { expect_right(first.get(), problem, layers[0].get()); }, [&] { prepare(second, 0); }});
  if (softgpu<decltype(softgpu_set_device)>("softgpu_set_device") != nullptr) {  // a GPU is not ours alone
    const size_t lane = before - free_bytes() - 2 * one_copy;                    // of the product
    EXPECT_GE(one_copy, 640u * 1024 / 4);
    EXPECT_LE(lane, 1u << 20);
  }
  for (const LayerHandle& each : layers) expect_right(second.get(), problem, each.get());
}

TEST(CudaThreads, RuntimesAndWeightsEndBesideUse) {
  const RuntimeHandle runtime = gpu();
  const Problem problem(spec_of(20, 48, 300));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const auto user = [&] {
    const Stream stream;
    const DeviceProblem device(problem);
    for (int call = 0; call < 5; ++call) {
      ASSERT_EQ(device.start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
      expect_right(runtime.get(), problem, layer.get());
    }
    stream.wait();
    EXPECT_EQ(problem.verdict(device.fetch(), problem.expected()), "");
  };
  const auto ender = [&] {
    for (int round = 0; round < 5; ++round) {
      const RuntimeHandle own = gpu();
      const LayerHandle own_layer = problem.layer(TERNARY_LAYOUT_T5_TILED);
      expect_right(own.get(), problem, own_layer.get());
      expect_right(own.get(), problem, layer.get());
    }
  };
  at_once({user, ender, user, ender});
}

// More streams than keep a workspace: the oldest are freed beside calls on others.
TEST(CudaThreads, WorkspacesOfManyStreamsAreFreedBesideUse) {
  const RuntimeHandle runtime = gpu();
  const Problem problem(spec_of(20, 16, 64));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const auto body = [&] {
    std::vector<Stream> streams(20);
    std::vector<std::unique_ptr<DeviceProblem>> devices;
    for (const Stream& stream : streams) {
      devices.push_back(std::make_unique<DeviceProblem>(problem));
      ASSERT_EQ(devices.back()->start(runtime.get(), layer.get(), call_of(stream)), TERNARY_OK) << ternary_last_error();
    }
    for (size_t i = 0; i < streams.size(); ++i) {
      streams[i].wait();
      EXPECT_EQ(problem.verdict(devices[i]->fetch(), problem.expected()), "");
    }
  };
  at_once({body, body});
}

}  // namespace
}  // namespace ternary::test
