#include "core/policy/settings.h"

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "core/base/failure.h"

namespace ternary {
namespace {

int64_t parse_number(const char* name, const std::string& value, int64_t least, int64_t most) {
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

bool parse_switch(const char* name, const std::string& value) {
  if (value != "0" && value != "1") {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be 0 or 1", name, quotable(value).c_str());
  }
  return value == "1";
}

Isa parse_isa(const char* name, const std::string& value) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (value == kIsaNames[i]) return static_cast<Isa>(i);
  }
  fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be one of portable, avx2, avxvnni, avx512vnni, amx", name,
       quotable(value).c_str());
}

/** A file name that the system could take, or none. */
std::string parse_path(const char* name, const std::string& value) {
  if (value.size() >= PATH_MAX) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\" of %zu bytes; a file name has at most %d", name,
         quotable(value).c_str(), value.size(), PATH_MAX - 1);
  }
  return value;
}

DeviceChoice parse_device(const char* name, const std::string& value) {
  if (value == "cpu") return {};
  if (value == "auto") return {true, true, 0, value};
  if (value == "cuda") return {true, false, 0, value};
  const std::string digits = value.rfind("cuda:", 0) == 0 ? value.substr(5) : "";
  const bool number = !digits.empty() && digits.size() <= 2 &&
                      digits.find_first_not_of("0123456789") == std::string::npos &&
                      (digits.size() == 1 || digits[0] != '0');
  if (!number || std::atoi(digits.c_str()) > 63) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is \"%s\"; it must be cpu, cuda, cuda:0 to cuda:63 or auto", name,
         quotable(value).c_str());
  }
  return {true, false, std::atoi(digits.c_str()), value};
}

void apply(Settings& settings, Knob knob, const std::string& value, Origin origin) {
  const char* name = kKnobNames[static_cast<int>(knob)];
  switch (knob) {
    case Knob::max_isa: settings.max_isa = parse_isa(name, value); break;
    case Knob::num_threads: settings.num_threads = parse_number(name, value, 1, 1024); break;
    case Knob::collect_path_stats: settings.collect_path_stats = parse_switch(name, value); break;
    case Knob::path_report: settings.path_report = parse_path(name, value); break;
    case Knob::path_report_every: settings.path_report_every = parse_number(name, value, 0, int64_t{1} << 62); break;
    case Knob::i2s_only: settings.i2s_only = parse_switch(name, value); break;
    case Knob::fuse_rmsnorm_qkv: settings.fuse_rmsnorm_qkv = parse_switch(name, value); break;
    case Knob::enable_pdl: settings.enable_pdl = parse_switch(name, value); break;
    case Knob::i2s_splits: settings.i2s_splits = parse_number(name, value, 0, 64); break;
    case Knob::prefill_skip_m: settings.prefill_skip_m = parse_number(name, value, 0, INT32_MAX); break;
    case Knob::tuning: settings.tuning = parse_path(name, value); break;
    case Knob::device: settings.device = parse_device(name, value); break;
    case Knob::max_scratch: settings.max_scratch = parse_number(name, value, 1, int64_t{1} << 62); break;
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
    case Knob::max_isa: return max_isa ? kIsaNames[static_cast<int>(*max_isa)] : "";
    case Knob::num_threads: return std::to_string(num_threads);
    case Knob::collect_path_stats: return std::to_string(collect_path_stats);
    case Knob::path_report: return path_report;
    case Knob::path_report_every: return std::to_string(path_report_every);
    case Knob::i2s_only: return std::to_string(i2s_only);
    case Knob::fuse_rmsnorm_qkv: return std::to_string(fuse_rmsnorm_qkv);
    case Knob::enable_pdl: return std::to_string(enable_pdl);
    case Knob::i2s_splits: return std::to_string(i2s_splits);
    case Knob::prefill_skip_m: return std::to_string(prefill_skip_m);
    case Knob::tuning: return tuning;
    case Knob::device: return device.text;
    case Knob::max_scratch: return std::to_string(max_scratch);
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
