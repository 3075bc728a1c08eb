// Streams, events, copies: what is ordered, and what is reported where it is not.
#include <cstdlib>
#include <cstring>
#include <thread>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

constexpr int kCount = 256;
constexpr size_t kBytes = kCount * sizeof(int);

class StreamTest : public RuntimeTest {};

TEST_F(StreamTest, EventsOrderStreams) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    ASSERT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
    const int* from = device_ints(counting(kCount, 0));
    int *middle = unwritten_ints(kCount), *to = unwritten_ints(kCount);
    const cudaStream_t a = new_stream(), b = new_stream();
    const cudaEvent_t done = new_event();
    ASSERT_CUDA(launch_add_one(kCount, from, middle, a));
    ASSERT_CUDA(cudaEventRecord(done, a));
    ASSERT_CUDA(cudaStreamWaitEvent(b, done, 0));
    ASSERT_CUDA(launch_add_one(kCount, middle, to, b));
    ASSERT_CUDA(cudaStreamSynchronize(b)) << fault();
    EXPECT_EQ(host_ints(to, kCount), counting(kCount, 2));
    EXPECT_CUDA(cudaEventDestroy(done));
    EXPECT_CUDA(cudaStreamDestroy(a));
    EXPECT_CUDA(cudaStreamDestroy(b));
  }
}

TEST_F(StreamTest, AMissingEventIsARaceWhateverTheSeed) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    ASSERT_EQ(SOFTGPU(softgpu_set_seed)(seed), 0);
    const int* from = device_ints(counting(kCount, 0));
    int* middle = device_ints(counting(kCount, 0));
    int* to = unwritten_ints(kCount);
    ASSERT_CUDA(launch_axpy(0 + kCount, 1, reinterpret_cast<const float*>(from), reinterpret_cast<float*>(middle),
                            new_stream()));
    ASSERT_CUDA(launch_add_one(kCount, middle, to, new_stream()));
    EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    for (const char* part : {"race", "axpy", "add_one", "PTX line"}) EXPECT_TRUE(has(fault(), part)) << fault();
    reset();
  }
}

TEST_F(StreamTest, ScratchSharedBetweenStreamsIsReported) {
  const int* from = device_ints(counting(kCount, 0));
  int* scratch = unwritten_ints(kCount);
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, new_stream()));
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, new_stream()));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "nothing orders the two")) << fault();
}

TEST_F(StreamTest, AtomicsOfTwoStreamsMayMeet) {
  int* word = device_ints({0});
  ASSERT_CUDA(launch_count(100, word, new_stream()));
  ASSERT_CUDA(launch_count(100, word, new_stream()));
  ASSERT_CUDA(cudaDeviceSynchronize()) << fault();
  EXPECT_EQ(host_ints(word, 1)[0], 200);
}

TEST_F(StreamTest, ACopyOfPageableMemoryIsNotWaitedForAndOneOfPinnedMemoryIs) {
  const std::vector<int> values = counting(kCount, 0);
  int *from = unwritten_ints(kCount), *to = unwritten_ints(kCount);
  int* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(reinterpret_cast<void**>(&pinned), kBytes));
  std::memcpy(pinned, values.data(), kBytes);
  ASSERT_CUDA(cudaMemcpy(from, pinned, kBytes, cudaMemcpyHostToDevice));
  ASSERT_CUDA(launch_add_one(kCount, from, to, new_stream()));
  ASSERT_CUDA(cudaDeviceSynchronize()) << fault();
  EXPECT_CUDA(cudaFreeHost(pinned));
  ASSERT_CUDA(cudaMemcpy(from, values.data(), kBytes, cudaMemcpyHostToDevice));
  ASSERT_CUDA(launch_add_one(kCount, from, to, nullptr));  // it is behind the copy
  ASSERT_CUDA(cudaDeviceSynchronize()) << fault();
  ASSERT_CUDA(cudaMemcpy(from, values.data(), kBytes, cudaMemcpyHostToDevice));
  ASSERT_CUDA(launch_add_one(kCount, from, to, new_stream()));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "reads")) << fault();
}

TEST_F(StreamTest, AStreamThatTheHostHasWaitedForIsOver) {
  const int* from = device_ints(counting(kCount, 0));
  int* scratch = unwritten_ints(kCount);
  const cudaStream_t a = new_stream();
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, a));
  ASSERT_CUDA(cudaStreamSynchronize(a));
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, new_stream()));
  EXPECT_CUDA(cudaDeviceSynchronize()) << fault();
}

