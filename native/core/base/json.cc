#include "core/base/json.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/base/failure.h"

namespace ternary {

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out += escaped;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + '"';
}

std::string json_list(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ",") + value;
  return '[' + out + ']';
}

std::string json_member(const char* name, int64_t value) {
  return std::string(",\"") + name + "\":" + std::to_string(value);
}

std::string json_counts(const Counts& counts) {
  std::string out = "{";
  for (const auto& [name, count] : counts) {
    if (out.size() > 1) out += ',';
    out += json_string(name) + ':' + std::to_string(count);
  }
  return out + '}';
}

std::string json_count_members(const Counts& paths, const Counts& fallbacks) {
  return "\"pid\":" + std::to_string(getpid()) + ",\"path_counts\":" + json_counts(paths) +
         ",\"fallback_counts\":" + json_counts(fallbacks);
}

std::string json_report(const Counts& paths, const Counts& fallbacks) {
  return "{" + json_count_members(paths, fallbacks) + "}";
}

void copy_json(const std::string& document, char* json, size_t capacity, size_t* length) {
  if (json == nullptr && capacity > 0) fail(TERNARY_INVALID_ARGUMENT, "json is null; its capacity is %zu", capacity);
  if (length != nullptr) *length = document.size();
  if (capacity == 0) return;
  const size_t copied = std::min(document.size(), capacity - 1);
  std::memcpy(json, document.data(), copied);
  json[copied] = 0;
}

}  // namespace ternary
