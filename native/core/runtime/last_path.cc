#include "core/runtime/last_path.h"

#include <cstdio>

namespace ternary {
namespace {

// Plain values, as in failure.cc. The serial number, since another runtime may come to live at the address of a dead one.
thread_local struct {
  uint64_t runtime;
  size_t row;
  Op op;
} last = {};
thread_local char text[128];

}  // namespace

void set_last_path(const ternary_runtime& runtime, Op op, size_t row) noexcept { last = {runtime.serial, row, op}; }

const char* last_path(const ternary_runtime& runtime) noexcept {
  if (last.runtime != runtime.serial) return "";
  std::snprintf(text, sizeof text, "%s.%s", kOpNames[static_cast<int>(last.op)],
                runtime.counters.row_name(last.row).c_str());
  return text;
}

}  // namespace ternary
