#include "core/failure.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace ternary {
namespace {

// Plain bytes, so that a thread's end needs no destructor from a library that may be unloaded by then.
thread_local char last_error[1024];

}  // namespace

void fail(ternary_status status, const char* format, ...) {
  char sentence[sizeof last_error];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  throw Failure(status, sentence);
}

void set_last_error(const char* sentence) noexcept {
  std::strncpy(last_error, sentence, sizeof last_error - 1);
  last_error[sizeof last_error - 1] = 0;
}

}  // namespace ternary

const char* ternary_last_error(void) { return ternary::last_error; }
