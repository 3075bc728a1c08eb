// Capture into graphs, their replay, and what must not be called meanwhile.
#include <thread>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

constexpr int kCount = 128;

class GraphTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    stream = new_stream();
    word = device_ints(counting(kCount, 0));
  }
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    ASSERT_CUDA(cudaStreamBeginCapture(stream, mode));
  }
  cudaError_t end() {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream, &graph);
    EXPECT_EQ(graph != nullptr, error == cudaSuccess);
    if (graph != nullptr) {
      EXPECT_CUDA(cudaGraphDestroy(graph));
    }
    return error;
  }
  cudaGraphExec_t end_and_instantiate() {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    EXPECT_CUDA(cudaStreamEndCapture(stream, &graph));
    EXPECT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
    EXPECT_CUDA(cudaGraphDestroy(graph));  // what is instantiated stays
    return exec;
  }
  cudaStreamCaptureStatus status() {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    EXPECT_CUDA(cudaStreamIsCapturing(stream, &status));
    return status;
  }
  cudaStream_t stream = nullptr;
  int* word = nullptr;
};

TEST_F(GraphTest, NothingRunsDuringCaptureAndAllOfItAtEachReplay) {
  ASSERT_EQ(SOFTGPU(softgpu_reset_counters)(), 0);
  begin();
  EXPECT_EQ(status(), cudaStreamCaptureStatusActive);
  ASSERT_CUDA(launch_add_one(kCount, word, word, stream));
  ASSERT_CUDA(launch_add_one(kCount, word, word, stream));
  const cudaGraphExec_t exec = end_and_instantiate();
  EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
  EXPECT_EQ(host_ints(word, kCount), counting(kCount, 0));
  for (int replay = 1; replay <= 3; ++replay) {
    ASSERT_CUDA(cudaGraphLaunch(exec, stream));
    ASSERT_CUDA(cudaStreamSynchronize(stream)) << fault();
    EXPECT_EQ(host_ints(word, kCount), counting(kCount, 2 * replay));
  }
  for (int replay = 0; replay < 3; ++replay) ASSERT_CUDA(cudaGraphLaunch(exec, new_stream()));  // in turn
  ASSERT_CUDA(cudaDeviceSynchronize()) << fault();
  EXPECT_EQ(host_ints(word, kCount), counting(kCount, 12));
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
}

TEST_F(GraphTest, EventsForkAndJoinACapture) {
  const cudaStream_t side = new_stream();
  const cudaEvent_t fork = new_event(), join = new_event();
  int *left = unwritten_ints(kCount), *right = unwritten_ints(kCount), *to = unwritten_ints(kCount);
  begin();
  ASSERT_CUDA(launch_add_one(kCount, word, left, stream));
  ASSERT_CUDA(cudaEventRecord(fork, stream));
  ASSERT_CUDA(cudaStreamWaitEvent(side, fork, 0));
  ASSERT_CUDA(launch_add_one(kCount, left, right, side));
  ASSERT_CUDA(launch_add_one(kCount, left, to, stream));
  ASSERT_CUDA(cudaEventRecord(join, side));
  ASSERT_CUDA(cudaStreamWaitEvent(stream, join, 0));
  ASSERT_CUDA(launch_add_one(kCount, right, to, stream));
  EXPECT_CUDA_ERROR(cudaEventSynchronize(join), cudaErrorCapturedEvent);
  const cudaGraphExec_t exec = end_and_instantiate();
  for (int replay = 0; replay < 3; ++replay) ASSERT_CUDA(cudaGraphLaunch(exec, stream));
  ASSERT_CUDA(cudaStreamSynchronize(stream)) << fault();
  EXPECT_EQ(host_ints(to, kCount), counting(kCount, 3));
}

TEST_F(GraphTest, BranchesThatShareScratchRace) {
  const cudaStream_t side = new_stream();
  const cudaEvent_t fork = new_event(), join = new_event();
  int* scratch = unwritten_ints(kCount);
  begin();
  ASSERT_CUDA(cudaEventRecord(fork, stream));
  ASSERT_CUDA(cudaStreamWaitEvent(side, fork, 0));
  ASSERT_CUDA(launch_add_one(kCount, word, scratch, side));
  ASSERT_CUDA(launch_add_one(kCount, word, scratch, stream));
  ASSERT_CUDA(cudaEventRecord(join, side));
  ASSERT_CUDA(cudaStreamWaitEvent(stream, join, 0));
  ASSERT_CUDA(cudaGraphLaunch(end_and_instantiate(), stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "race")) << fault();
}