TEST_F(StreamTest, TheDefaultStreamWaitsForBlockingStreamsOnly) {
  const int* from = device_ints(counting(kCount, 0));
  int *middle = unwritten_ints(kCount), *to = unwritten_ints(kCount);
  cudaStream_t blocking = nullptr;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  ASSERT_CUDA(launch_add_one(kCount, from, middle, blocking));
  ASSERT_CUDA(launch_add_one(kCount, middle, to, nullptr));
  ASSERT_CUDA(launch_add_one(kCount, to, middle, blocking));
  ASSERT_CUDA(cudaStreamSynchronize(blocking)) << fault();
  EXPECT_EQ(host_ints(middle, kCount), counting(kCount, 3));

  ASSERT_CUDA(launch_add_one(kCount, from, middle, new_stream()));
  ASSERT_CUDA(launch_add_one(kCount, middle, to, nullptr));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "race")) << fault();
}

TEST_F(StreamTest, NothingRunsBeforeItIsWaitedForAndPollingEnds) {
  const int* from = device_ints(counting(kCount, 0));
  int* to = unwritten_ints(kCount);
  const cudaStream_t stream = new_stream();
  const cudaEvent_t start = new_event(), end = new_event();
  EXPECT_CUDA(cudaEventQuery(end));  // never recorded
  ASSERT_CUDA(cudaEventRecord(start, stream));
  for (int i = 0; i < 5; ++i) ASSERT_CUDA(launch_add_one(kCount, from, to, stream));
  ASSERT_CUDA(cudaEventRecord(end, stream));
  float milliseconds = -1;
  EXPECT_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  EXPECT_CUDA_ERROR(cudaStreamQuery(stream), cudaErrorNotReady);
  int polls = 0;
  while (cudaEventQuery(end) == cudaErrorNotReady) ASSERT_LT(++polls, 100);
  EXPECT_GT(polls, 0);
  EXPECT_CUDA(cudaStreamQuery(stream));
  ASSERT_CUDA(cudaEventElapsedTime(&milliseconds, start, end));
  EXPECT_GT(milliseconds, 0);
  cudaEvent_t untimed = nullptr;
  ASSERT_CUDA(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  ASSERT_CUDA(cudaEventRecord(untimed, stream));
  ASSERT_CUDA(cudaEventSynchronize(untimed));
  EXPECT_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
}

TEST_F(StreamTest, StreamsHaveIdsThatAreNotUsedTwice) {
  unsigned long long first = 0, second = 0;
  cudaStream_t stream = new_stream();
  ASSERT_CUDA(cudaStreamGetId(stream, &first));
  ASSERT_CUDA(cudaStreamDestroy(stream));
  EXPECT_CUDA_ERROR(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  stream = new_stream();
  ASSERT_CUDA(cudaStreamGetId(stream, &second));
  EXPECT_NE(first, second);
}

TEST_F(StreamTest, PageableMemoryIsFreeWhenACopyReturnsAndPinnedMemoryIsNot) {
  int* device = unwritten_ints(kCount);
  const cudaStream_t stream = new_stream();
  std::vector<int> pageable = counting(kCount, 5);
  ASSERT_CUDA(cudaMemcpyAsync(device, pageable.data(), kBytes, cudaMemcpyHostToDevice, stream));
  pageable.assign(kCount, -1);
  ASSERT_CUDA(cudaMemcpyAsync(pageable.data(), device, kBytes, cudaMemcpyDeviceToHost, stream));
  EXPECT_EQ(pageable, counting(kCount, 5));  // without waiting

  int* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(reinterpret_cast<void**>(&pinned), kBytes));
  std::memcpy(pinned, counting(kCount, 1).data(), kBytes);
  ASSERT_CUDA(cudaMemcpyAsync(device, pinned, kBytes, cudaMemcpyHostToDevice, stream));
  pinned[0] = 77;  // too early
  ASSERT_CUDA(cudaStreamSynchronize(stream));
  EXPECT_EQ(host_ints(device, kCount)[0], 77);
  ASSERT_CUDA(launch_add_one(kCount, device, pinned, stream));  // kernels reach it
  ASSERT_CUDA(cudaStreamSynchronize(stream)) << fault();
  EXPECT_EQ(pinned[1], 3);
  EXPECT_CUDA(cudaFreeHost(pinned));
}

TEST_F(StreamTest, CopiesTakePartInRacesAndKnowTheirBounds) {
  int* device = device_ints(counting(kCount, 0));
  std::vector<int> host(kCount);
  EXPECT_CUDA_ERROR(cudaMemcpy(device, host.data(), kBytes + 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_CUDA_ERROR(cudaMemcpy(host.data(), device, kBytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_CUDA_ERROR(cudaMemset(device + kCount, 0, 1), cudaErrorInvalidValue);
  ASSERT_CUDA(cudaMemsetAsync(device, 1, 16, new_stream()));
  ASSERT_CUDA(launch_add_one(kCount, device, unwritten_ints(kCount), new_stream()));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "cudaMemsetAsync")) << fault();
}

TEST_F(StreamTest, RowsAreCopiedWithTheirPitches) {
  int* device = device_ints(std::vector<int>(kCount, -1));
  const std::vector<int> host = counting(12, 0);  // 3 rows of 4, of which 2 are copied
  ASSERT_CUDA(cudaMemcpy2D(device, 32, host.data(), 16, 8, 3, cudaMemcpyHostToDevice));
  const std::vector<int> copied = host_ints(device, 24);
  EXPECT_EQ(copied[1], 1);
  EXPECT_EQ(copied[2], -1);
  EXPECT_EQ(copied[8], 4);
  EXPECT_EQ(copied[17], 9);
  EXPECT_CUDA_ERROR(cudaMemcpy2D(device, 4, host.data(), 16, 8, 3, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
}

TEST_F(StreamTest, MemoryOfAStreamIsFreedInItsOrder) {
  const cudaStream_t stream = new_stream();
  const int* from = device_ints(counting(kCount, 0));
  int* scratch = nullptr;
  ASSERT_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&scratch), kBytes, stream));
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, stream));
  ASSERT_CUDA(cudaFreeAsync(scratch, stream));
  ASSERT_CUDA(cudaStreamSynchronize(stream)) << fault();
  EXPECT_CUDA_ERROR(cudaFree(scratch), cudaErrorInvalidValue);
  ASSERT_CUDA(cudaMallocAsync(reinterpret_cast<void**>(&scratch), kBytes, stream));
  ASSERT_CUDA(launch_add_one(kCount, from, scratch, new_stream()));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "cudaMallocAsync")) << fault();
}

