/**
 * What it costs to use a second thread: fork and join of an empty job and of a job of some work, by the library's pool,
 * pthreadpool and OpenMP, back to back and after an idle millisecond (workers asleep). It is why core/thread_pool is
 * our own: native/doc/adr/0001-own-thread-pool.md has the figures.
 */
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdint>
#include <cstring>

#include "core/base/thread_pool.h"
#ifdef TERNARY_HAVE_PTHREADPOOL
#include <pthreadpool.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

constexpr int kThreads = 2;
constexpr int kChunks = 8;

/** About `work` dependent multiply-adds a chunk. */
void spend(int64_t work) {
  uint64_t value = 1;
  for (int64_t i = 0; i < work; ++i) value = value * 6364136223846793005u + 1442695040888963407u;
  benchmark::DoNotOptimize(value);
}

void idle() {
  const timespec millisecond = {0, 1000000};
  nanosleep(&millisecond, nullptr);
}

/** Times `job(work)`; range(0) = work a chunk, range(1) = 1 to idle a millisecond before each. */
template <typename Job>
void measure(benchmark::State& state, Job job) {
  for (auto _ : state) {
    if (state.range(1)) {
      state.PauseTiming();
      idle();
      state.ResumeTiming();
    }
    job(state.range(0));
  }
}

void serial(benchmark::State& state) {
  measure(state, [](int64_t work) {
    for (int chunk = 0; chunk < kChunks; ++chunk) spend(work);
  });
}

void own_pool(benchmark::State& state) {
  ternary::ThreadPool pool(kThreads);
  measure(state, [&](int64_t work) {
    pool.run(kChunks, kThreads, [](void* context, int64_t, int) { spend(*static_cast<int64_t*>(context)); }, &work);
  });
}

#ifdef TERNARY_HAVE_PTHREADPOOL
void pthreadpool(benchmark::State& state) {
  pthreadpool_t pool = pthreadpool_create(kThreads);
  measure(state, [&](int64_t work) {
    pthreadpool_parallelize_1d(
        pool, [](void* context, size_t) { spend(*static_cast<int64_t*>(context)); }, &work, kChunks, 0);
  });
  pthreadpool_destroy(pool);
}
#endif

#ifdef _OPENMP
void openmp(benchmark::State& state) {
  measure(state, [](int64_t work) {
#pragma omp parallel for num_threads(kThreads) schedule(dynamic)
    for (int chunk = 0; chunk < kChunks; ++chunk) spend(work);
  });
}
#endif

#define FORK_JOIN(name) \
  BENCHMARK(name)->ArgNames({"work", "idle"})->ArgsProduct({{0, 1000, 10000}, {0, 1}})->UseRealTime()
FORK_JOIN(serial);
FORK_JOIN(own_pool);
#ifdef TERNARY_HAVE_PTHREADPOOL
FORK_JOIN(pthreadpool);
#endif
#ifdef _OPENMP
FORK_JOIN(openmp);
#endif

}  // namespace

BENCHMARK_MAIN();
