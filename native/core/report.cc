#include "core/report.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <vector>

#include "core/argument.h"
#include "core/failure.h"
#include "core/process.h"

namespace ternary {
namespace {

/** What this copy knows of its runtimes, guarded by process_mutex. Never destroyed: runtimes of other threads may outlive
 *  static objects. */
struct Process {
  std::vector<ternary_runtime*> runtimes;
  std::set<std::string> paths;
  Counts path_counts, fallback_counts;  // of runtimes that are gone
  std::atomic<int> forks{0};
};

Process& process() {
  static Process& state = *new Process;
  return state;
}

/** In the child of a fork only the forking thread lives on: its parent's runtimes are of no use and
 *  not its to report. */
void forget_parent() {
  Process& state = process();
  for (ternary_runtime* runtime : state.runtimes) runtime->pool.abandon();
  state.runtimes.clear();
  state.paths.clear();
  state.path_counts.clear();
  state.fallback_counts.clear();
  state.forks.fetch_add(1);
  process_mutex.unlock();
}

[[maybe_unused]] const int fork_handlers =
    pthread_atfork([] { process_mutex.lock(); }, [] { process_mutex.unlock(); }, forget_parent);

void add(Counts& total, const Counts& counts) {
  for (const auto& [name, count] : counts) total[name] += count;
}

void keep_counts(const ternary_runtime& runtime) {
  add(process().path_counts, runtime.counters.paths(Since::start));
  add(process().fallback_counts, runtime.counters.fallbacks(Since::start));
}

/** The whole report, mutex held. */
std::string document() {
  Counts paths = process().path_counts, fallbacks = process().fallback_counts;
  for (const ternary_runtime* runtime : process().runtimes) {
    add(paths, runtime->counters.paths(Since::start));
    add(fallbacks, runtime->counters.fallbacks(Since::start));
  }
  return json_report(paths, fallbacks) + "\n";
}

/** Writes beside the target and renames, so a reader never sees half a report. */
void replace_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp" + std::to_string(getpid());
  FILE* file = std::fopen(temporary.c_str(), "we");
  if (file == nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "the report %s cannot be written: %s", path.c_str(), std::strerror(errno));
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  std::remove(temporary.c_str());
  fail(TERNARY_INVALID_ARGUMENT, "the report %s cannot be written: %s", path.c_str(), std::strerror(error));
}

/** At exit() or dlclose(): the reports that were asked for, and no thread left behind in code that goes away. */
__attribute__((destructor)) void leave_process() {
  std::vector<ternary_runtime*> runtimes;
  std::set<std::string> paths;
  {
    const MutexLock lock(process_mutex);
    runtimes = process().runtimes;
    paths = process().paths;
  }
  for (const std::string& path : paths) {
    if (guarded([&] { write_report(path); }) != TERNARY_OK) {
      std::fprintf(stderr, "ternary: %s\n", ternary_last_error());  // nobody is left to return a status to
    }
  }
  for (ternary_runtime* runtime : runtimes) runtime->pool.stop();
}

}  // namespace

int forks() { return process().forks.load(std::memory_order_relaxed); }

void join_report(ternary_runtime* runtime) {
  const MutexLock lock(process_mutex);
  process().runtimes.push_back(runtime);
  if (!runtime->settings.path_report.empty()) process().paths.insert(runtime->settings.path_report);
}

void leave_report(ternary_runtime* runtime) {
  const MutexLock lock(process_mutex);
  auto& runtimes = process().runtimes;
  const auto found = std::find(runtimes.begin(), runtimes.end(), runtime);
  if (found == runtimes.end()) return;  // inherited by a fork
  runtimes.erase(found);
  keep_counts(*runtime);
}

void write_report(const std::string& path) {
  const MutexLock lock(process_mutex);
  replace_file(report_file(path), document());
}

void write_due_report(ternary_runtime& runtime) noexcept {
  try {
    write_report(runtime.settings.path_report);
  } catch (const std::exception& exception) {
    runtime.notices.report_failed(exception.what());
  }
}

void check_report_path(const std::string& path) {
  const std::string expanded = report_file(path);
  const size_t slash = expanded.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : expanded.substr(0, slash);
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "TERNARY_PATH_REPORT is \"%s\"; no file can be written in its folder %s: %s",
         path.c_str(), folder.c_str(), std::strerror(errno));
  }
}

}  // namespace ternary
