// Runtimes come and go: threads end with them, a fork is answered, handles are shared.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

ProblemSpec large_spec() {
  ProblemSpec spec;
  spec.M = 16;
  spec.N = 512;
  spec.K = 1024;
  return spec;
}

/** Runs `body` in a forked child and returns its exit code, or -1 if it did not end by itself within 20 seconds. */
template <typename Body>
int in_child(Body body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(body());
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

TEST(Lifecycle, ThreadsEndWithTheirRuntime) {
  const Problem problem(large_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  const int before = thread_count();
  for (int round = 0; round < 30; ++round) {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=4");
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    ASSERT_EQ(settled_thread_count(before + 3), before + 3);
    if (round % 2 == 0) continue;  // some end without ever having worked
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
    ASSERT_EQ(problem.verdict(got, expected), "");
  }
  EXPECT_EQ(settled_thread_count(before), before);
}

TEST(Lifecycle, WeightsOutliveTheRuntimeTheyWereUsedWith) {
  const Problem problem(large_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  for (int round = 0; round < 3; ++round) {
    const RuntimeHandle runtime = make_runtime();
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
    EXPECT_EQ(problem.verdict(got, expected), "");
  }
}

TEST(Lifecycle, AForkedChildIsToldAndMayMakeItsOwnRuntime) {
  const Problem problem(large_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  Output warm = problem.output();
  ASSERT_EQ(problem.run(runtime.get(), layer.get(), warm), TERNARY_OK);
  const int code = in_child([&] {
    Output got = problem.output();
    if (problem.run(runtime.get(), layer.get(), got) != TERNARY_ILLEGAL_STATE) return 1;
    if (std::string(ternary_last_error()).find("fork") == std::string::npos) return 2;
    if (!got.y.anything_written().empty()) return 3;
    ternary_runtime_destroy(runtime.get());  // must not wait for threads that do not exist
    const RuntimeHandle own = make_runtime("TERNARY_NUM_THREADS=1");
    if (own == nullptr) return 4;
    if (problem.run(own.get(), layer.get(), got) != TERNARY_OK) return 5;
    return problem.verdict(got, expected).empty() ? 0 : 6;
  });
  EXPECT_EQ(code, 0);
  // The parent goes on.
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
  EXPECT_EQ(problem.verdict(got, expected), "");
}

#if !defined(__SANITIZE_THREAD__)  // which allows no threads after a fork
TEST(Lifecycle, AForkedChildMayHaveThreadsOfItsOwn) {
  const Problem problem(large_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  const int code = in_child([&] {
    const RuntimeHandle own = make_runtime("TERNARY_NUM_THREADS=3");
    if (own == nullptr) return 1;
    for (int i = 0; i < 50; ++i) {
      Output got = problem.output();
      if (problem.run(own.get(), layer.get(), got) != TERNARY_OK) return 2;
      if (!problem.verdict(got, expected).empty()) return 3;
    }
    return 0;
  });
  EXPECT_EQ(code, 0);
}
#endif

TEST(Lifecycle, AForkWhileOtherThreadsCall) {
  const Problem problem(large_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    while (!stop) {
      Output got = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK);
    }
  });
  for (int i = 0; i < 10; ++i) {
    const int code = in_child([&] {
      float y = 0;
      const float x = 1;
      const ternary_operands o = product_of(&x, TERNARY_F32, 1, &y, TERNARY_F32, 1, 1);
      return ternary_apply(runtime.get(), layer.get(), &o) == TERNARY_ILLEGAL_STATE ? 0 : 1;
    });
    EXPECT_EQ(code, 0);
  }
  stop = true;
  caller.join();
}

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(Lifecycle, IdleThreadsSleep) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=4");
  const Problem problem(large_spec());
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu_seconds() - before, 0.05) << "idle workers burn the processor";
}

TEST(Lifecycle, ErrorsBelongToTheirThread) {
  EXPECT_NE(ternary_runtime_create("TERNARY_NUM_THREADS=here", nullptr), TERNARY_OK);
  const std::string mine = ternary_last_error();
  EXPECT_FALSE(mine.empty());
  std::thread([] {
    EXPECT_STREQ(ternary_last_error(), "");
    EXPECT_NE(ternary_write_report(nullptr), TERNARY_OK);
  }).join();
  EXPECT_EQ(mine, ternary_last_error());
}

}  // namespace
}  // namespace ternary::test
