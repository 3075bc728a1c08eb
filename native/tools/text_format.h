/**
 * @file text_format.h
 * @brief A line of a table, as printf() has it.
 */
#ifndef TERNARY_TOOLS_TEXT_FORMAT_H_
#define TERNARY_TOOLS_TEXT_FORMAT_H_

#include <cstdarg>
#include <cstdio>
#include <string>

namespace ternary {

/** Up to 199 characters. */
inline std::string format(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline std::string format(const char* format, ...) {
  char text[200];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

}  // namespace ternary

#endif  // TERNARY_TOOLS_TEXT_FORMAT_H_
