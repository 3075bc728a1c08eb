#include "core/judge/shadow_log.h"

#include <cstdio>

#include "core/base/atomic_file.h"
#include "core/base/failure.h"
#include "core/base/process.h"

namespace ternary {
namespace {

std::string subject_of(const std::string& file) { return "the shadow's file " + quotable(file); }

/** JSON has no number for what is not finite. */
std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string line_of(const ShadowedCall& call, const std::string& by, const Differences& d) {
  return "{\"op\":" + json_string(call.op) + ",\"M\":" + std::to_string(call.M) + ",\"N\":" + std::to_string(call.N) +
         ",\"K\":" + std::to_string(call.K) + ",\"activation\":" + json_string(call.activation) +
         ",\"layout\":" + json_string(call.layout) + ",\"path\":" + json_string(call.path) +
         ",\"by\":" + json_string(by) + ",\"worst_row\":" + std::to_string(d.worst_row) +
         ",\"max_abs\":" + number(d.max_abs) + ",\"max_rel\":" + number(d.max_rel) +
         ",\"different\":" + std::to_string(d.different) + ",\"elements\":" + std::to_string(d.elements) + "}\n";
}

}  // namespace

void check_shadow_file(const std::string& path) {
  const std::string file = report_file(path);
  check_replaceable("TERNARY_SHADOW_FILE is \"" + quotable(path) + "\"; " + subject_of(file), file);
}

ShadowLog::ShadowLog(std::string by, int64_t every, const std::string& path, int64_t most)
    : by_(std::move(by)), file_(path.empty() ? "" : report_file(path)), every_(every), most_(most) {
  if (!file_.empty()) append_to_file(subject_of(file_), file_, "");
}

void ShadowLog::add(const ShadowedCall& call, const Differences& differences) {
  sampled_.fetch_add(1, std::memory_order_relaxed);
  if (differences.different == 0) return;
  different_.fetch_add(1, std::memory_order_relaxed);
  if (file_.empty() || lines_.fetch_add(1, std::memory_order_relaxed) >= most_) return;
  append_to_file(subject_of(file_), file_, line_of(call, by_, differences));
  written_.fetch_add(1, std::memory_order_relaxed);
}

Counts ShadowLog::counts() const {
  return {{"sampled", sampled_.load()},
          {"unsampled", unsampled_.load()},
          {"different", different_.load()},
          {"written", written_.load()},
          {"failed", failed_.load()}};
}

}  // namespace ternary
