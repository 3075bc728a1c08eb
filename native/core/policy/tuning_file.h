/**
 * @file tuning_file.h
 * @brief Tuning measured on a user's machine: reads what `ternary tune` writes. ternary.h documents the format.
 */
#ifndef TERNARY_CORE_POLICY_TUNING_FILE_H_
#define TERNARY_CORE_POLICY_TUNING_FILE_H_

#include <cstdint>
#include <string>

#include "core/policy/tuning.h"

namespace ternary {

/** What values hold for: a file of any other is refused. */
struct TunedMachine {
  std::string device, device_id;
  Isa isa;
  int64_t cores, cache_bytes;
};

/** Reads a file; throws a Failure that names file, line, value and rule if any of it cannot be honoured. */
Tuning read_tuning(const std::string& path, const TunedMachine& machine);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_TUNING_FILE_H_
