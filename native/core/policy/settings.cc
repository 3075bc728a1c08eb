#include "core/policy/settings.h"

#include <cstdlib>
#include <cstring>

#include "core/base/failure.h"
#include "core/policy/setting_file.h"

namespace ternary {
namespace {

void apply(Settings& settings, Knob knob, const std::string& value, Origin origin) {
  switch (knob) {
#define KNOB(type, field, initial, name, ...) \
  case Knob::field: settings.field = __VA_ARGS__.parse(name, value); break;
#include "core/policy/knobs.inc"
#undef KNOB
  }
  settings.origin[static_cast<int>(knob)] = origin;
}

void read_line(Settings& settings, const std::string& line) {
  const size_t equals = line.find('=');
  const std::string name = line.substr(0, equals);
  for (int i = 0; i < kKnobCount; ++i) {
    if (name != kKnobNames[i]) continue;
    if (equals == std::string::npos) break;
    return apply(settings, static_cast<Knob>(i), line.substr(equals + 1), Origin::caller);
  }
  fail(TERNARY_INVALID_ARGUMENT, "the setting \"%s\" is not NAME=VALUE with a known name", quotable(line).c_str());
}

/** What TERNARY_SETTINGS names: every line is checked, also where the caller or the environment says otherwise. */
class FileReader {
 public:
  explicit FileReader(const std::string& path) : file_("TERNARY_SETTINGS", path, "settings file", kMostBytes) {
    file_.for_lines([&](int line, const std::string& text) { read(line, text); });
  }

  /** Gives the file's values to those that nobody else has set. */
  void complete(Settings& settings) const {
    for (int i = 0; i < kKnobCount; ++i) {
      if (settings.origin[i] != Origin::built_in || lines_[i] == 0) continue;
      apply(settings, static_cast<Knob>(i), values_[i], Origin::file);
      settings.line[i] = lines_[i];
    }
  }

 private:
  static constexpr size_t kMostBytes = 64 << 10;

  void read(int line, const std::string& text) {
    if (text.empty() || text[0] == '#') return;
    file_.check_controls(line, text);
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const Knob knob = knob_of(line, name);
    const int place = static_cast<int>(knob);
    if (equals == std::string::npos) file_.fail_at(line, "\"" + printable(text) + "\" is not NAME=VALUE");
    if (lines_[place] != 0) file_.fail_at(line, name + " is there twice");
    lines_[place] = line;
    values_[place] = text.substr(equals + 1);
    Settings scratch;
    try {
      apply(scratch, knob, values_[place], Origin::file);
    } catch (const Failure& failure) {
      file_.fail_at(line, failure.what());
    }
  }

  Knob knob_of(int line, const std::string& name) const {
    for (int i = 0; i < kKnobCount; ++i) {
      if (name != kKnobNames[i]) continue;
      const Knob knob = static_cast<Knob>(i);
      if (knob == Knob::settings_file) file_.fail_at(line, name + " may not be in the file that it names");
      // Who loads CUDA's libraries must know of a GPU before this file is read.
      if (knob == Knob::device || knob == Knob::shadow) {
        file_.fail_at(line, name + " may not be in a file; the caller or the environment says it");
      }
      return knob;
    }
    file_.fail_at(line, "\"" + printable(name) + "\" is no setting");
  }

  const SettingFile file_;
  int lines_[kKnobCount] = {};  ///< 0: the file has no value
  std::string values_[kKnobCount];
};

}  // namespace

std::string Settings::value_text(Knob knob) const {
  switch (knob) {
#define KNOB(type, field, initial, name, ...) \
  case Knob::field: return __VA_ARGS__.text(field);
#include "core/policy/knobs.inc"
#undef KNOB
  }
  return "";
}

std::string knob_values(Knob knob) {
  switch (knob) {
#define KNOB(type, field, initial, name, ...) \
  case Knob::field: return __VA_ARGS__.values();
#include "core/policy/knobs.inc"
#undef KNOB
  }
  return "";
}

void Settings::fail_in_file(int at_line, const Failure& failure) const {
  fail(failure.status(), "%s: %s, line %d: %s", kKnobNames[static_cast<int>(Knob::settings_file)],
       quotable(settings_file).c_str(), at_line, failure.what());
}

Settings read_settings(const char* lines) {
  Settings settings;
  const char* at = lines == nullptr ? "" : lines;
  while (*at != 0) {
    const size_t length = std::strcspn(at, "\n");
    if (length > 0) read_line(settings, std::string(at, length));
    at += length + (at[length] == '\n');
  }
  for (int i = 0; i < kKnobCount; ++i) {
    if (settings.origin[i] == Origin::caller) continue;  // hides the variable of the same name, a bad one included
    const char* value = std::getenv(kKnobNames[i]);
    if (value != nullptr) apply(settings, static_cast<Knob>(i), value, Origin::environment);
  }
  if (!settings.settings_file.empty()) FileReader(settings.settings_file).complete(settings);
  return settings;
}

}  // namespace ternary
