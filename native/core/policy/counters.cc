#include "core/policy/counters.h"

namespace ternary {

Counters::Counters(std::vector<std::string> rows, Notices& notices)
    : rows_(std::move(rows)),
      paths_(std::make_unique<Cell[]>(cells())),
      fallbacks_(std::make_unique<Cell[]>(cells() * kReasonCount)),
      notices_(notices) {}

Counts Counters::paths(Since since) const {
  Counts counts;
  for (size_t cell = 0; cell < cells(); ++cell) {
    if (const uint64_t count = paths_[cell].count(since)) counts[cell_name(cell)] += count;
  }
  return counts;
}

Counts Counters::fallbacks(Since since) const {
  Counts counts;
  for (size_t cell = 0; cell < cells() * kReasonCount; ++cell) {
    if (const uint64_t count = fallbacks_[cell].count(since)) {
      counts[cell_name(cell / kReasonCount) + ':' + kReasonNames[cell % kReasonCount]] += count;
    }
  }
  return counts;
}

void Counters::reset() noexcept {
  for (size_t cell = 0; cell < cells(); ++cell) paths_[cell].reset();
  for (size_t cell = 0; cell < cells() * kReasonCount; ++cell) fallbacks_[cell].reset();
}

}  // namespace ternary
