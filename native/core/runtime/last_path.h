/**
 * @file last_path.h
 * @brief Which path served the calling thread's last call: a few words a thread, set by every call, read by few.
 */
#ifndef TERNARY_CORE_RUNTIME_LAST_PATH_H_
#define TERNARY_CORE_RUNTIME_LAST_PATH_H_

#include "core/runtime/runtime.h"

namespace ternary {

/** It served a call of this thread. */
void set_last_path(const ternary_runtime& runtime, const Path& path) noexcept;

/** What ternary_last_path() returns. */
const char* last_path(const ternary_runtime& runtime) noexcept;

/** Keeps what last_path() returns: for calls of another runtime on the way. */
class KeptLastPath {
 public:
  KeptLastPath() noexcept;
  ~KeptLastPath();
  KeptLastPath(const KeptLastPath&) = delete;
  KeptLastPath& operator=(const KeptLastPath&) = delete;

 private:
  const uint64_t runtime_;
  const Path path_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_LAST_PATH_H_
