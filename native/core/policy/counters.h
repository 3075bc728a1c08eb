/**
 * @file counters.h
 * @brief Which kernel served how many calls, and which refused and why. Lock-free; one set a runtime.
 */
#ifndef TERNARY_CORE_POLICY_COUNTERS_H_
#define TERNARY_CORE_POLICY_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "abi/reason.h"
#include "core/base/json.h"
#include "core/base/notices.h"

namespace ternary {

/** What a caller asked for; the first part of a path name. */
enum class Op : uint8_t {
#define OP(name) name,
#include "core/policy/ops.inc"
#undef OP
};

inline constexpr const char* kOpNames[] = {
#define OP(name) #name,
#include "core/policy/ops.inc"
#undef OP
};
inline constexpr int kOpCount = sizeof kOpNames / sizeof kOpNames[0];

/** From where counters count. */
enum class Since : uint8_t { start, reset };

class Counters {
 public:
  /** `rows` names every kernel that may be counted, e.g. "gemm_a8_i2s.cpu.avx2"; the first fallback of each path and
   *  reason is a notice. */
  Counters(std::vector<std::string> rows, Notices& notices);

  void count_path(Op op, size_t row) noexcept { paths_[index(op, row)].add(); }

  void count_fallback(Op op, size_t row, Reason reason) noexcept {
    if (fallbacks_[index(op, row) * kReasonCount + static_cast<size_t>(reason)].add() == 0) notices_.add();
  }

  const std::string& row_name(size_t row) const { return rows_[row]; }

  /** "linear.gemm_a8_i2s.cpu.avx2" */
  std::string path_name(Op op, size_t row) const {
    return std::string(kOpNames[static_cast<int>(op)]) + '.' + rows_[row];
  }

  Counts paths(Since since) const;
  /** Keys are path names with ":reason". */
  Counts fallbacks(Since since) const;
  /** What was counted so far is no longer counted since the reset; nothing that is counted meanwhile gets lost. */
  void reset() noexcept;

 private:
  /** Never set back, so that totals are exact and "first" means first in the runtime's life. */
  class Cell {
   public:
    uint64_t add() noexcept { return total_.fetch_add(1, std::memory_order_relaxed); }
    uint64_t count(Since since) const noexcept {
      const uint64_t before = since == Since::reset ? before_reset_.load() : 0;  // first: the total only grows
      return total_.load() - before;
    }
    void reset() noexcept { before_reset_.store(total_.load()); }

   private:
    std::atomic<uint64_t> total_{0}, before_reset_{0};
  };

  size_t cells() const { return static_cast<size_t>(kOpCount) * rows_.size(); }
  size_t index(Op op, size_t row) const { return static_cast<size_t>(op) * rows_.size() + row; }
  std::string cell_name(size_t index) const {
    return path_name(static_cast<Op>(index / rows_.size()), index % rows_.size());
  }

  const std::vector<std::string> rows_;
  const std::unique_ptr<Cell[]> paths_;
  const std::unique_ptr<Cell[]> fallbacks_;
  Notices& notices_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_COUNTERS_H_
