/**
 * @file rows_off.h
 * @brief Rows of a runtime's counters that gave a wrong result, and serve nothing since.
 */
#ifndef TERNARY_CORE_JUDGE_ROWS_OFF_H_
#define TERNARY_CORE_JUDGE_ROWS_OFF_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ternary {

/** Rows of all backends of a runtime, with room to spare. */
inline constexpr size_t kMostRows = 256;

/** A set of rows. */
struct RowSet {
  uint64_t words[kMostRows / 64];

  void add(size_t row) { words[row / 64] |= uint64_t{1} << row % 64; }
  bool has(size_t row) const { return (words[row / 64] >> row % 64 & 1) != 0; }
  bool holds(const RowSet& others) const {
    for (size_t i = 0; i < kMostRows / 64; ++i) {
      if ((others.words[i] & ~words[i]) != 0) return false;
    }
    return true;
  }
};

/** Any number of threads may call. Rows are added, never taken away. */
class RowsOff {
 public:
  bool has(size_t row) const noexcept {
    return (words_[row / 64].load(std::memory_order_acquire) >> row % 64 & 1) != 0;
  }
  bool has_any(const RowSet& rows) const noexcept {
    for (size_t i = 0; i < kMostRows / 64; ++i) {
      if ((words_[i].load(std::memory_order_acquire) & rows.words[i]) != 0) return true;
    }
    return false;
  }

  /** False if it was there. */
  bool add(size_t row) noexcept {
    const uint64_t bit = uint64_t{1} << row % 64;
    if ((words_[row / 64].fetch_or(bit, std::memory_order_acq_rel) & bit) != 0) return false;
    count_.fetch_add(1, std::memory_order_release);
    return true;
  }

  /** How many there are. It is part of the keys of plans, so that a plan which was made before a row was added is not found
   *  again: whoever has seen a count sees its rows. */
  uint64_t count() const noexcept { return count_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t> words_[kMostRows / 64] = {};
  std::atomic<uint64_t> count_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_ROWS_OFF_H_
