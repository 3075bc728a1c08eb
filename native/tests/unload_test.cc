// A library that goes away takes its threads with it: dlclose() with a runtime still open.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "ternary/ternary.h"

namespace {

const char* library_file = nullptr;

int threads_in_proc() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

TEST(Unload, WorkersOfAnOpenRuntimeEndFirst) {
  const int before = threads_in_proc();
  for (int round = 0; round < 3; ++round) {
    void* library = dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto create = reinterpret_cast<decltype(&ternary_runtime_create)>(dlsym(library, "ternary_runtime_create"));
    ASSERT_NE(create, nullptr);
    ternary_runtime* runtime = nullptr;
    ASSERT_EQ(create("TERNARY_NUM_THREADS=4", &runtime), TERNARY_OK);
    ASSERT_EQ(threads_in_proc(), before + 3);
    ASSERT_EQ(dlclose(library), 0);
    // A joined thread leaves /proc a moment after pthread_join() has returned.
    for (int wait = 0; threads_in_proc() != before && wait < 10000; ++wait) usleep(1000);
    ASSERT_EQ(threads_in_proc(), before) << "a worker outlives its code";
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  library_file = argc > 1 ? argv[1] : "libternary.so";
  return RUN_ALL_TESTS();
}
