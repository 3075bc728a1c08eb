// Workers have the process's CPUs, whichever thread makes the runtime.
#include <dirent.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/handles.h"

namespace ternary::test {
namespace {

std::set<int> threads() {
  std::set<int> ids;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') ids.insert(std::atoi(entry->d_name));
  }
  closedir(tasks);
  return ids;
}

/** "0-1,4" */
std::string cpus_of(int thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  const std::string name = "Cpus_allowed_list:\t";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size(), name) == 0) return line.substr(name.size());
  }
  return "";
}

std::vector<int> own_cpus() {
  cpu_set_t mask;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

void run_on(const std::vector<int>& cpus) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (int cpu : cpus) CPU_SET(cpu, &mask);
  ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
}

struct Made {
  std::string threads;               ///< what the runtime says without a setting: `"threads":2`
  std::vector<std::string> workers;  ///< the CPUs of each
};

/** Runtimes made by a new thread that may run on `cpus` alone. */
Made made_on(const std::vector<int>& cpus, const std::string& expected) {
  Made made;
  std::thread([&] {
    run_on(cpus);
    const RuntimeHandle by_default = make_runtime();
    ASSERT_NE(by_default, nullptr) << ternary_last_error();
    const std::string info = info_of(by_default.get());
    const size_t at = info.find("\"threads\":");
    made.threads = info.substr(at, info.find(',', at) - at);
    const std::set<int> before = threads();
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=3");
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    for (int thread : threads()) {
      if (before.count(thread) != 0) continue;
      // A worker sets its own mask, a moment after it was started.
      for (int wait = 0; wait < 5000 && cpus_of(thread) != expected; ++wait) usleep(1000);
      made.workers.push_back(cpus_of(thread));
    }
  }).join();
  return made;
}

TEST(Affinity, WorkersRunWhereTheProcessMay) {
  const std::vector<int> all = own_cpus();
  if (all.size() < 2) GTEST_SKIP() << "one CPU";
  const std::string process = cpus_of(getpid());
  const Made free = made_on(all, process), pinned = made_on({all.front()}, process);
  EXPECT_EQ(pinned.workers, std::vector<std::string>(2, process));
  EXPECT_EQ(free.workers, std::vector<std::string>(2, process));
  EXPECT_EQ(pinned.threads, free.threads) << "the default counts the process's cores";
}

TEST(Affinity, NotWhereTheProcessMayNot) {
  const std::vector<int> all = own_cpus();
  if (all.size() < 2) GTEST_SKIP() << "one CPU";
  run_on({all.back()});  // a process begins with its first thread
  const Made made = made_on(all, std::to_string(all.back()));
  run_on(all);
  EXPECT_EQ(made.workers, std::vector<std::string>(2, std::to_string(all.back())));
  EXPECT_EQ(made.threads, "\"threads\":1");
}

}  // namespace
}  // namespace ternary::test
