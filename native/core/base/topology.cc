#include "core/base/topology.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace ternary {
namespace {

/** First line of a small file, empty if it cannot be read. */
std::string first_line(const std::string& path) {
  std::string line;
  if (FILE* file = std::fopen(path.c_str(), "re")) {
    char buffer[256];
    if (std::fgets(buffer, sizeof buffer, file)) line = buffer;
    std::fclose(file);
  }
  return line.substr(0, line.find('\n'));
}

/** The folder in sysfs of each CPU that the process may run on. */
std::vector<std::string> cpus_in_affinity() {
  std::vector<std::string> folders;
  const CpuMask mask = process_affinity();
  const size_t bytes = mask.size() * sizeof(cpu_set_t);
  for (size_t cpu = 0; cpu < bytes * CHAR_BIT; ++cpu) {
    if (CPU_ISSET_S(cpu, bytes, mask.data())) folders.push_back("/sys/devices/system/cpu/cpu" + std::to_string(cpu));
  }
  return folders;
}

int physical_cores_in_affinity() {
  std::set<std::string> cores;
  for (const std::string& cpu : cpus_in_affinity()) {
    const std::string siblings = first_line(cpu + "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? cpu : siblings);  // without sysfs every CPU counts
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

struct Cache {
  std::string cpus;  ///< that share it
  int64_t bytes = 0;
};

Cache last_level_cache(const std::string& cpu) {
  Cache last;
  int highest = 0;
  for (int index = 0;; ++index) {
    const std::string cache = cpu + "/cache/index" + std::to_string(index);
    int level = 0;
    long long kibibytes = 0;
    if (std::sscanf(first_line(cache + "/level").c_str(), "%d", &level) != 1) return last;
    if (level <= highest || std::sscanf(first_line(cache + "/size").c_str(), "%lldK", &kibibytes) != 1) continue;
    highest = level;
    last = {first_line(cache + "/shared_cpu_list"), kibibytes * 1024};
  }
}

int cores_of_quota(double quota, double period) {
  if (quota <= 0 || period <= 0) return INT_MAX;
  return std::max(1, static_cast<int>(quota / period + 0.999));
}

int quota_of_v2(const std::string& directory) {
  long long quota, period;
  if (std::sscanf(first_line(directory + "/cpu.max").c_str(), "%lld %lld", &quota, &period) != 2) return INT_MAX;
  return cores_of_quota(static_cast<double>(quota), static_cast<double>(period));
}

int quota_of_v1(const std::string& directory) {
  long long quota, period;
  if (std::sscanf(first_line(directory + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) != 1) return INT_MAX;
  if (std::sscanf(first_line(directory + "/cpu.cfs_period_us").c_str(), "%lld", &period) != 1) return INT_MAX;
  return cores_of_quota(static_cast<double>(quota), static_cast<double>(period));
}

int64_t memory_of_v2(const std::string& directory) {
  long long bytes;
  return std::sscanf(first_line(directory + "/memory.max").c_str(), "%lld", &bytes) == 1 ? bytes : INT64_MAX;  // "max"
}

int64_t memory_of_v1(const std::string& directory) {
  long long bytes;
  return std::sscanf(first_line(directory + "/memory.limit_in_bytes").c_str(), "%lld", &bytes) == 1 ? bytes : INT64_MAX;
}

/** The strictest limit from `path` up to the root of the hierarchy mounted at `root`. */
template <typename Number>
Number strictest(const std::string& root, std::string path, Number (*limit)(const std::string&)) {
  Number least = limit(root);
  while (!path.empty() && path != "/") {
    least = std::min(least, limit(root + path));
    path.resize(path.rfind('/'));
  }
  return least;
}

/** The strictest limit of the process's cgroups: of v2, and of v1's hierarchy of a controller. */
template <typename Number>
Number strictest_of_cgroups(const std::string& controller, Number (*v2)(const std::string&),
                            Number (*v1)(const std::string&)) {
  Number least = std::numeric_limits<Number>::max();
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return least;
  char line[4096];
  while (std::fgets(line, sizeof line, file)) {
    const std::string text(line);
    const size_t first = text.find(':'), second = text.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = text.substr(first + 1, second - first - 1);
    std::string path = text.substr(second + 1);
    path.resize(path.find_last_not_of('\n') + 1);
    if (controllers.empty()) least = std::min(least, strictest("/sys/fs/cgroup", path, v2));
    if ((',' + controllers + ',').find(',' + controller + ',') != std::string::npos) {
      least = std::min(least, strictest("/sys/fs/cgroup/" + controllers, path, v1));
      least = std::min(least, strictest("/sys/fs/cgroup/" + controller, path, v1));
    }
  }
  std::fclose(file);
  return least;
}

}  // namespace

CpuMask affinity_of(pid_t thread) {
  // Machines may have more CPUs than a cpu_set_t holds; the kernel then wants a larger mask.
  for (int cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 4) {
    CpuMask mask(static_cast<size_t>(cpus) / CPU_SETSIZE);
    if (sched_getaffinity(thread, mask.size() * sizeof(cpu_set_t), mask.data()) == 0) return mask;
  }
  return {};
}

CpuMask process_affinity() {
  CpuMask mask = affinity_of(getpid());
  return mask.empty() ? affinity_of(0) : mask;
}

bool same_cpus(const CpuMask& one, const CpuMask& other) {
  CpuMask a = one, b = other;
  a.resize(std::max(one.size(), other.size()));
  b.resize(a.size());
  return CPU_EQUAL_S(a.size() * sizeof(cpu_set_t), a.data(), b.data());
}

int64_t last_level_cache_bytes(int cores) {
  std::map<std::string, int64_t> caches;
  for (const std::string& cpu : cpus_in_affinity()) {
    const Cache cache = last_level_cache(cpu);
    caches[cache.cpus] = cache.bytes;
  }
  std::vector<int64_t> sizes;
  for (const auto& [cpus, bytes] : caches) sizes.push_back(bytes);
  std::sort(sizes.rbegin(), sizes.rend());
  if (sizes.size() > static_cast<size_t>(cores)) sizes.resize(static_cast<size_t>(cores));
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
}

int available_cores() {
  return std::min(physical_cores_in_affinity(), strictest_of_cgroups("cpu", quota_of_v2, quota_of_v1));
}

int64_t available_memory() {
  const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return std::min(machine, strictest_of_cgroups("memory", memory_of_v2, memory_of_v1));
}

}  // namespace ternary
