#include "core/policy/settings.h"

#include <cstdlib>
#include <cstring>

#include "core/base/failure.h"

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
  return settings;
}

}  // namespace ternary
