#include "core/recheck/validate.h"

namespace ternary {

bool switch_off(ternary_runtime& runtime, const RowSet& suspects, uint64_t off_before) {
  bool any = false;
  for (size_t row = 0; row < runtime.counters.rows(); ++row) {
    if (suspects.has(row) && runtime.switch_off(row)) any = true;
  }
  return any || runtime.rows_off.version() != off_before;  // another thread's call was wrong too
}

RowSet rows_of(const Witness& witness) {
  RowSet rows = {};
  for (const Served& served : witness) rows.add(served.path.row);
  return rows;
}

std::string names_of(const ternary_runtime& runtime, const RowSet& rows) {
  std::string names;
  for (size_t row = 0; row < runtime.counters.rows(); ++row) {
    if (rows.has(row)) names += (names.empty() ? "" : ", ") + runtime.counters.row_name(row);
  }
  return names;
}

}  // namespace ternary
