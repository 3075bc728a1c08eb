// exit() while other threads create, use and destroy runtimes, as a JVM's daemon threads may that are in native code. Each
// case runs in processes of its own: this program, started again with the case's name.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/handles.h"
#include "support/operands.h"

extern char** environ;

namespace ternary::test {
namespace {

constexpr int kThreads = 4;
constexpr int64_t kN = 64, kK = 256, kM = 64;
constexpr const char* kChild = "--exits";

/** What the threads of a child work on; never destroyed, for they outlive main(). */
struct Shared {
  LayerHandle layer;
  RuntimeHandle runtime;
  std::vector<ternary_runtime*> doomed;
  std::atomic<int> started{0};
};

void call(ternary_runtime* runtime, const Shared& shared) {
  std::vector<float> x(kM * kK), y(kM * kN);
  const ternary_operands o = product_of(x.data(), TERNARY_F32, kK, y.data(), TERNARY_F32, kN, kM);
  ternary_apply(runtime, shared.layer.get(), &o);
}

/** For ever: create, use and destroy ("churn"), or use the shared runtime ("use"). */
[[noreturn]] void work(const Shared& shared, const std::string& what) {
  for (;;) {
    if (what.find("churn") != std::string::npos) {
      const RuntimeHandle own = make_runtime("TERNARY_NUM_THREADS=2");
      if (own != nullptr) call(own.get(), shared);
    }
    if (what.find("use") != std::string::npos) call(shared.runtime.get(), shared);
  }
}

void destroy(Shared& shared, size_t first) {
  ++shared.started;
  while (shared.started < kThreads) std::this_thread::yield();
  for (size_t i = first; i < shared.doomed.size(); i += kThreads) ternary_runtime_destroy(shared.doomed[i]);
}

/** The child: threads at work, and exit() beside them. Returns what is wrong before that. */
int exit_beside(const std::string& what, const std::string& report) {
  alarm(60);
  static Shared& shared = *new Shared;
  const std::vector<uint8_t> codes(kN * kK / 4, 0x55);
  const float alpha = 1;
  ternary_weights* weights = nullptr;
  if (ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S_TILED, TERNARY_ALPHA_TENSOR,
                             &alpha, 1, 0, &weights) != TERNARY_OK) {
    return 2;
  }
  shared.layer = make_layer(plain_layer(weights, TERNARY_A8));
  ternary_weights_destroy(weights);
  if (shared.layer == nullptr) return 2;
  shared.runtime = make_runtime("TERNARY_NUM_THREADS=3" + (report.empty() ? "" : "\nTERNARY_PATH_REPORT=" + report));
  if (shared.runtime == nullptr) return 3;
  if (what.find("destroy") == std::string::npos) {
    for (int t = 0; t < kThreads; ++t) std::thread([what] { work(shared, what); }).detach();
    usleep(1000 + static_cast<useconds_t>(getpid()) % 2000);
    return 0;
  }
  for (int i = 0; i < 40; ++i) shared.doomed.push_back(make_runtime("TERNARY_NUM_THREADS=2").release());
  for (size_t t = 0; t < kThreads; ++t) std::thread([t] { destroy(shared, t); }).detach();
  while (shared.started < kThreads) std::this_thread::yield();
  return 0;
}

/** Empty, or how a child with these arguments ended. */
std::string ending_of(const std::string& what, const std::string& report) {
  std::string program = "/proc/self/exe", child = kChild, first = what, second = report;
  char* arguments[] = {program.data(), child.data(), first.data(), second.data(), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return "not started";
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return "lost";
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "exit code " + std::to_string(WEXITSTATUS(status));
}

void expect_clean_endings(const std::string& what, const std::string& report = "") {
  for (int child = 0; child < 10; ++child) ASSERT_EQ(ending_of(what, report), "") << what << ", child " << child;
}

TEST(Exit, WhileOtherThreadsDestroyRuntimes) { expect_clean_endings("destroy"); }

TEST(Exit, WhileOtherThreadsCall) { expect_clean_endings("use"); }

TEST(Exit, WhileOtherThreadsCreateUseAndDestroyRuntimes) { expect_clean_endings("churn use"); }

TEST(Exit, WritesItsReportMeanwhile) {
  const std::string report = testing::TempDir() + "ternary_exit_" + std::to_string(getpid()) + ".json";
  for (const char* what : {"destroy", "churn use"}) {
    expect_clean_endings(what, report);
    EXPECT_NE(parse_counters(read_text(report)).pid, 0) << read_text(report);
    std::remove(report.c_str());
  }
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], ternary::test::kChild) == 0) {
    exit(ternary::test::exit_beside(argv[2], argv[3]));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
