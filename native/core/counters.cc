#include "core/counters.h"

namespace ternary {

Counters::Counters(const Backend& backend) : backend_(backend) {
  const size_t cells = static_cast<size_t>(kOpCount) * backend.kernel_count;
  paths_ = std::make_unique<Cell[]>(cells);
  fallbacks_ = std::make_unique<Cell[]>(cells * kReasonCount);
  seen_ = std::make_unique<std::atomic<bool>[]>(cells * kReasonCount);
}

std::string Counters::path_name(Op op, const Kernel& kernel) const {
  return std::string(kOpNames[static_cast<int>(op)]) + '.' + kernel.name + '.' + backend_.name + '.' +
         kIsaNames[static_cast<int>(kernel.isa)];
}

void Counters::note_distinct(Op op, const Kernel& kernel, Reason reason) {
  const size_t cell = index(op, kernel) * kReasonCount + static_cast<size_t>(reason);
  if (!seen_[cell].exchange(true)) distinct_.fetch_add(1);
}

template <typename Visit>
void Counters::visit(Visit visit) const {
  for (int op = 0; op < kOpCount; ++op) {
    for (int row = 0; row < backend_.kernel_count; ++row) visit(static_cast<Op>(op), backend_.kernels[row]);
  }
}

Counts Counters::paths() const {
  Counts counts;
  visit([&](Op op, const Kernel& kernel) {
    if (const uint64_t count = path(op, kernel).load()) counts[path_name(op, kernel)] += count;
  });
  return counts;
}

Counts Counters::fallbacks() const {
  Counts counts;
  visit([&](Op op, const Kernel& kernel) {
    for (int r = 0; r < kReasonCount; ++r) {
      const uint64_t count = fallback(op, kernel, static_cast<Reason>(r)).load();
      if (count != 0) counts[path_name(op, kernel) + ':' + kReasonNames[r]] += count;
    }
  });
  return counts;
}

void Counters::reset() {
  visit([&](Op op, const Kernel& kernel) {
    path(op, kernel).store(0);
    for (int r = 0; r < kReasonCount; ++r) fallback(op, kernel, static_cast<Reason>(r)).store(0);
  });
}

}  // namespace ternary
