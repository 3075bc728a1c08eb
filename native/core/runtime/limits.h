/**
 * @file limits.h
 * @brief Measures what the machine gives at best, with a backend's loops on a runtime's threads.
 */
#ifndef TERNARY_CORE_RUNTIME_LIMITS_H_
#define TERNARY_CORE_RUNTIME_LIMITS_H_

#include <pthread.h>

#include <vector>

#include "abi/kernel.h"
#include "core/base/large_memory.h"
#include "core/base/thread_pool.h"

namespace ternary {

/** What ternary_measure_limit() is asked for. */
struct LimitQuestion {
  ternary_limit kind;
  int threads;
  int64_t bytes;  ///< TERNARY_LIMIT_READ: the working set of all threads
};

/** Throws for what ternary_measure_limit() does not measure on a runtime of `most_threads`. */
void check_limit(ternary_limit limit, int64_t threads, int64_t most_threads, int64_t bytes, int64_t nanoseconds);

/** A runtime's measurements: its loops, and the memory they read. One caller at a time, the others wait. */
class Limits {
 public:
  Limits() = default;
  ~Limits() { pthread_mutex_destroy(&mutex_); }
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

  /** Throws a Failure if none of `loops` is of the kind, or if not all threads come. */
  ternary_limit_measurement measure(ThreadPool& pool, const std::vector<const LimitLoop*>& loops,
                                    const LimitQuestion& question, int64_t nanoseconds);

 private:
  /** The fastest loop for a question. */
  struct Choice {
    LimitQuestion question;
    const LimitLoop* loop;
  };

  /** What threads read: a part each. */
  struct Operands {
    LimitQuestion question;          ///< that they are for
    LargeMemory memory;              ///< null at first
    std::vector<int64_t> positions;  ///< where each thread goes on in its part
  };

  const LimitLoop& choose(ThreadPool& pool, const std::vector<const LimitLoop*>& loops, const LimitQuestion& question);
  ternary_limit_measurement run(ThreadPool& pool, const LimitLoop& loop, const LimitQuestion& question,
                                int64_t nanoseconds);
  Operands& operands(ThreadPool& pool, const LimitQuestion& question);

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  std::vector<Choice> choices_;
  Operands working_set_ = {};  ///< of TERNARY_LIMIT_READ
  Operands multiplied_ = {};   ///< of the others, 16 KB a thread
};

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_LIMITS_H_
