/**
 * @file report_path.h
 * @brief What TERNARY_PATH_REPORT may be.
 */
#ifndef TERNARY_CORE_POLICY_REPORT_PATH_H_
#define TERNARY_CORE_POLICY_REPORT_PATH_H_

#include <string>

namespace ternary {

/** What sentences call the report that is written to `file`. */
std::string report_subject(const std::string& file);

/** Throws unless a report could be written to report_file(path). */
void check_report_path(const std::string& path);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_REPORT_PATH_H_
