#include "core/policy/counters.h"

#include <cstdio>
#include <cstring>

namespace ternary {

Counters::Counters(std::vector<std::string> rows, Notices& notices)
    : rows_(std::move(rows)),
      paths_(std::make_unique<Cell[]>(cells() * kBlockKindCount)),
      fallbacks_(std::make_unique<Cell[]>(cells() * kReasonCount)),
      notices_(notices) {}

void Counters::write_path_name(const Path& path, char* name, size_t capacity) const noexcept {
  const char* row = rows_[path.row].c_str();  // "gemm_a8_i2s.cpu.avx2"
  const size_t kernel = std::strcspn(row, ".");
  std::snprintf(name, capacity, "%s.%.*s%s%s", kOpNames[static_cast<int>(path.op)], static_cast<int>(kernel), row,
                kBlockKinds[block_kind(path.block)].word, row + kernel);
}

std::string Counters::path_name(const Path& path) const {
  char name[kMostPathName];
  write_path_name(path, name, sizeof name);
  return name;
}

Counts Counters::paths(Since since) const {
  Counts counts;
  for (size_t cell = 0; cell < cells() * kBlockKindCount; ++cell) {
    Path path = path_of(cell / kBlockKindCount);
    path.block = kBlockKinds[cell % kBlockKindCount].block;
    if (const uint64_t count = paths_[cell].count(since)) counts[path_name(path)] += count;
  }
  return counts;
}

Counts Counters::fallbacks(Since since) const {
  Counts counts;
  for (size_t cell = 0; cell < cells() * kReasonCount; ++cell) {
    if (const uint64_t count = fallbacks_[cell].count(since)) {
      counts[path_name(path_of(cell / kReasonCount)) + ':' + kReasonNames[cell % kReasonCount]] += count;
    }
  }
  return counts;
}

Counts Counters::times(Since since) const {
  Counts times;
  for (int op = 0; op < kOpCount; ++op) {
    if (const uint64_t nanoseconds = times_[op].count(since)) times[kOpNames[op]] = nanoseconds;
  }
  return times;
}

void Counters::reset() noexcept {
  for (Cell& cell : times_) cell.reset();
  for (size_t cell = 0; cell < cells() * kBlockKindCount; ++cell) paths_[cell].reset();
  for (size_t cell = 0; cell < cells() * kReasonCount; ++cell) fallbacks_[cell].reset();
}

}  // namespace ternary
