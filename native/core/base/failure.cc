#include "core/base/failure.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace ternary {
namespace {

// Plain bytes, so that a thread's end needs no destructor from a library that may be unloaded by then.
thread_local char last_error[1024];

constexpr size_t kMostQuoted = 256;

/** Bytes of the character that begins at `at`; 0 where UTF-8 has none. */
size_t utf8_character(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || no_character ? 0 : length;
}

/** Of the character that begins at `at`: ASCII's, DEL, and those of Latin-1. */
bool is_control(const std::string& text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0);
}

/** The end of the last character that is whole within `most` bytes. */
size_t cut_at(const char* text, size_t most) {
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return end;
}

}  // namespace

std::string quotable(const std::string& text) {
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    const size_t character = utf8_character(text, at), length = character == 0 ? 1 : character;
    if (shown.size() + length > kMostQuoted) return shown + "...";
    if (character == 0 || is_control(text, at)) {
      shown += '?';
    } else {
      shown.append(text, at, length);
    }
    at += length;
  }
  return shown;
}

void fail(ternary_status status, const char* format, ...) {
  char sentence[sizeof last_error + 1];  // one more, so that set_last_error() sees that it is cut
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  throw Failure(status, sentence);
}

void set_last_error(const char* sentence) noexcept {
  size_t length = strnlen(sentence, sizeof last_error);
  if (length == sizeof last_error) length = cut_at(sentence, length - 1);
  std::memcpy(last_error, sentence, length);
  last_error[length] = 0;
}

}  // namespace ternary

const char* ternary_last_error(void) { return ternary::last_error; }
