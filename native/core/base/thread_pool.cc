#include "core/base/thread_pool.h"

#include <dlfcn.h>
#include <immintrin.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "core/base/failure.h"
#include "core/base/float_environment.h"

namespace ternary {
namespace {

/** Pauses before an idle worker sleeps: about 40 microseconds at 20 ns a pause, longer than the gap between the layers
 *  of a decoding step, far shorter than anything a user would see as load. */
constexpr int kSpins = 2000;

/** Kernels use a few KB of stack. */
constexpr size_t kStackBytes = 256 << 10;

void futex_wait(std::atomic<uint32_t>* word, uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t>* word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

/** The process's signals belong to its own threads; faults must still reach the handler. */
sigset_t signals_not_for_workers() {
  sigset_t set;
  sigfillset(&set);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&set, fault);
  return set;
}

/**
 * What glibc takes out of a thread's stack before the thread's first frame: static TLS of all libraries, which a
 * profiler or a preloaded allocator makes hundreds of KB. 0 where the C library has no such function.
 */
size_t stack_of_c_library(const pthread_attr_t& attributes) {
  using MinimumFn = size_t (*)(const pthread_attr_t*);
  const auto minimum = reinterpret_cast<MinimumFn>(dlsym(RTLD_DEFAULT, "__pthread_get_minstack"));
  return minimum == nullptr ? 0 : minimum(&attributes);
}

/** Starts a thread with a small stack, or with the system's default one where the C library refuses that. */
int start_thread(pthread_t& thread, void* (*start)(void*), void* data) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int error = pthread_attr_setstacksize(&attributes, kStackBytes + stack_of_c_library(attributes));
  if (error == 0) error = pthread_create(&thread, &attributes, start, data);
  pthread_attr_destroy(&attributes);
  return error == EINVAL ? pthread_create(&thread, nullptr, start, data) : error;
}

/** The process's CPUs if a thread that the caller starts would not have them by itself, else none: a thread that was
 *  never given a mask follows its cgroup when that gets more CPUs. */
CpuMask cpus_for_workers() {
  CpuMask process = process_affinity();
  if (same_cpus(process, affinity_of(0))) process.clear();
  return process;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : cpus_(cpus_for_workers()) {
  workers_.resize(threads - 1);
  const sigset_t blocked = signals_not_for_workers();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  int error = 0;
  size_t started = 0;
  while (started < workers_.size()) {
    error = start_thread(workers_[started], &ThreadPool::work, this);
    if (error != 0) break;
    ++started;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    workers_.resize(started);
    stop();
    fail(TERNARY_OUT_OF_MEMORY, "thread %zu of TERNARY_NUM_THREADS=%d could not be started: %s", started + 2, threads,
         std::strerror(error));
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  if (stopping_.exchange(true)) return;
  generation_.fetch_add(1);
  futex_wake(&generation_, INT_MAX);
  for (pthread_t worker : workers_) pthread_join(worker, nullptr);
}

void ThreadPool::abandon() {
  stopping_ = true;
  taken_ = true;
}

void ThreadPool::run(int64_t chunks, int threads, Body body, void* context) {
  const bool alone = chunks <= 1 || threads <= 1 || workers_.empty() || stopping_.load(std::memory_order_relaxed) ||
                     taken_.exchange(true);
  if (alone) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk, 0);
    return;
  }
  chunks_ = chunks;
  limit_ = threads;
  body_ = body;
  context_ = context;
  next_.store(0, std::memory_order_relaxed);
  joined_.store(1, std::memory_order_relaxed);
  open_.store(true);
  generation_.fetch_add(1);
  // Both this pair and the worker's (sleepers_, then generation_ inside the futex) are sequentially consistent: either
  // the worker is seen here, or it sees the new generation and does not sleep.
  if (sleepers_.load() > 0) futex_wake(&generation_, threads - 1);
  take_chunks(0);
  open_.store(false);
  // A worker first counts itself active and then looks at open_, so none can slip in after this loop.
  for (int spin = 0; active_.load() != 0; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      sched_yield();  // a worker in the middle of a chunk has lost its core
    }
  }
  taken_.store(false);
}

void ThreadPool::take_chunks(int thread) {
  for (int64_t chunk; (chunk = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) {
    body_(context_, chunk, thread);
    if (thread != 0 && stopping_.load(std::memory_order_relaxed)) return;  // the caller takes the rest
  }
}

void* ThreadPool::work(void* pool) {
  const FloatEnvironment environment;
  auto& self = *static_cast<ThreadPool*>(pool);
  if (!self.cpus_.empty()) {  // refused, e.g. by a sandbox: the worker stays where its creator may run
    (void)sched_setaffinity(0, self.cpus_.size() * sizeof(cpu_set_t), self.cpus_.data());
  }
  self.serve();
  return nullptr;
}

void ThreadPool::serve() {
  uint32_t seen = 0;
  for (;;) {
    for (int spin = 0; generation_.load(std::memory_order_acquire) == seen && spin < kSpins; ++spin) _mm_pause();
    if (generation_.load() == seen) {
      sleepers_.fetch_add(1);
      futex_wait(&generation_, seen);
      sleepers_.fetch_sub(1);
      continue;
    }
    seen = generation_.load();
    if (stopping_.load()) return;
    active_.fetch_add(1);
    if (open_.load()) {
      const int thread = joined_.fetch_add(1, std::memory_order_relaxed);
      if (thread < limit_) take_chunks(thread);
    }
    active_.fetch_sub(1);
  }
}

}  // namespace ternary
