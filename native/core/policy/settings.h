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

  std::string value_text(Knob knob) const;

  /** Whether kernels of an instruction set may be used, wherever the machine has it. */
  bool allow(Isa isa) const { return !max_isa || implies(*max_isa, isa); }
};

/** Reads lines, environment and the file that they may name; throws a Failure that names what cannot be honoured. `lines` may be null. */
Settings read_settings(const char* lines);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_SETTINGS_H_
