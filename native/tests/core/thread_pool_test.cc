// Workers have the stack they were promised, whatever other libraries take out of it: CMakeLists.txt also runs this with
// a preloaded library whose static TLS is as large as that stack.
#include "core/base/thread_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace ternary::test {
namespace {

struct Job {
  std::atomic<bool> helped{false};
};

/** Uses half of a worker's 256 KB, downwards as calls do; the caller's chunks wait for a worker. */
__attribute__((noinline)) void use_stack(void* context, int64_t, int thread) {
  auto& job = *static_cast<Job*>(context);
  if (thread == 0) {
    for (int wait = 0; !job.helped && wait < 10000; ++wait) usleep(1000);
    return;
  }
  volatile char stack[128 << 10];
  for (size_t at = sizeof stack; at > 0; at -= 64) stack[at - 64] = 1;
  job.helped = true;
}

TEST(ThreadPool, WorkersHaveTheirStack) {
  ThreadPool pool(3);
  Job job;
  pool.run(64, 3, use_stack, &job);
  EXPECT_TRUE(job.helped) << "no worker took part";
}

/** Some microseconds of work. */
void count_chunk(void* context, int64_t, int) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
  while (std::chrono::steady_clock::now() < end) {
  }
  ++*static_cast<std::atomic<int64_t>*>(context);
}

TEST(ThreadPool, StopDoesNotWaitForCallersThatNeverPauseAndTheirJobsAreDone) {
  for (int round = 0; round < 5; ++round) {
    ThreadPool pool(3);
    std::atomic<bool> end{false};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 6; ++caller) {
      callers.emplace_back([&] {
        std::atomic<int64_t> done{0};
        int64_t jobs = 0;
        for (; !end; ++jobs) pool.run(16, 3, count_chunk, &done);
        EXPECT_EQ(done, 16 * jobs);
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto begin = std::chrono::steady_clock::now();
    pool.stop();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // callers go on alone
    end = true;
    for (std::thread& caller : callers) caller.join();
    EXPECT_LT(took.count(), 2.0) << "a worker has one chunk of 20 us left; it must only be scheduled";
  }
}

}  // namespace
}  // namespace ternary::test