TEST_F(GraphTest, CopiesAreCapturedToo) {
  int* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(reinterpret_cast<void**>(&pinned), kCount * sizeof(int)));
  begin();
  ASSERT_CUDA(cudaMemsetAsync(word, 0, kCount * sizeof(int), stream));
  ASSERT_CUDA(launch_add_one(kCount, word, word, stream));
  ASSERT_CUDA(cudaMemcpyAsync(pinned, word, kCount * sizeof(int), cudaMemcpyDeviceToHost, stream));
  const cudaGraphExec_t exec = end_and_instantiate();
  pinned[0] = -1;
  ASSERT_CUDA(cudaGraphLaunch(exec, stream));
  EXPECT_EQ(pinned[0], -1);
  ASSERT_CUDA(cudaStreamSynchronize(stream));
  EXPECT_EQ(pinned[0], 1);
  EXPECT_CUDA(cudaFreeHost(pinned));
}

TEST_F(GraphTest, ForbiddenCallsFailAndInvalidateTheCapture) {
  const auto calls = {+[](cudaStream_t) {
                        void* p = nullptr;
                        return cudaMalloc(&p, 16);
                      },
                      +[](cudaStream_t) { return cudaDeviceSynchronize(); },
                      +[](cudaStream_t s) { return cudaStreamSynchronize(s); },
                      +[](cudaStream_t s) { return cudaStreamQuery(s); }};
  for (const auto& call : calls) {
    begin();
    ASSERT_CUDA(launch_add_one(kCount, word, word, stream));
    EXPECT_CUDA_ERROR(call(stream), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(status(), cudaStreamCaptureStatusInvalidated);
    EXPECT_CUDA_ERROR(launch_add_one(kCount, word, word, stream), cudaErrorStreamCaptureInvalidated);
    EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
    cudaGetLastError();
  }
}

TEST_F(GraphTest, RelaxedCapturesAllowUnsafeCalls) {
  begin(cudaStreamCaptureModeRelaxed);
  void* pointer = nullptr;
  EXPECT_CUDA(cudaMalloc(&pointer, 16));
  EXPECT_CUDA(end());
  begin(cudaStreamCaptureModeThreadLocal);
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  ASSERT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  EXPECT_CUDA(cudaFree(pointer));
  ASSERT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_CUDA_ERROR(cudaMalloc(&pointer, 16), cudaErrorStreamCaptureUnsupported);
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);
}

TEST_F(GraphTest, UnsafeCallsOfAnotherThreadInvalidateWhatIsCapturedGlobally) {
  const cudaStream_t other = new_stream();
  const cudaEvent_t event = new_event();
  ASSERT_CUDA(cudaEventRecord(event, other));
  ASSERT_CUDA(cudaDeviceSynchronize());
  const auto calls = {+[](cudaStream_t, cudaEvent_t) {
                        void* p = nullptr;
                        const cudaError_t error = cudaMalloc(&p, 16);
                        cudaFree(p);
                        return error;
                      },
                      +[](cudaStream_t s, cudaEvent_t) { return cudaStreamSynchronize(s); },
                      +[](cudaStream_t s, cudaEvent_t) { return cudaStreamQuery(s); },
                      +[](cudaStream_t, cudaEvent_t e) { return cudaEventSynchronize(e); },
                      +[](cudaStream_t, cudaEvent_t e) { return cudaEventQuery(e); }};
  constexpr auto kGlobal = cudaStreamCaptureModeGlobal, kThread = cudaStreamCaptureModeThreadLocal,
                 kRelaxed = cudaStreamCaptureModeRelaxed;
  const struct {
    cudaStreamCaptureMode capture, thread;
    bool safe;
  } kModes[] = {{kGlobal, kGlobal, false}, {kGlobal, kThread, true},  {kGlobal, kRelaxed, true},
                {kThread, kGlobal, true},  {kRelaxed, kGlobal, true}, {kThread, kThread, true}};
  for (const auto& call : calls) {
    for (const auto& modes : kModes) {
      begin(modes.capture);
      ASSERT_CUDA(launch_add_one(kCount, word, word, stream));
      std::thread([&] {
        cudaStreamCaptureMode mode = modes.thread;
        EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
        EXPECT_EQ(mode, kGlobal) << "a thread begins with it";
        EXPECT_EQ(call(other, event), modes.safe ? cudaSuccess : cudaErrorStreamCaptureUnsupported);
      }).join();
      EXPECT_EQ(end(), modes.safe ? cudaSuccess : cudaErrorStreamCaptureInvalidated);
      cudaGetLastError();
    }
  }
}

