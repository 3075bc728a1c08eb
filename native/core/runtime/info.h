/**
 * @file info.h
 * @brief What a runtime says of itself, as JSON.
 */
#ifndef TERNARY_CORE_RUNTIME_INFO_H_
#define TERNARY_CORE_RUNTIME_INFO_H_

#include <string>

#include "core/runtime/planning.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** The document of ternary_runtime_info(). */
std::string info_json(const ternary_runtime& runtime, const char* version);

/** How an element of its `plans` begins: the kernel of a row of the counters, and the product. Members may follow. */
std::string plan_begin(const ternary_runtime& runtime, size_t row, const std::string& kernel, const PlannedProduct& of);

/** The document of ternary_runtime_plans(): what two runtimes must have alike to do the same. */
std::string plans_json(const ternary_runtime& runtime);

/** The document of ternary_runtime_counters(). */
std::string counters_json(const ternary_runtime& runtime);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_INFO_H_
