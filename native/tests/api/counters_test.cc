// Counters and reports: exact counts, files, {pid}, every N calls, at exit, across runtimes.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/operands.h"
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

/** A folder with a report in it, which goes away while the process lives: a rotation, a volume that is unmounted. */
class ReportFolder {
 public:
  explicit ReportFolder(const std::string& name)
      : path_(testing::TempDir() + "ternary_" + name + "_" + std::to_string(getpid())) {
    make();
  }
  ~ReportFolder() { lose(); }
  void make() { mkdir(path_.c_str(), 0700); }
  void lose() {
    std::remove(report().c_str());
    rmdir(path_.c_str());
  }
  std::string report() const { return path_ + "/report.json"; }
  bool has_report() const { return access(report().c_str(), F_OK) == 0; }

 private:
  std::string path_;
};

class CountersTest : public testing::Test {
 protected:
  void call(ternary_runtime* runtime, int times = 1) {
    for (int i = 0; i < times; ++i) {
      Output out = problem_.output();
      ASSERT_EQ(problem_.run(runtime, layer_.get(), out), TERNARY_OK) << ternary_last_error();
    }
  }

  static ProblemSpec spec() {
    ProblemSpec s;
    s.M = 2;
    s.N = 20;
    s.K = 70;
    return s;
  }

  /** The sum of path_totals. */
  uint64_t totals(const std::string& json) { return total(parse_counters(json, "path_totals", "fallback_totals")); }

  /** Each that counts, once, with right results. */
  void run_every_operation(ternary_runtime* runtime) {
    ProblemSpec normed = spec();
    normed.norm = true;
    const Problem problem(normed);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, problem.expected()), "");
    const float x[2] = {1, 2};
    int8_t q[2] = {};
    float s = 0;
    const ternary_quantise_operands operands = quantised(x, TERNARY_F32, 2, q, 2, &s, 1, 2);
    ASSERT_EQ(ternary_quantise(runtime, &operands), TERNARY_OK);
    EXPECT_EQ(q[1], 127);
  }

  uint64_t total(const Counters& counters) {
    uint64_t sum = 0;
    for (const auto& [path, count] : counters.paths) sum += count;
    return sum;
  }

  Problem problem_{spec()};
  LayerHandle layer_ = problem_.layer(TERNARY_LAYOUT_I2S_TILED);
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
  const ternary_operands nothing = product_of(nullptr, TERNARY_F32, 70, nullptr, TERNARY_F32, 20, 2);
  EXPECT_NE(ternary_apply(runtime.get(), layer_.get(), &nothing), TERNARY_OK);
  EXPECT_TRUE(counters_of(runtime.get()).paths.empty());
}

TEST_F(CountersTest, NothingIsCountedWhenSwitchedOff) {
  const RuntimeHandle runtime = make_runtime("TERNARY_COLLECT_PATH_STATS=0");
  const LayerHandle slow = problem_.layer(TERNARY_LAYOUT_I2S);
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

TEST_F(CountersTest, TotalsOutliveAReset) {
  const RuntimeHandle runtime = make_runtime();
  call(runtime.get(), 3);
  ASSERT_EQ(ternary_runtime_reset_counters(runtime.get()), TERNARY_OK);
  call(runtime.get());
  const std::string json = counters_json_of(runtime.get());
  EXPECT_EQ(total(parse_counters(json)), 1u) << json;
  EXPECT_EQ(totals(json), 4u) << json;
}

TEST_F(CountersTest, AResetWhileOthersCallLosesNothing) {
  const ReportFile file("reset");
  ASSERT_EQ(ternary_write_report(file.pattern().c_str()), TERNARY_OK) << ternary_last_error();
  const uint64_t before = total(file.counters());
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1");
  std::atomic<int> calling{2};
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      call(runtime.get(), 3000);
      --calling;
    });
  }
  while (calling > 0) ASSERT_EQ(ternary_runtime_reset_counters(runtime.get()), TERNARY_OK);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(totals(counters_json_of(runtime.get())), 6000u);
  ASSERT_EQ(ternary_write_report(file.pattern().c_str()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(total(file.counters()), before + 6000);
}

TEST_F(CountersTest, AReportThatFailsIsSaidOnceAndFailsNoCall) {
  ReportFolder folder("gone");
  const RuntimeHandle runtime =
      make_runtime("TERNARY_PATH_REPORT=" + folder.report() + "\nTERNARY_PATH_REPORT_EVERY=1");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const uint64_t* notices = ternary_runtime_notices(runtime.get());
  ASSERT_NE(notices, nullptr);
  call(runtime.get());
  ASSERT_TRUE(folder.has_report());
  const uint64_t before = *notices;
  EXPECT_EQ(counters_json_of(runtime.get()).find("report_error"), std::string::npos);

  folder.lose();
  ASSERT_NE(ternary_weights_create(nullptr, TERNARY_LAYOUT_I2S, 1, 1, TERNARY_LAYOUT_I2S, TERNARY_ALPHA_TENSOR, nullptr,
                                   1, 0, nullptr),
            TERNARY_OK);
  const std::string error = ternary_last_error();
  call(runtime.get(), 3);
  run_every_operation(runtime.get());
  EXPECT_EQ(ternary_last_error(), error) << "no call failed";
  EXPECT_EQ(*notices, before + 1);
  const std::string json = counters_json_of(runtime.get());
  EXPECT_NE(json.find("\"report_error\":\"the report " + folder.report() + " cannot be written: "), std::string::npos)
      << json;

  folder.make();
  call(runtime.get());
  EXPECT_TRUE(folder.has_report()) << "the next one is tried all the same";
}

TEST_F(CountersTest, AReportThatFailsAtExitIsSaidOnceOnStderr) {
  ReportFolder folder("exit_gone");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    ternary_runtime* runtime =
        make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_PATH_REPORT_EVERY=1\nTERNARY_PATH_REPORT=" + folder.report())
            .release();
    if (runtime == nullptr) _exit(9);
    folder.lose();
    call(runtime, 2);
    exit(HasFailure() ? 8 : 0);
  }
  close(ends[1]);
  std::string said;
  char part[4096];
  for (ssize_t bytes; (bytes = read(ends[0], part, sizeof part)) > 0;) said.append(part, static_cast<size_t>(bytes));
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << said;
  const std::string sentence = "ternary: the report " + folder.report() + " cannot be written: ";
  const size_t first = said.find(sentence);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find(sentence, first + 1), std::string::npos) << said;
}

TEST_F(CountersTest, AThreadKnowsThePathOfItsLastCall) {
  const RuntimeHandle counting = make_runtime(), silent = make_runtime("TERNARY_COLLECT_PATH_STATS=0");
  EXPECT_STREQ(ternary_last_path(counting.get()), "");
  call(counting.get());
  const std::string path = counters_of(counting.get()).paths.begin()->first;
  EXPECT_EQ(ternary_last_path(counting.get()), path);
  EXPECT_STREQ(ternary_last_path(silent.get()), "") << "the last call was another runtime's";
  std::thread([&] { EXPECT_STREQ(ternary_last_path(counting.get()), ""); }).join();
  call(silent.get());
  EXPECT_EQ(ternary_last_path(silent.get()), path);
  EXPECT_STREQ(ternary_last_path(counting.get()), "");
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