TEST_F(GraphTest, TheDefaultStreamMustNotDependOnACapture) {
  ASSERT_CUDA(cudaStreamCreate(&stream));  // a blocking one
  begin();
  EXPECT_CUDA_ERROR(launch_add_one(kCount, word, word, nullptr), cudaErrorStreamCaptureImplicit);
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);
  EXPECT_CUDA_ERROR(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  begin();
  cudaStreamCaptureStatus status;
  EXPECT_CUDA_ERROR(cudaStreamIsCapturing(nullptr, &status), cudaErrorStreamCaptureImplicit);
  EXPECT_CUDA(end());  // asking does no harm
  stream = new_stream();
  begin();
  EXPECT_CUDA(launch_add_one(kCount, word, word, nullptr));  // it does not wait for that one
  EXPECT_CUDA(end());
}

TEST_F(GraphTest, ForksMustBeJoinedAndCapturesKeptApart) {
  const cudaStream_t side = new_stream();
  const cudaEvent_t fork = new_event(), outside = new_event();
  begin();
  ASSERT_CUDA(cudaEventRecord(fork, stream));
  ASSERT_CUDA(cudaStreamWaitEvent(side, fork, 0));
  ASSERT_CUDA(launch_add_one(kCount, word, word, side));
  cudaGraph_t graph = nullptr;
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureUnjoined);

  begin();
  ASSERT_CUDA(cudaEventRecord(fork, stream));
  ASSERT_CUDA(cudaStreamWaitEvent(side, fork, 0));
  EXPECT_CUDA_ERROR(cudaStreamEndCapture(side, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);

  ASSERT_CUDA(cudaEventRecord(outside, side));
  begin();
  EXPECT_CUDA_ERROR(cudaStreamWaitEvent(stream, outside, 0), cudaErrorStreamCaptureIsolation);
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);

  begin();
  ASSERT_CUDA(cudaStreamBeginCapture(side, cudaStreamCaptureModeGlobal));
  ASSERT_CUDA(cudaEventRecord(fork, stream));
  EXPECT_CUDA_ERROR(cudaStreamWaitEvent(side, fork, 0), cudaErrorStreamCaptureMerge);
  EXPECT_CUDA_ERROR(end(), cudaErrorStreamCaptureInvalidated);
  EXPECT_CUDA_ERROR(cudaStreamEndCapture(side, &graph), cudaErrorStreamCaptureInvalidated);
}

TEST_F(GraphTest, ProgrammaticLaunchesStayProgrammaticInAGraph) {
  if (!programmatic()) return;
  int *a = device_ints(counting(kCount, 0)), *b = unwritten_ints(kCount);
  begin();
  ASSERT_CUDA(launch_dependent(kCount, word, a, Mistake::none, true, stream));
  ASSERT_CUDA(launch_dependent(kCount, a, b, Mistake::none, true, stream));
  const cudaGraphExec_t right = end_and_instantiate();
  for (int replay = 0; replay < 3; ++replay) ASSERT_CUDA(cudaGraphLaunch(right, stream));
  ASSERT_CUDA(cudaStreamSynchronize(stream)) << fault();
  EXPECT_EQ(host_ints(b, kCount), counting(kCount, 2));
  begin();
  ASSERT_CUDA(launch_dependent(kCount, word, a, Mistake::none, true, stream));
  ASSERT_CUDA(launch_dependent(kCount, a, b, Mistake::reads_before_wait, true, stream));
  ASSERT_CUDA(cudaGraphLaunch(end_and_instantiate(), stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "before its griddepcontrol.wait")) << fault();
}

}  // namespace
}  // namespace ternary::softgpu
