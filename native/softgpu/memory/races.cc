#include "softgpu/memory/races.h"

#include <algorithm>
#include <cstdio>

namespace ternary::softgpu {
namespace {

// A program that enqueues for ever and never waits would keep every log; the oldest go first.
constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr size_t kMostEpisodes = 4096;

std::string verb(Access access, int line) {
  std::string text = access == Access::read ? "reads" : access == Access::write ? "writes" : "updates atomically";
  if (line > 0) text += " (PTX line " + std::to_string(line) + ")";
  return text;
}

std::string sentence(const Episode& a, const Episode& b, const AccessLog::Conflict& conflict) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%llx", static_cast<unsigned long long>(conflict.address));
  return "race at address " + std::string(address) + ": " + a.what + " " + verb(conflict.access, conflict.line) +
         " what " + b.what + " " + verb(conflict.other_access, conflict.other_line) + ", and nothing orders the two";
}

}  // namespace

std::string Races::add(Episode episode) {
  episode.log->close();
  if (episode.log->empty()) return "";
  std::string found;
  for (const Episode& other : episodes_) {
    if (episode.before.contains(other.moment) || other.before.contains(episode.moment)) continue;
    AccessLog::Conflict conflict;
    if (!episode.log->conflicts_with(*other.log, &conflict)) continue;
    found = sentence(episode, other, conflict);
    break;
  }
  bytes_ += episode.log->bytes_used();
  episodes_.push_back(std::move(episode));
  while (bytes_ > kMostBytes || episodes_.size() > kMostEpisodes) forget_oldest();
  return found;
}

void Races::forget_oldest() {
  bytes_ -= episodes_.front().log->bytes_used();
  episodes_.pop_front();
}

void Races::forget(const History& host) {
  const auto old = std::remove_if(episodes_.begin(), episodes_.end(),
                                  [&](const Episode& episode) { return host.contains(episode.moment); });
  episodes_.erase(old, episodes_.end());
  bytes_ = 0;
  for (const Episode& episode : episodes_) bytes_ += episode.log->bytes_used();
}

}  // namespace ternary::softgpu
