/**
 * @file settings.h
 * @brief The knobs: `NAME=VALUE` lines given by the caller, else environment variables, else defaults.
 */
#ifndef TERNARY_CORE_POLICY_SETTINGS_H_
#define TERNARY_CORE_POLICY_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "abi/kernel.h"

namespace ternary {

/** Where a value came from. */
enum class Origin : uint8_t { built_in, environment, caller };
inline constexpr const char* kOriginNames[] = {"default", "environment", "caller"};

/** Every knob, in the order of kSettingNames. */
enum class Knob : uint8_t {
  max_isa,
  num_threads,
  collect_path_stats,
  path_report,
  path_report_every,
  i2s_only,
  fuse_rmsnorm_qkv,
  enable_pdl,
  i2s_splits,
  prefill_skip_m,
  tuning,
  device,
  max_scratch
};
inline constexpr int kKnobCount = 13;
inline constexpr const char* kKnobNames[kKnobCount] = {"TERNARY_MAX_ISA",
                                                       "TERNARY_NUM_THREADS",
                                                       "TERNARY_COLLECT_PATH_STATS",
                                                       "TERNARY_PATH_REPORT",
                                                       "TERNARY_PATH_REPORT_EVERY",
                                                       "TERNARY_I2S_ONLY",
                                                       "TERNARY_FUSE_RMSNORM_QKV",
                                                       "TERNARY_ENABLE_PDL",
                                                       "TERNARY_I2S_SPLITS",
                                                       "TERNARY_PREFILL_SKIP_M",
                                                       "TERNARY_TUNING",
                                                       "TERNARY_DEVICE",
                                                       "TERNARY_MAX_SCRATCH"};

/** Where products run. */
struct DeviceChoice {
  bool cuda = false;    ///< a GPU is wanted
  bool or_cpu = false;  ///< ... and the CPU serves where there is none
  int ordinal = 0;
  std::string text = "cpu";
};

struct Settings {
  std::optional<Isa> max_isa;
  int64_t num_threads = 0;  ///< 0: the process's physical cores
  bool collect_path_stats = true;
  std::string path_report;
  int64_t path_report_every = 0;
  bool i2s_only = false;
  bool fuse_rmsnorm_qkv = true;
  bool enable_pdl = true;
  int64_t i2s_splits = 0;
  int64_t prefill_skip_m = 0;
  std::string tuning;  ///< a file, whose faults are not errors here: the built-in table serves then
  DeviceChoice device;
  int64_t max_scratch = 0;  ///< bytes; 0: a quarter of the memory that the process may use
  Origin origin[kKnobCount] = {};

  std::string value_text(Knob knob) const;
};

/** Reads lines and environment; throws a Failure that names what cannot be honoured. `lines` may be null. */
Settings read_settings(const char* lines);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_SETTINGS_H_
