/**
 * @file counters.h
 * @brief Which kernel served how many calls, and which refused and why. Lock-free; one set a runtime.
 */
#ifndef TERNARY_CORE_COUNTERS_H_
#define TERNARY_CORE_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/json.h"
#include "core/kernel.h"

namespace ternary {

/** What a caller asked for; the first part of a path name. */
enum class Op : uint8_t { linear, rmsnorm_linear, quantise_activations, rmsnorm };
inline constexpr int kOpCount = 4;
inline constexpr const char* kOpNames[kOpCount] = {"linear", "rmsnorm_linear", "quantise_activations", "rmsnorm"};

class Counters {
 public:
  Counters(const Backend& backend);

  void count_path(Op op, const Kernel& kernel) { path(op, kernel).fetch_add(1, std::memory_order_relaxed); }

  void count_fallback(Op op, const Kernel& kernel, Reason reason) {
    if (fallback(op, kernel, reason).fetch_add(1, std::memory_order_relaxed) == 0) note_distinct(op, kernel, reason);
  }

  /** "linear.gemm_a8_i2s.cpu.avx2" */
  std::string path_name(Op op, const Kernel& kernel) const;

  Counts paths() const;
  /** Keys are path names with ":reason". */
  Counts fallbacks() const;
  void reset();
  const uint64_t* distinct_fallbacks() const { return reinterpret_cast<const uint64_t*>(&distinct_); }

 private:
  using Cell = std::atomic<uint64_t>;
  size_t index(Op op, const Kernel& kernel) const {
    return static_cast<size_t>(op) * backend_.kernel_count + (&kernel - backend_.kernels);
  }
  Cell& path(Op op, const Kernel& kernel) const { return paths_[index(op, kernel)]; }
  Cell& fallback(Op op, const Kernel& kernel, Reason reason) const {
    return fallbacks_[index(op, kernel) * kReasonCount + static_cast<size_t>(reason)];
  }
  void note_distinct(Op op, const Kernel& kernel, Reason reason);
  template <typename Visit>
  void visit(Visit visit) const;

  const Backend& backend_;
  std::unique_ptr<Cell[]> paths_;
  std::unique_ptr<Cell[]> fallbacks_;
  std::unique_ptr<std::atomic<bool>[]> seen_;  // survives reset(): "first" means first in the runtime's life
  Cell distinct_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_COUNTERS_H_
