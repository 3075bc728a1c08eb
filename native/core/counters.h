/**
 * @file counters.h
 * @brief Which kernel served how many calls, and which refused and why. Lock-free; one set a runtime.
 */
#ifndef TERNARY_CORE_COUNTERS_H_
#define TERNARY_CORE_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/kernel.h"

namespace ternary {

/** What a caller asked for; the first part of a path name. `device` is the runtime's own wish for a GPU. */
enum class Op : uint8_t { linear, rmsnorm_linear, quantise_activations, rmsnorm, device };
inline constexpr int kOpCount = 5;
inline constexpr const char* kOpNames[kOpCount] = {"linear", "rmsnorm_linear", "quantise_activations", "rmsnorm",
                                                   "device"};

class Counters {
 public:
  /** `rows` names every kernel that may be counted, e.g. "gemm_a8_i2s.cpu.avx2". */
  explicit Counters(std::vector<std::string> rows);

  void count_path(Op op, size_t row) { path(op, row).fetch_add(1, std::memory_order_relaxed); }

  void count_fallback(Op op, size_t row, Reason reason) {
    if (fallback(op, row, reason).fetch_add(1, std::memory_order_relaxed) == 0) note_distinct(op, row, reason);
  }

  /** "linear.gemm_a8_i2s.cpu.avx2" */
  std::string path_name(Op op, size_t row) const {
    return std::string(kOpNames[static_cast<int>(op)]) + '.' + rows_[row];
  }

  Counts paths() const;
  /** Keys are path names with ":reason". */
  Counts fallbacks() const;
  void reset();
  const uint64_t* distinct_fallbacks() const { return reinterpret_cast<const uint64_t*>(&distinct_); }

 private:
  using Cell = std::atomic<uint64_t>;
  size_t index(Op op, size_t row) const { return static_cast<size_t>(op) * rows_.size() + row; }
  Cell& path(Op op, size_t row) const { return paths_[index(op, row)]; }
  Cell& fallback(Op op, size_t row, Reason reason) const {
    return fallbacks_[index(op, row) * kReasonCount + static_cast<size_t>(reason)];
  }
  void note_distinct(Op op, size_t row, Reason reason);
  template <typename Visit>
  void visit(Visit visit) const;

  const std::vector<std::string> rows_;
  std::unique_ptr<Cell[]> paths_;
  std::unique_ptr<Cell[]> fallbacks_;
  std::unique_ptr<std::atomic<bool>[]> seen_;  // survives reset(): "first" means first in the runtime's life
  Cell distinct_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_COUNTERS_H_
