/**
 * @file tuning_file.h
 * @brief Tuning files of this machine, and what a runtime says of its tuning.
 */
#ifndef TERNARY_TESTS_SUPPORT_TUNING_FILE_H_
#define TERNARY_TESTS_SUPPORT_TUNING_FILE_H_

#include <string>
#include <utility>
#include <vector>

#include "support/handles.h"

namespace ternary::test {

/** The text or number that follows `"key":` after `from`. */
std::string json_value(const std::string& json, const std::string& key, size_t from = 0);

/** The info from `"tuning":` on. */
std::string tuning_of(const ternary_runtime* runtime);

/** A value of the table as the runtime uses it, or ("built_in") as it is built in. */
int64_t tuning_value(const ternary_runtime* runtime, const std::string& name, const char* which = "value");

/** Names and values, in order. */
using TuningLines = std::vector<std::pair<std::string, std::string>>;

/** A whole file of this machine for `isa`, with the built-in values. */
TuningLines own_tuning(const std::string& isa);

/** The same with another value for one name. */
TuningLines with(TuningLines lines, const std::string& name, const std::string& value);

std::string text_of(const TuningLines& lines);

/** A file that is gone at the end. */
class TuningFile {
 public:
  explicit TuningFile(const std::string& text);
  explicit TuningFile(const TuningLines& lines) : TuningFile(text_of(lines)) {}
  ~TuningFile();
  TuningFile(const TuningFile&) = delete;
  TuningFile& operator=(const TuningFile&) = delete;

  const std::string& path() const { return path_; }
  RuntimeHandle runtime(const std::string& isa, int threads = 1) const;

 private:
  std::string path_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_TUNING_FILE_H_
