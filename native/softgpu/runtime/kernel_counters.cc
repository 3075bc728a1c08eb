#include "softgpu/runtime/kernel_counters.h"

namespace ternary::softgpu {
namespace {

// A program that runs for hours must not pile up its launches.
constexpr size_t kMostLaunches = 1024;

KernelCounters as_text(const Code& code, const KernelSum& sum) {
  KernelCounters counters = describe(code);
  counters.ctas = sum.ctas;
  for (size_t i = 0; i < sum.counts.size(); ++i) counters.lines[i].counts = sum.counts[i];
  return counters;
}

}  // namespace

void KernelCounterTable::add(const Grid& launch) {
  const LaunchConfig& config = launch.config();
  KernelSum& sum = kernels_[config.code];
  sum.kernel = config.code->name;
  ++sum.launches;
  sum.ctas += config.grid.count();
  launch.add_counts(&sum.counts);
}

void KernelCounterTable::list(EndedLaunch launch) {
  if (launches_.size() == kMostLaunches) launches_.pop_front();
  launches_.push_back(std::move(launch));
}

void KernelCounterTable::reset() {
  launches_.clear();
  kernels_.clear();
  described_.clear();
}

std::vector<KernelCounters> KernelCounterTable::like(const std::string& part, uint64_t* launches) const {
  std::vector<KernelCounters> found;
  *launches = 0;
  for (const auto& [counters, count] : described_) {
    if (counters.kernel.find(part) == std::string::npos) continue;
    found.push_back(counters);
    *launches += count;
  }
  for (const auto& [code, sum] : kernels_) {
    if (sum.kernel.find(part) == std::string::npos) continue;
    found.push_back(as_text(*code, sum));
    *launches += sum.launches;
  }
  return found;
}

void KernelCounterTable::forget_code() {
  for (const auto& [code, sum] : kernels_) described_.emplace_back(as_text(*code, sum), sum.launches);
  kernels_.clear();
}

}  // namespace ternary::softgpu
