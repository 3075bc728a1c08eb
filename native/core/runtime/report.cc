#include "core/runtime/report.h"

#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/failure.h"
#include "core/base/large_memory.h"
#include "core/base/process.h"
#include "core/policy/report_path.h"

namespace ternary {
namespace {

/** Held from counting to the file's place, so that no older report replaces a newer one; taken before process_mutex,
 *  which nobody shall hold while a disk is slow. */
Mutex writing_mutex;

/** What this copy knows of its runtimes, guarded by process_mutex. Never destroyed: runtimes of other threads may outlive
 *  static objects. */
struct Process {
  std::vector<ternary_runtime*> runtimes;
  std::set<std::string> paths;
  Counts path_counts, fallback_counts;  // of runtimes that are gone
};

Process& process() {
  static Process& state = *new Process;
  return state;
}

/** In the child of a fork only the forking thread lives on: its parent's runtimes are of no use and
 *  not its to report. */
void forget_parent() {
  Process& state = process();
  for (ternary_runtime* runtime : state.runtimes) runtime->abandon_threads();
  state.runtimes.clear();
  state.paths.clear();
  state.path_counts.clear();
  state.fallback_counts.clear();
  count_fork();
}

void lock_all() {
  writing_mutex.lock();
  process_mutex.lock();
  shared_pages().lock();
}

void unlock_all() {
  shared_pages().unlock();
  process_mutex.unlock();
  writing_mutex.unlock();
}

[[maybe_unused]] const int fork_handlers = pthread_atfork(lock_all, unlock_all, [] {
  forget_parent();
  unlock_all();
});

void add(Counts& total, const Counts& counts) {
  for (const auto& [name, count] : counts) total[name] += count;
}

void keep_counts(const ternary_runtime& runtime) {
  add(process().path_counts, runtime.counters.paths(Since::start));
  add(process().fallback_counts, runtime.counters.fallbacks(Since::start));
}

/** The whole report. */
std::string document() {
  const MutexLock lock(process_mutex);
  Counts paths = process().path_counts, fallbacks = process().fallback_counts;
  for (const ternary_runtime* runtime : process().runtimes) {
    add(paths, runtime->counters.paths(Since::start));
    add(fallbacks, runtime->counters.fallbacks(Since::start));
  }
  return json_report(paths, fallbacks) + "\n";
}

std::set<std::string> paths_asked_for() {
  const MutexLock lock(process_mutex);
  return process().paths;
}

/** Nobody is left to return a status to. */
template <typename Body>
void tell_failure(Body body) {
  if (guarded(body) != TERNARY_OK) std::fprintf(stderr, "ternary: %s\n", ternary_last_error());
}

/**
 * At exit() or dlclose(): the reports that were asked for, and no thread left behind in code that goes away. Other threads
 * may still run, and destroy runtimes: the mutex keeps those alive that are stopped here. A stop waits for one chunk.
 */
__attribute__((destructor)) void leave_process() {
  tell_failure([] {
    for (const std::string& path : paths_asked_for()) tell_failure([&] { write_report(path); });
  });
  const MutexLock lock(process_mutex);
  for (ternary_runtime* runtime : process().runtimes) runtime->stop_threads();
}

}  // namespace

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
  const std::string file = report_file(path);
  const MutexLock lock(writing_mutex);
  replace_file(report_subject(file), file, document());
}

void write_due_report(ternary_runtime& runtime) noexcept {
  try {
    write_report(runtime.settings.path_report);
  } catch (const std::exception& exception) {
    runtime.notices.report_failed(exception.what());
  }
}

}  // namespace ternary
