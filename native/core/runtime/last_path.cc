#include "core/runtime/last_path.h"

namespace ternary {
namespace {

// Plain values, as in failure.cc. The serial number, since another runtime may come to live at the address of a dead one.
thread_local struct {
  uint64_t runtime;
  Path path;
} last = {};
thread_local char text[kMostPathName];

}  // namespace

void set_last_path(const ternary_runtime& runtime, const Path& path) noexcept { last = {runtime.serial, path}; }

KeptLastPath::KeptLastPath() noexcept : runtime_(last.runtime), path_(last.path) {}
KeptLastPath::~KeptLastPath() { last = {runtime_, path_}; }

const char* last_path(const ternary_runtime& runtime) noexcept {
  if (last.runtime != runtime.serial) return "";
  runtime.counters.write_path_name(last.path, text, sizeof text);
  return text;
}

}  // namespace ternary
