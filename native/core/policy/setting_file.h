/**
 * @file setting_file.h
 * @brief A text file that a setting names: read whole, its lines, and sentences that name its faults.
 */
#ifndef TERNARY_CORE_POLICY_SETTING_FILE_H_
#define TERNARY_CORE_POLICY_SETTING_FILE_H_

#include <algorithm>
#include <cstddef>
#include <string>

namespace ternary {

/** What of a file may be repeated in a sentence: printable and short. */
std::string printable(const std::string& text);

class SettingFile {
 public:
  /** Reads a regular file; throws a Failure that names setting, file and rule. `kind` is what it should be: "tuning file". */
  SettingFile(const char* setting, const std::string& path, const char* kind, size_t most_bytes);

  /** Calls `use(number, line)` for each line, from 1 on. No line may be longer than 1024 bytes. */
  template <typename Use>
  void for_lines(Use use) const {
    size_t begin = 0;
    for (int number = 1; begin < text_.size(); ++number) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      const std::string line = text_.substr(begin, end - begin);
      check_length(number, line);
      use(number, line);
      begin = end + 1;
    }
  }

  /** Throws a Failure if a line, which is no comment, has a control character. */
  void check_controls(int line, const std::string& text) const;

  /** Throws a Failure: "TERNARY_TUNING: FILE, line 3: what". */
  [[noreturn]] void fail_at(int line, const std::string& what) const;

 private:
  void check_length(int number, const std::string& line) const;

  const char* setting_;
  std::string path_, text_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_SETTING_FILE_H_
