#include "core/policy/report_path.h"

#include "core/base/atomic_file.h"
#include "core/base/failure.h"
#include "core/base/process.h"

namespace ternary {

std::string report_subject(const std::string& file) { return "the report " + quotable(file); }

void check_report_path(const std::string& path) {
  const std::string file = report_file(path);
  check_replaceable("TERNARY_PATH_REPORT is \"" + quotable(path) + "\"; " + report_subject(file), file);
}

}  // namespace ternary
