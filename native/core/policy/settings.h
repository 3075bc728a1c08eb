/**
 * @file settings.h
 * @brief The knobs: `NAME=VALUE` lines given by the caller, else environment variables, else a file of such lines, else
 * defaults.
 */
#ifndef TERNARY_CORE_POLICY_SETTINGS_H_
#define TERNARY_CORE_POLICY_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/failure.h"
#include "core/policy/knob_kinds.h"

namespace ternary {

/** Where a value came from. */
enum class Origin : uint8_t { built_in, file, environment, caller };
inline constexpr const char* kOriginNames[] = {"default", "file", "environment", "caller"};

/** Every knob, in the order of knobs.inc. */
enum class Knob : uint8_t {
#define KNOB(type, field, initial, name, ...) field,
#include "core/policy/knobs.inc"
#undef KNOB
};

inline constexpr const char* kKnobNames[] = {
#define KNOB(type, field, initial, name, ...) name,
#include "core/policy/knobs.inc"
#undef KNOB
};
inline constexpr int kKnobCount = sizeof kKnobNames / sizeof kKnobNames[0];

/** The values that a knob takes, as ternary.h's table has them: "1 ... 1024". */
std::string knob_values(Knob knob);

/** The value of each knob, under its name in knobs.inc. */
struct Settings {
#define KNOB(type, field, initial, name, ...) type field = initial;
#include "core/policy/knobs.inc"
#undef KNOB
  Origin origin[kKnobCount] = {};
  int line[kKnobCount] = {};  ///< of the settings file, where the value came from there

  std::string value_text(Knob knob) const;

  /** What `check` returns, which looks at a value beyond its syntax. Its Failure gets file and line put before it where the
   *  value came from the settings file. */
  template <typename Check>
  auto checked(Knob knob, Check check) const {
    try {
      return check();
    } catch (const Failure& failure) {
      if (origin[static_cast<int>(knob)] != Origin::file) throw;
      fail_in_file(line[static_cast<int>(knob)], failure);
    }
  }

  /** Throws it with the settings file and one of its lines before it. */
  [[noreturn]] void fail_in_file(int at_line, const Failure& failure) const;

  /** Whether kernels of an instruction set may be used, wherever the machine has it. */
  bool allow(Isa isa) const { return !max_isa || implies(*max_isa, isa); }
};

/** Reads lines, environment and the file that they may name; throws a Failure that names what cannot be honoured. `lines`
 *  may be null. */
Settings read_settings(const char* lines);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_SETTINGS_H_
