#include "core/policy/knob_kinds.h"

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdlib>

#include "core/base/failure.h"
#include "ternary/ternary.h"

namespace ternary {
namespace {

/** A number as documents write it: 2^62, 2^31-1, small ones with their digits. */
std::string short_text(int64_t number) {
  for (int exponent = 20; exponent < 63; ++exponent) {
    const int64_t power = int64_t{1} << exponent;
    if (number == power) return "2^" + std::to_string(exponent);
    if (number == power - 1) return "2^" + std::to_string(exponent) + "-1";
  }
  return std::to_string(number);
}

/** "cpu", "cuda" or "cuda:0"; nothing for any other text. */
std::optional<DeviceChoice> device_of(const std::string& value) {
  if (value == "cpu") return DeviceChoice{};
  if (value == "cuda") return DeviceChoice{true, false, 0, value};
  const std::string digits = value.rfind("cuda:", 0) == 0 ? value.substr(5) : "";
  const bool number = !digits.empty() && digits.size() <= 2 &&
                      digits.find_first_not_of("0123456789") == std::string::npos &&
                      (digits.size() == 1 || digits[0] != '0');
  if (!number || std::atoi(digits.c_str()) > 63) return std::nullopt;
  return DeviceChoice{true, false, std::atoi(digits.c_str()), value};
}

std::optional<Isa> isa_of(const std::string& value) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (value == kIsaNames[i]) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

}  // namespace

int64_t Number::parse(const char* name, const std::string& value) const {
  char* end = nullptr;
  errno = 0;
  const long long number = std::strtoll(value.c_str(), &end, 10);
  const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || errno != 0 || *end != 0 || number < least || number > most) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be a whole number from %" PRId64 " to %" PRId64, name,
         quotable(value).c_str(), least, most);
  }
  return number;
}

bool Switch::parse(const char* name, const std::string& value) {
  if (value != "0" && value != "1") {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be 0 or 1", name, quotable(value).c_str());
  }
  return value == "1";
}

Isa IsaName::parse(const char* name, const std::string& value) {
  if (const std::optional<Isa> isa = isa_of(value)) return *isa;
  fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be one of %s", name, quotable(value).c_str(), values().c_str());
}

std::string IsaName::values() {
  std::string names;
  for (const char* name : kIsaNames) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

std::string Number::values() const { return short_text(least) + " ... " + short_text(most); }

std::string FileName::parse(const char* name, const std::string& value) {
  if (value.size() >= PATH_MAX) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\" of %zu bytes; a file name has at most %d", name,
         quotable(value).c_str(), value.size(), PATH_MAX - 1);
  }
  return value;
}

DeviceChoice DeviceName::parse(const char* name, const std::string& value) {
  if (value == "auto") return {true, true, 0, value};
  if (const std::optional<DeviceChoice> device = device_of(value)) return *device;
  fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be cpu, cuda, cuda:0 to cuda:63 or auto", name,
       quotable(value).c_str());
}

ShadowChoice ShadowName::parse(const char* name, const std::string& value) {
  if (value.empty()) return {};
  if (value == "oracle") return {ShadowChoice::By::oracle, Isa::portable, {}, value};
  if (const std::optional<Isa> isa = isa_of(value)) return {ShadowChoice::By::isa, *isa, {}, value};
  if (const std::optional<DeviceChoice> device = device_of(value)) {
    return {ShadowChoice::By::device, Isa::portable, *device, value};
  }
  fail(TERNARY_INVALID_ARGUMENT,
       "%s is \"%s\"; it must be empty, oracle, cpu, cuda, cuda:0 to cuda:63 or an instruction set: %s", name,
       quotable(value).c_str(), IsaName::values().c_str());
}

CutlassChoice CutlassName::parse(const char* name, const std::string& value) {
  for (const CutlassChoice choice : {CutlassChoice::never, CutlassChoice::always, CutlassChoice::automatic}) {
    if (value == text(choice)) return choice;
  }
  fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be 0, 1 or auto", name, quotable(value).c_str());
}

std::string CutlassName::text(CutlassChoice value) {
  switch (value) {
    case CutlassChoice::never: return "0";
    case CutlassChoice::always: return "1";
    case CutlassChoice::automatic: break;
  }
  return "auto";
}

}  // namespace ternary
