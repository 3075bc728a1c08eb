#include "bench/gpu_time.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "bench/gpu.h"

namespace ternary::bench {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool Deadline::passed() {
  if (end_ == 0 || seconds_now() < end_) return false;
  if (!met_) std::printf("the seconds are over; what follows is left out\n");
  return met_ = true;
}

Stream::Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate"); }
Stream::~Stream() { cudaStreamDestroy(stream_); }
void Stream::wait() const { check(cudaStreamSynchronize(stream_), "the stream"); }

CapturedCalls::CapturedCalls(const Stream& stream, int64_t count, const std::function<void(int64_t)>& start) {
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  for (int64_t i = 0; i < count; ++i) start(i);
  check(cudaStreamEndCapture(stream.get(), &graph_), "cudaStreamEndCapture");
  check(cudaGraphInstantiate(&run_, graph_, 0), "cudaGraphInstantiate");
}

CapturedCalls::~CapturedCalls() {
  cudaGraphExecDestroy(run_);
  cudaGraphDestroy(graph_);
}

void CapturedCalls::replay(const Stream& stream) const { check(cudaGraphLaunch(run_, stream.get()), "a graph"); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double event_time(const Stream& stream, int repetitions, const std::function<void()>& work) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  std::vector<double> times;
  for (int i = -2; i < repetitions; ++i) {
    check(cudaEventRecord(begin, stream.get()), "cudaEventRecord");
    work();
    check(cudaEventRecord(end, stream.get()), "cudaEventRecord");
    check(cudaEventSynchronize(end), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
    if (i >= 0) times.push_back(1e3 * milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return median(std::move(times));
}

double graph_time(const Stream& stream, int64_t count, int repetitions, const std::function<void(int64_t)>& start) {
  const CapturedCalls calls(stream, count, start);
  return event_time(stream, repetitions, [&] { calls.replay(stream); }) / static_cast<double>(count);
}

double host_time(const Stream& stream, int count, const std::function<void()>& work) {
  constexpr int kInFlight = 128;  // far below what a stream takes before the host must wait for it
  std::vector<double> times;
  for (int i = -2; i < count; ++i) {
    if (i % kInFlight == 0) stream.wait();
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    if (i >= 0) times.push_back(taken.count());
  }
  stream.wait();
  return median(std::move(times));
}

}  // namespace ternary::bench
