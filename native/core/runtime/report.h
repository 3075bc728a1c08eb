/**
 * @file report.h
 * @brief The report: the counters of every runtime of this copy, living or gone, as JSON in a file.
 */
#ifndef TERNARY_CORE_RUNTIME_REPORT_H_
#define TERNARY_CORE_RUNTIME_REPORT_H_

#include <string>

#include "core/runtime/runtime.h"

namespace ternary {

/** From now on `runtime` is part of the report, and written to its path_report when the process exits. */
void join_report(ternary_runtime* runtime);

/** Adds the runtime's counts to this copy's and forgets it. */
void leave_report(ternary_runtime* runtime);

/** Writes the report to report_file(path), whole or not at all; throws if it cannot. */
void write_report(const std::string& path);

/** Writes the runtime's own report. A failure is one of its notices: what the report tells of has been done. */
void write_due_report(ternary_runtime& runtime) noexcept;

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_REPORT_H_
