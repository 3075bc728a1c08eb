// Counters and reports: exact counts, files, {pid}, every N calls, at exit, across runtimes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/problem.h"

namespace ternary::test {
namespace {

/** A file of this process and test, removed at the end. */
class ReportFile {
 public:
  explicit ReportFile(const std::string& name) : stem_(testing::TempDir() + "ternary_" + name + "_") {
    std::remove(path().c_str());
  }
  ~ReportFile() { std::remove(path().c_str()); }
  std::string pattern() const { return stem_ + "{pid}.json"; }
  std::string path(int pid = getpid()) const { return stem_ + std::to_string(pid) + ".json"; }
  Counters counters() const { return parse_counters(read_text(path())); }
  const std::string& stem() const { return stem_; }
  bool exists() const { return access(path().c_str(), F_OK) == 0; }

 private:
  std::string stem_;
};

class CountersTest : public testing::Test {
 protected:
  void call(ternary_runtime* runtime, int times = 1) {
    for (int i = 0; i < times; ++i) {
      Output out = problem_.output();
      ASSERT_EQ(problem_.run(runtime, weights_.get(), out), TERNARY_OK) << ternary_last_error();
    }
  }

  static ProblemSpec spec() {
    ProblemSpec s;
    s.M = 2;
    s.N = 20;
    s.K = 70;
    return s;
  }

  uint64_t total(const Counters& counters) {
    uint64_t sum = 0;
    for (const auto& [path, count] : counters.paths) sum += count;
    return sum;
  }

  Problem problem_{spec()};
  WeightsHandle weights_ = problem_.weights(TERNARY_LAYOUT_I2S_TILED);
};

TEST_F(CountersTest, CountsAreExactFromManyThreads) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { call(runtime.get(), 250); });
  for (std::thread& caller : callers) caller.join();
  const Counters counters = counters_of(runtime.get());
  ASSERT_EQ(counters.paths.size(), 1u);
  EXPECT_EQ(counters.paths.begin()->first.rfind("linear.gem", 0), 0u) << counters.paths.begin()->first;
  EXPECT_NE(counters.paths.begin()->first.find(".cpu."), std::string::npos);
  EXPECT_EQ(counters.paths.begin()->second, 1000u);
  EXPECT_EQ(counters.pid, getpid());
}

TEST_F(CountersTest, FailedCallsAreNotCounted) {
  const RuntimeHandle runtime = make_runtime();
  EXPECT_NE(ternary_linear(runtime.get(), weights_.get(), TERNARY_A8, nullptr, TERNARY_F32, 70, nullptr, nullptr,
                           nullptr, TERNARY_F32, 20, 2),
            TERNARY_OK);
  EXPECT_TRUE(counters_of(runtime.get()).paths.empty());
}

TEST_F(CountersTest, NothingIsCountedWhenSwitchedOff) {
  const RuntimeHandle runtime = make_runtime("TERNARY_COLLECT_PATH_STATS=0");
  const WeightsHandle slow = problem_.weights(TERNARY_LAYOUT_I2S);
  Output out = problem_.output();
  ASSERT_EQ(problem_.run(runtime.get(), slow.get(), out), TERNARY_OK);
  call(runtime.get(), 3);
  EXPECT_TRUE(counters_of(runtime.get()).paths.empty());
  EXPECT_TRUE(counters_of(runtime.get()).fallbacks.empty());
}

TEST_F(CountersTest, RuntimesCountForThemselvesAndTheReportForAll) {
  const ReportFile file("all");
  ASSERT_EQ(ternary_write_report(file.pattern().c_str()), TERNARY_OK) << ternary_last_error();
  const uint64_t before = total(file.counters());
  RuntimeHandle a = make_runtime(), b = make_runtime();
  call(a.get(), 3);
  call(b.get(), 4);
  EXPECT_EQ(total(counters_of(a.get())), 3u);
  EXPECT_EQ(total(counters_of(b.get())), 4u);
  ASSERT_EQ(ternary_runtime_reset_counters(a.get()), TERNARY_OK);
  EXPECT_EQ(total(counters_of(a.get())), 0u);
  call(a.get());
  EXPECT_EQ(total(counters_of(a.get())), 1u);
  b.reset();  // destroyed: its counts stay in the report
  ASSERT_EQ(ternary_write_report(file.pattern().c_str()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(total(file.counters()), before + 8);
  EXPECT_EQ(file.counters().pid, getpid());
}

TEST_F(CountersTest, ReportEveryNCalls) {
  const ReportFile file("every");
  const RuntimeHandle runtime = make_runtime("TERNARY_PATH_REPORT=" + file.pattern() + "\nTERNARY_PATH_REPORT_EVERY=3");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  call(runtime.get(), 2);
  EXPECT_FALSE(file.exists());
  call(runtime.get());
  ASSERT_TRUE(file.exists());
  const uint64_t at_three = total(file.counters());
  call(runtime.get(), 2);
  EXPECT_EQ(total(file.counters()), at_three);
  call(runtime.get());
  EXPECT_EQ(total(file.counters()), at_three + 3);
}

TEST_F(CountersTest, AReportThatCannotBeWrittenIsAnErrorThatNamesIt) {
  for (const std::string path : {"/no/such/folder/r.json", "/proc/r.json", "/tmp", ""}) {
    EXPECT_NE(ternary_write_report(path.c_str()), TERNARY_OK) << path;
    EXPECT_NE(std::string(ternary_last_error()).find(path), std::string::npos) << ternary_last_error();
  }
}

TEST_F(CountersTest, AReportFollowsNoPlantedLinkAndKeepsTheFilesMode) {
  const ReportFile file("planted");
  const std::string precious = file.stem() + "precious", planted = file.path() + ".tmp" + std::to_string(getpid());
  std::ofstream(precious) << "precious";
  std::ofstream(file.path()) << "old";
  ASSERT_EQ(chmod(file.path().c_str(), 0600), 0);
  ASSERT_EQ(symlink(precious.c_str(), planted.c_str()), 0);
  EXPECT_EQ(ternary_write_report(file.path().c_str()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(read_text(precious), "precious");
  EXPECT_EQ(file.counters().pid, getpid());
  struct stat status = {};
  ASSERT_EQ(lstat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFREG | 0600));
  std::remove(planted.c_str());
  std::remove(precious.c_str());
}

TEST_F(CountersTest, ReportAtExit) {
  const ReportFile file("exit");
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Not _exit(): the report is written as the libraries are unloaded.
    const std::string settings = "TERNARY_NUM_THREADS=1\nTERNARY_PATH_REPORT=" + file.pattern();
    ternary_runtime* runtime = make_runtime(settings).release();  // still alive at exit
    if (runtime == nullptr) _exit(9);
    call(runtime, 5);
    exit(HasFailure() ? 8 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  const Counters counters = parse_counters(read_text(file.path(child)));
  std::remove(file.path(child).c_str());
  EXPECT_EQ(counters.pid, child);
  EXPECT_EQ(total(counters), 5u) << "its own five calls, none of its parent's";
}

}  // namespace
}  // namespace ternary::test