TEST_F(StreamTest, PointersSayWhatTheyAre) {
  int* device = unwritten_ints(4);
  int local = 0;
  cudaPointerAttributes attributes;
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, device + 1));
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes.device, 0);
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, &local));
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  ASSERT_CUDA(cudaHostRegister(&local, sizeof local, 0));
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, &local));
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  ASSERT_CUDA(cudaHostUnregister(&local));
  size_t free_before = 0, free_after = 0, total = 0;
  ASSERT_CUDA(cudaMemGetInfo(&free_before, &total));
  unwritten_ints(1024);
  ASSERT_CUDA(cudaMemGetInfo(&free_after, &total));
  EXPECT_EQ(free_before - free_after, 4096u);
  void* too_much = nullptr;
  EXPECT_EQ(cudaMalloc(&too_much, total), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
}

TEST_F(StreamTest, ThreadsMayCallAtOnce) {
  constexpr int threads = 6;
  const int* from = device_ints(counting(kCount, 0));
  std::vector<std::vector<int>> results(threads);
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t) {
    callers.emplace_back([&, t] {
      const cudaStream_t stream = new_stream();
      int *a = nullptr, *b = nullptr;
      EXPECT_CUDA(cudaMalloc(reinterpret_cast<void**>(&a), kBytes));
      EXPECT_CUDA(cudaMalloc(reinterpret_cast<void**>(&b), kBytes));
      EXPECT_CUDA(launch_add_one(kCount, from, a, stream));
      for (int step = 0; step < t; ++step) {
        EXPECT_CUDA(launch_add_one(kCount, step % 2 ? b : a, step % 2 ? a : b, stream));
      }
      EXPECT_EQ(launch_bounded(65, a, stream), cudaErrorLaunchOutOfResources);
      EXPECT_CUDA(cudaStreamSynchronize(stream));
      results[static_cast<size_t>(t)] = host_ints(t % 2 ? b : a, kCount);
      EXPECT_CUDA(cudaFree(a));
      EXPECT_CUDA(cudaFree(b));
      EXPECT_CUDA(cudaStreamDestroy(stream));
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int t = 0; t < threads; ++t) EXPECT_EQ(results[static_cast<size_t>(t)], counting(kCount, t + 1)) << t;
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);  // errors are their threads'
}

}  // namespace
}  // namespace ternary::softgpu
