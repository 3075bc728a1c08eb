#include "core/policy/setting_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "core/base/failure.h"
#include "core/base/file_status.h"

namespace ternary {
namespace {

constexpr size_t kMostLineBytes = 1 << 10;

struct Source {
  const char* setting;
  const std::string& path;
};

[[noreturn]] void fail_to_read(const Source& source, const char* why) {
  fail(TERNARY_INVALID_ARGUMENT, "%s: %s cannot be read: %s", source.setting, quotable(source.path).c_str(), why);
}

/** An open regular file; no other is opened, for that may wait for ever (a pipe) or do something (a device). */
int open_regular(const Source& source) {
  struct stat status;
  if (file_status(source.path.c_str(), status) != 0) fail_to_read(source, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail_to_read(source, "it is no regular file");
  const int file = open(source.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) fail_to_read(source, std::strerror(errno));
  if (file_status(file, status) == 0 && S_ISREG(status.st_mode)) return file;
  close(file);
  fail_to_read(source, "it is no regular file any more");
}

std::string read_whole(const Source& source, const char* kind, size_t most_bytes) {
  std::string text(most_bytes + 1, 0);
  const int file = open_regular(source);
  size_t length = 0;
  ssize_t got = 1;
  while (got > 0 && length < text.size()) {
    got = read(file, &text[length], text.size() - length);
    if (got > 0) length += static_cast<size_t>(got);
  }
  const int error = errno;
  close(file);
  if (got < 0) fail_to_read(source, std::strerror(error));
  if (length > most_bytes) {
    fail(TERNARY_INVALID_ARGUMENT, "%s: %s has more than %zu bytes, which no %s has", source.setting,
         quotable(source.path).c_str(), most_bytes, kind);
  }
  text.resize(length);
  return text;
}

}  // namespace

std::string printable(const std::string& text) {
  std::string shown = text.substr(0, 80);
  for (char& c : shown) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text.size() > shown.size() ? shown + "..." : shown;
}

SettingFile::SettingFile(const char* setting, const std::string& path, const char* kind, size_t most_bytes)
    : setting_(setting), path_(path), text_(read_whole({setting, path}, kind, most_bytes)) {}

void SettingFile::fail_at(int line, const std::string& what) const {
  fail(TERNARY_INVALID_ARGUMENT, "%s: %s, line %d: %s", setting_, quotable(path_).c_str(), line, what.c_str());
}

void SettingFile::check_controls(int line, const std::string& text) const {
  for (const unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) {
      fail_at(line, "it has the control character " + std::to_string(c) + ", which is allowed in comments alone");
    }
  }
}

void SettingFile::check_length(int number, const std::string& line) const {
  if (line.size() <= kMostLineBytes) return;
  fail_at(number,
          "it has " + std::to_string(line.size()) + " bytes; a line has at most " + std::to_string(kMostLineBytes));
}

}  // namespace ternary
