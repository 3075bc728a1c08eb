#include "core/policy/tuning_file.h"

#include <cstdlib>
#include <map>

#include "core/policy/setting_file.h"

namespace ternary {
namespace {

constexpr size_t kMostBytes = 64 << 10;

struct Entry {
  int line;
  std::string name, value;
};

/** A tuning file being read. */
class Reader {
 public:
  Reader(const std::string& path, const TunedMachine& machine)
      : file_("TERNARY_TUNING", path, "tuning file", kMostBytes), machine_(machine) {
    file_.for_lines([&](int line, const std::string& text) { add(line, text); });
  }

  Tuning read() {
    check_end();
    check_text("version", TERNARY_VERSION, "this library's version is");
    check_text("device", machine_.device, "this processor is");
    check_text("device_id", machine_.device_id, "this processor is");
    check_text("isa", isa_name(machine_.isa), "the best instruction set of this runtime is");
    check_text("cores", std::to_string(machine_.cores), "the cores this process may use are");
    check_text("cache_bytes", std::to_string(machine_.cache_bytes), "the last-level caches this process may use have");
    Tuning tuning = {};
    for (const TuningValue& value : kTuningValues) tuning.*value.value = number(take(value.name), value);
    if (!entries_.empty()) {
      const Entry& entry = entries_.begin()->second;
      fail_at(entry.line, "\"" + printable(entry.name) + "\" is no name that a tuning file may have");
    }
    return tuning;
  }

 private:
  [[noreturn]] void fail_at(int line, const std::string& what) const { file_.fail_at(line, what); }

  void add(int line, const std::string& text) {
    last_line_ = line;
    if (text.empty() || text[0] == '#') return;
    file_.check_controls(line, text);
    const size_t equals = text.find('=');
    if (equals == std::string::npos) fail_at(line, "\"" + printable(text) + "\" is not NAME=VALUE");
    const Entry entry = {line, text.substr(0, equals), text.substr(equals + 1)};
    if (entries_.count("end") != 0) fail_at(line, "something follows the line end=");
    if (!entries_.emplace(entry.name, entry).second) fail_at(line, printable(entry.name) + " is there twice");
  }

  /** Removes the entry of a name, which must be there. */
  Entry take(const std::string& name) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) fail_at(last_line_, "the file ends without " + name);
    const Entry entry = found->second;
    entries_.erase(found);
    return entry;
  }

  /** The last line counts those before it, so that a part of a file is not taken for a whole one. */
  void check_end() {
    const Entry end = take("end");
    const std::string count = std::to_string(entries_.size());
    if (end.value != count) {
      fail_at(end.line, "end is \"" + printable(end.value) + "\"; it must be the number of values before it, " + count);
    }
  }

  void check_text(const char* name, const std::string& here, const char* what) {
    const Entry entry = take(name);
    if (entry.value == here) return;
    fail_at(entry.line, std::string(name) + " is \"" + printable(entry.value) + "\"; " + what + " \"" + here +
                            "\", and a file must have been measured there");
  }

  int64_t number(const Entry& entry, const TuningValue& rule) const {
    const bool digits = entry.value.find_first_not_of("0123456789") == std::string::npos;
    const bool whole = digits && !entry.value.empty() && entry.value.size() <= 18;
    const int64_t value = whole ? std::strtoll(entry.value.c_str(), nullptr, 10) : -1;
    if (value < rule.least || value > rule.most) {
      fail_at(entry.line, entry.name + " is \"" + printable(entry.value) + "\"; it must be a whole number from " +
                              std::to_string(rule.least) + " to " + std::to_string(rule.most));
    }
    return value;
  }

  const SettingFile file_;
  const TunedMachine& machine_;
  std::map<std::string, Entry> entries_;
  int last_line_ = 0;
};

}  // namespace

Tuning read_tuning(const std::string& path, const TunedMachine& machine) { return Reader(path, machine).read(); }

}  // namespace ternary
