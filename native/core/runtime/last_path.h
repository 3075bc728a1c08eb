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

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_LAST_PATH_H_
