#include "core/counters.h"

namespace ternary {

Counters::Counters(std::vector<std::string> rows) : rows_(std::move(rows)) {
  const size_t cells = static_cast<size_t>(kOpCount) * rows_.size();
  paths_ = std::make_unique<Cell[]>(cells);
  fallbacks_ = std::make_unique<Cell[]>(cells * kReasonCount);
  seen_ = std::make_unique<std::atomic<bool>[]>(cells * kReasonCount);
}

void Counters::note_distinct(Op op, size_t row, Reason reason) {
  const size_t cell = index(op, row) * kReasonCount + static_cast<size_t>(reason);
  if (!seen_[cell].exchange(true)) distinct_.fetch_add(1);
}

template <typename Visit>
void Counters::visit(Visit visit) const {
  for (int op = 0; op < kOpCount; ++op) {
    for (size_t row = 0; row < rows_.size(); ++row) visit(static_cast<Op>(op), row);
  }
}

Counts Counters::paths() const {
  Counts counts;
  visit([&](Op op, size_t row) {
    if (const uint64_t count = path(op, row).load()) counts[path_name(op, row)] += count;
  });
  return counts;
}

Counts Counters::fallbacks() const {
  Counts counts;
  visit([&](Op op, size_t row) {
    for (int r = 0; r < kReasonCount; ++r) {
      const uint64_t count = fallback(op, row, static_cast<Reason>(r)).load();
      if (count != 0) counts[path_name(op, row) + ':' + kReasonNames[r]] += count;
    }
  });
  return counts;
}

void Counters::reset() {
  visit([&](Op op, size_t row) {
    path(op, row).store(0);
    for (int r = 0; r < kReasonCount; ++r) fallback(op, row, static_cast<Reason>(r)).store(0);
  });
}

}  // namespace ternary
