/**
 * @file json.h
 * @brief Writes the few flat JSON documents of the C interface. A library would be larger than what it writes.
 */
#ifndef TERNARY_CORE_BASE_JSON_H_
#define TERNARY_CORE_BASE_JSON_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ternary {

using Counts = std::map<std::string, uint64_t>;

/** A JSON string with its quotes. */
std::string json_string(const std::string& text);

/** [one,another] of values that are JSON already. */
std::string json_list(const std::vector<std::string>& values);

/** ,"name":value */
std::string json_member(const char* name, int64_t value);

/** {"name":count,...} */
std::string json_counts(const Counts& counts);

/** The members `pid`, `path_counts` and `fallback_counts` of ternary_runtime_counters() and of report files. */
std::string json_count_members(const Counts& paths, const Counts& fallbacks);

/** The document of report files. */
std::string json_report(const Counts& paths, const Counts& fallbacks);

/** Copies as ternary_runtime_info() describes. */
void copy_json(const std::string& document, char* json, size_t capacity, size_t* length);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_JSON_H_
