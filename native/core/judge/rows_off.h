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

/** Any number of threads may ask; one at a time may add. Rows are added, never taken away. */
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

  /** False if it was there. `also()` is what changes with it. */
  template <typename Also>
  bool add(size_t row, Also also) {
    if (has(row)) return false;
    version_.fetch_add(1, std::memory_order_acq_rel);
    words_[row / 64].fetch_or(uint64_t{1} << row % 64, std::memory_order_acq_rel);
    also();
    version_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }

  /** Changes with each row: 0 without any, odd while one is added. It is part of the keys of plans, so that a plan which was
   *  made before a row was added is not found again: whoever has seen a version sees its rows. */
  uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  /** Whether nothing has changed since a version, and nothing was changing then. */
  bool is_still(uint64_t version) const noexcept { return version % 2 == 0 && version == this->version(); }

 private:
  std::atomic<uint64_t> words_[kMostRows / 64] = {};
  std::atomic<uint64_t> version_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_ROWS_OFF_H_
