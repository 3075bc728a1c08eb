/**
 * @file knob_kinds.h
 * @brief The kinds of settings: which values each takes, how they are read and how they are shown.
 *
 * `parse` throws a Failure with the setting's name, the value and the rule; `text` gives a value back as it may be set;
 * `values` is what ternary.h's table says of them.
 */
#ifndef TERNARY_CORE_POLICY_KNOB_KINDS_H_
#define TERNARY_CORE_POLICY_KNOB_KINDS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "abi/isa.h"

namespace ternary {

/** Where products run. */
struct DeviceChoice {
  bool cuda = false;    ///< a GPU is wanted
  bool or_cpu = false;  ///< ... and the CPU serves where there is none
  int ordinal = 0;
  std::string text = "cpu";
};

/** Whether CUTLASS's kernels may serve. */
enum class CutlassChoice : uint8_t {
  never,     ///< their library is not loaded
  always,    ///< every layer has the arrangement of its weights, and they serve what they accept
  automatic  ///< they serve where the cost model expects less time, for layers of as many rows
};

/** What a sample of calls is computed again by. */
struct ShadowChoice {
  enum class By : uint8_t { nothing, oracle, isa, device } by = By::nothing;
  Isa isa = Isa::portable;  ///< By::isa: the best that its kernels may be of
  DeviceChoice device;      ///< By::device
  std::string text;
};

/** The name of an instruction set. */
struct IsaName {
  static Isa parse(const char* name, const std::string& value);
  static std::string text(const std::optional<Isa>& value) { return value ? isa_name(*value) : ""; }
  static std::string values();
};

/** A whole number of a range. */
struct Number {
  int64_t parse(const char* name, const std::string& value) const;
  static std::string text(int64_t value) { return std::to_string(value); }
  std::string values() const;

  int64_t least, most;
};

struct Switch {
  static bool parse(const char* name, const std::string& value);
  static std::string text(bool value) { return value ? "1" : "0"; }
  static std::string values() { return "0, 1"; }
};

/** A file name that the system could take, or none. */
struct FileName {
  static std::string parse(const char* name, const std::string& value);
  static std::string text(const std::string& value) { return value; }
  static std::string values() { return "file name"; }
};

struct DeviceName {
  static DeviceChoice parse(const char* name, const std::string& value);
  static std::string text(const DeviceChoice& value) { return value.text; }
  static std::string values() { return "cpu, cuda, cuda:0 ... cuda:63, auto"; }
};

struct CutlassName {
  static CutlassChoice parse(const char* name, const std::string& value);
  static std::string text(CutlassChoice value);
  static std::string values() { return "0, 1, auto"; }
};

struct ShadowName {
  static ShadowChoice parse(const char* name, const std::string& value);
  static std::string text(const ShadowChoice& value) { return value.text; }
  static std::string values() { return "empty, oracle, cpu, cuda, cuda:0 ... cuda:63, " + IsaName::values(); }
};

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_KNOB_KINDS_H_
