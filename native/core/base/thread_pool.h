/**
 * @file thread_pool.h
 * @brief Workers that help a call, and leave it alone when they are busy with another.
 */
#ifndef TERNARY_CORE_BASE_THREAD_POOL_H_
#define TERNARY_CORE_BASE_THREAD_POOL_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/base/topology.h"

namespace ternary {

/**
 * A fork-join pool of plain threads. run() hands chunks to the caller and to the workers that are awake; a caller that
 * finds the pool taken by another caller works alone, so callers in parallel share the cores and never oversubscribe
 * them. The caller waits only for workers that have taken part, so a sleeping worker never delays a short call.
 * Idle workers spin for about kSpins pauses (20 to 50 microseconds), then sleep in the kernel. Workers run on the CPUs
 * of the process, also where the thread that creates the pool is pinned to fewer.
 *
 * Why not a library: native/doc/adr/0001-own-thread-pool.md has the figures.
 */
class ThreadPool {
 public:
  /** A body computes one chunk; `thread` is 0 (the caller) ... threads() - 1 and owns that share of the scratch. */
  using Body = void (*)(void* context, int64_t chunk, int thread);

  /** Starts threads - 1 workers; throws if one cannot be started. */
  explicit ThreadPool(int threads);
  /** Ends the workers; nobody may be in run(). */
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /** Runs body for chunks 0 ... chunks-1 and returns when all are done. At most `threads` threads take part. */
  void run(int64_t chunks, int threads, Body body, void* context);

  /**
   * Ends the workers early, e.g. when the library is unloaded; later runs use the caller alone. Callers may be in run():
   * this waits for the chunks that workers have, not for jobs, however many callers there are. At most one thread calls it
   * at a time.
   */
  void stop();

  /** Forgets the workers in the child of a fork, where they do not exist. */
  void abandon();

 private:
  static void* work(void* pool);
  void serve();
  void take_chunks(int thread);

  const CpuMask cpus_;  ///< for workers; empty: those of the thread that creates them
  std::vector<pthread_t> workers_;
  std::atomic<bool> taken_{false};  // a caller owns the pool
  std::atomic<bool> open_{false};   // the job below may be joined
  std::atomic<bool> stopping_{false};
  std::atomic<int> active_{0};           // workers inside the job
  std::atomic<uint32_t> generation_{0};  // counts jobs; what idle workers watch
  std::atomic<int> sleepers_{0};
  // The job: written by the caller while open_ is false and active_ is 0.
  int64_t chunks_ = 0;
  int limit_ = 0;
  Body body_ = nullptr;
  void* context_ = nullptr;
  alignas(64) std::atomic<int64_t> next_{0};  // the next chunk
  std::atomic<int> joined_{0};                // threads that have taken part, the caller included
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_THREAD_POOL_H_
