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

/** The part of a path name that says a block of activations, by its columns. The first says that there is none, the last
 *  is for all others. */
struct BlockKind {
  int64_t block;
  const char* word;
};
inline constexpr BlockKind kBlockKinds[] = {
    {0, ""}, {32, ".block32"}, {64, ".block64"}, {128, ".block128"}, {256, ".block256"}, {-1, ".block_other"}};
inline constexpr size_t kBlockKindCount = sizeof kBlockKinds / sizeof kBlockKinds[0];

inline constexpr size_t block_kind(int64_t block) {
  size_t kind = 0;
  while (kind + 1 < kBlockKindCount && kBlockKinds[kind].block != block) ++kind;
  return kind;
}

/** What served a call. */
struct Path {
  Op op;
  size_t row;         ///< of the runtime's counters
  int64_t block = 0;  ///< columns of X of a scale; 0: a scale a row
};

/** Room for the longest name, and its end. */
inline constexpr size_t kMostPathName = 128;

/** From where counters count. */
enum class Since : uint8_t { start, reset };

class Counters {
 public:
  /** `rows` names every kernel that may be counted, e.g. "gemm_a8_i2s.cpu.avx2"; the first fallback of each path and
   *  reason is a notice. */
  Counters(std::vector<std::string> rows, Notices& notices);

  void count_path(const Path& path) noexcept {
    paths_[index(path.op, path.row) * kBlockKindCount + block_kind(path.block)].add();
  }

  /** Whatever the block: the reason says whether it was that. */
  void count_fallback(Op op, size_t row, Reason reason) noexcept {
    if (fallbacks_[index(op, row) * kReasonCount + static_cast<size_t>(reason)].add() == 0) notices_.add();
  }

  /** Every kernel that may be counted. */
  size_t rows() const noexcept { return rows_.size(); }
  /** "gemm_a8_i2s.cpu.avx2" */
  const std::string& row_name(size_t row) const { return rows_[row]; }

  /** Adds to the time that a stage has taken. */
  void add_time(Op op, uint64_t nanoseconds) noexcept { times_[static_cast<size_t>(op)].add(nanoseconds); }

  /** "linear.gemm_a8_i2s.cpu.avx2", of a layer with blocks "linear.gemm_a8_i2s.block128.cpu.avx2". */
  std::string path_name(const Path& path) const;
  /** The same to `name`, cut where it is longer than `capacity`. */
  void write_path_name(const Path& path, char* name, size_t capacity) const noexcept;

  Counts paths(Since since) const;
  /** Calls `use(path)` for each that has served a call, by op, row and block. */
  template <typename Use>
  void each_path(Use use) const {
    for (size_t cell = 0; cell < cells() * kBlockKindCount; ++cell) {
      if (paths_[cell].count(Since::start) == 0) continue;
      Path path = path_of(cell / kBlockKindCount);
      path.block = kBlockKinds[cell % kBlockKindCount].block;
      use(path);
    }
  }
  /** Keys are path names with ":reason". */
  Counts fallbacks(Since since) const;
  /** Nanoseconds, by the names of operations. */
  Counts times(Since since) const;
  /** What was counted so far is no longer counted since the reset; nothing that is counted meanwhile gets lost. */
  void reset() noexcept;

 private:
  /** Never set back, so that totals are exact and "first" means first in the runtime's life. */
  class Cell {
   public:
    /** Returns what was counted before. */
    uint64_t add(uint64_t count = 1) noexcept { return total_.fetch_add(count, std::memory_order_relaxed); }
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
  /** The path of a cell of op and row. */
  Path path_of(size_t cell) const { return {static_cast<Op>(cell / rows_.size()), cell % rows_.size()}; }

  const std::vector<std::string> rows_;
  const std::unique_ptr<Cell[]> paths_;      ///< [op][row][kind of block]
  const std::unique_ptr<Cell[]> fallbacks_;  ///< [op][row][reason]
  Cell times_[kOpCount];
  Notices& notices_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_COUNTERS_H_
