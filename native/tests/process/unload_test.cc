// A library that goes away leaves nothing behind: dlclose() with a runtime still open, while threads that called it live
// on, and before a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>

#include "support/loaded_core.h"

namespace ternary::test {
namespace {

int threads_in_proc() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

bool mapped(const std::string& file) {
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  return text.find(std::filesystem::canonical(file).string()) != std::string::npos;
}

TEST(Unload, WorkersOfAnOpenRuntimeEndFirst) {
  const int before = threads_in_proc();
  for (int round = 0; round < 3; ++round) {
    Core core(library_file);
    ASSERT_NE(core.runtime("TERNARY_NUM_THREADS=4"), nullptr) << core.error();
    ASSERT_EQ(threads_in_proc(), before + 3);
    core.close();
    // A joined thread leaves /proc a moment after pthread_join() has returned.
    for (int wait = 0; threads_in_proc() != before && wait < 10000; ++wait) usleep(1000);
    ASSERT_EQ(threads_in_proc(), before) << "a worker outlives its code";
    EXPECT_FALSE(mapped(library_file));
  }
}

TEST(Unload, AThreadThatCalledAndLivesOnDoesNotHoldTheLibrary) {
  for (int round = 0; round < 3; ++round) {
    Core core(library_file);
    std::mutex mutex;
    std::condition_variable changed;
    bool called = false, may_end = false;
    std::thread caller([&] {
      ternary_runtime* runtime = core.runtime("TERNARY_NUM_THREADS=2");
      EXPECT_NE(runtime, nullptr) << core.error();
      EXPECT_EQ(core.call(runtime), TERNARY_OK) << core.error();
      EXPECT_NE(core.call(nullptr), TERNARY_OK);  // the sentence is the thread's own too
      core.destroy(runtime);
      std::unique_lock<std::mutex> lock(mutex);
      called = true;
      changed.notify_all();
      changed.wait(lock, [&] { return may_end; });
    });
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return called; });
    }
    EXPECT_TRUE(mapped(library_file));
    core.close();
    EXPECT_FALSE(mapped(library_file));
    {
      const std::lock_guard<std::mutex> lock(mutex);
      may_end = true;
    }
    changed.notify_all();
    caller.join();  // its end runs nothing of the library
  }
}

TEST(Unload, AForkAfterwardsRunsNothingOfTheLibrary) {
  {
    Core core(library_file);
    ternary_runtime* runtime = core.runtime("TERNARY_NUM_THREADS=2");
    ASSERT_NE(runtime, nullptr) << core.error();
    core.destroy(runtime);
  }
  ASSERT_FALSE(mapped(library_file));
  const pid_t child = fork();  // its handlers would be called in the parent too
  if (child == 0) _exit(0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) ternary::test::library_file = argv[1];
  return RUN_ALL_TESTS();
}
