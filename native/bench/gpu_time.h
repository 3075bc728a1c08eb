/**
 * @file gpu_time.h
 * @brief Times of what runs on a stream.
 */
#ifndef TERNARY_BENCH_GPU_TIME_H_
#define TERNARY_BENCH_GPU_TIME_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace ternary::bench {

double seconds_now();

/** When no measurement shall begin any more. */
class Deadline {
 public:
  /** 0: never. */
  explicit Deadline(double seconds) : end_(seconds > 0 ? seconds_now() + seconds : 0) {}
  /** Says so on stdout the first time that it is true. */
  bool passed();
  /** Whether something was left out for it. */
  bool was_met() const { return met_; }

 private:
  const double end_;
  bool met_ = false;
};

/** A stream that waits for no other. */
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  void wait() const;

 private:
  cudaStream_t stream_ = nullptr;
};

/** Calls captured from a stream, to be replayed. */
class CapturedCalls {
 public:
  /** `start` makes call i of `count`. */
  CapturedCalls(const Stream& stream, int64_t count, const std::function<void(int64_t)>& start);
  ~CapturedCalls();
  CapturedCalls(const CapturedCalls&) = delete;
  CapturedCalls& operator=(const CapturedCalls&) = delete;
  void replay(const Stream& stream) const;

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t run_ = nullptr;
};

double median(std::vector<double> values);

/** Microseconds of the stream between events around what `work` starts: the median, after two turns to warm up. */
double event_time(const Stream& stream, int repetitions, const std::function<void()>& work);

/** Microseconds of an element of `count` calls that a graph makes. */
double graph_time(const Stream& stream, int64_t count, int repetitions, const std::function<void(int64_t)>& start);

/** Nanoseconds of the host that `work` takes: the median of `count`; it waits for the stream now and then, untimed. */
double host_time(const Stream& stream, int count, const std::function<void()>& work);

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_GPU_TIME_H_
