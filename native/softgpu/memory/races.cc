#include "softgpu/memory/races.h"

#include <algorithm>
#include <cstdio>

namespace ternary::softgpu {
namespace {

// A program that enqueues for ever and never waits would keep every log; the oldest go first.
constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr size_t kMostEpisodes = 4096;

std::string verb(Access access, int line) {
  std::string text = access == Access::read        ? "reads"
                     : access == Access::read_only ? "reads by ld.global.nc"
                     : access == Access::write     ? "writes"
                                                   : "updates atomically";
  if (line > 0) text += " (PTX line " + std::to_string(line) + ")";
  return text;
}

std::string sentence(const Episode& a, const Episode& b, const AccessLog::Conflict& conflict, const char* why) {
  char address[32];
  std::snprintf(address, sizeof address, "0x%llx", static_cast<unsigned long long>(conflict.address));
  return "race at address " + std::string(address) + ": " + a.what + " " + verb(conflict.access, conflict.line) +
         " what " + b.what + " " + verb(conflict.other_access, conflict.other_line) + why;
}

bool reads_only_what_is_written(Access mine, Access its) { return mine == Access::read_only && writes(its); }

}  // namespace

std::string Races::stale_read(const Episode& episode, const Episode& other) {
  AccessLog::Conflict conflict;
  if (!episode.log->conflicts_with(*other.log, &conflict, reads_only_what_is_written)) return "";
  return sentence(episode, other, conflict, ", but .nc is for what nobody writes while the kernel runs");
}

std::string Races::add(Episode episode) {
  episode.log->close();
  if (episode.log->empty()) return "";
  std::string found = stale_read(episode, episode);
  for (const Episode& other : episodes_) {
    if (!found.empty()) break;
    if (other.before.contains(episode.moment)) continue;
    if (!episode.before.contains(other.moment)) {
      AccessLog::Conflict conflict;
      if (!episode.log->conflicts_with(*other.log, &conflict)) continue;
      found = sentence(episode, other, conflict, ", and nothing orders the two");
    } else if (!episode.begun.contains(other.moment)) {
      found = stale_read(episode, other);
      if (found.empty() && other.launch == episode.launch) found = stale_read(other, episode);
    }
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
