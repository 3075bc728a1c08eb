#include "core/base/process.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cinttypes>

#include "core/base/failure.h"

namespace ternary {

Mutex process_mutex;

namespace {

/** Never destroyed, as threads may call while the process ends. */
struct Configuration {
  std::string folder;  ///< with a slash at its end, or empty: own_folder()
  bool fixed = false;
  std::atomic<int32_t> copy{1};
};

std::atomic<int> fork_count{0};

Configuration& configuration() {
  static Configuration& state = *new Configuration;
  return state;
}

/** The folder of the library that this function is in, with a slash at its end; empty if it cannot be told. */
std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

std::string expand_pid(const std::string& path) {
  const std::string place = "{pid}", pid = std::to_string(getpid());
  std::string expanded;
  size_t from = 0;
  for (size_t at; (at = path.find(place, from)) != std::string::npos; from = at + place.size()) {
    expanded.append(path, from, at - from) += pid;
  }
  return expanded.append(path, from, std::string::npos);
}

}  // namespace

void configure_process(const char* folder, int32_t copy) {
  if (folder != nullptr && folder[0] != '/') {
    fail(TERNARY_INVALID_ARGUMENT, "backend_folder is \"%s\"; it must be an absolute path", quotable(folder).c_str());
  }
  if (copy < 1) fail(TERNARY_INVALID_ARGUMENT, "copy is %" PRId32 "; it must be at least 1", copy);
  std::string wanted = folder == nullptr ? "" : folder;
  if (!wanted.empty() && wanted.back() != '/') wanted += '/';
  Configuration& state = configuration();
  const MutexLock lock(process_mutex);
  if (wanted == state.folder && copy == state.copy) return;
  if (state.fixed) {
    fail(TERNARY_ILLEGAL_STATE, "the backends are loaded from %s, as copy %" PRId32 " of the process's",
         quotable(backend_folder(lock)).c_str(), state.copy.load());
  }
  state.folder = wanted;
  state.copy = copy;
}

std::string backend_folder(const MutexLock&) {
  const std::string& folder = configuration().folder;
  return folder.empty() ? own_folder() : folder;
}

void fix_process(const MutexLock&) { configuration().fixed = true; }

int forks() { return fork_count.load(std::memory_order_relaxed); }

void count_fork() { fork_count.fetch_add(1); }

std::string report_file(const std::string& path) {
  std::string file = expand_pid(path);
  const int32_t copy = configuration().copy;
  if (copy == 1) return file;
  const size_t slash = file.rfind('/'), name = slash == std::string::npos ? 0 : slash + 1;
  size_t dot = file.rfind('.');
  if (dot == std::string::npos || dot <= name) dot = file.size();  // none, a folder's, or a hidden file's first
  return file.insert(dot, '-' + std::to_string(copy));
}

}  // namespace ternary

ternary_status ternary_configure_process(const char* backend_folder, int32_t copy) {
  return ternary::guarded([&] { ternary::configure_process(backend_folder, copy); });
}
