// Workers have the stack they were promised, whatever other libraries take out of it: CMakeLists.txt also runs this with
// a preloaded library whose static TLS is as large as that stack.
#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace ternary::test
