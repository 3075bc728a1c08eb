/**
 * @file validation.h
 * @brief What a runtime with TERNARY_VALIDATE remembers: the kinds of calls that were right, and how many were compared.
 */
#ifndef TERNARY_CORE_JUDGE_VALIDATION_H_
#define TERNARY_CORE_JUDGE_VALIDATION_H_

#include <atomic>

#include "core/base/json.h"
#include "core/judge/rows_off.h"
#include "core/product/plan_cache.h"

namespace ternary {

/** Any number of threads may call. */
class Validation {
 public:
  /** Whether a call of this kind was right, by rows that are all still in use. */
  bool passed(const PlanKey& kind, const RowsOff& off) const noexcept {
    RowSet rows;
    return kinds_.find(kind, rows) && !off.has_any(rows);
  }

  /** A call of this kind was right, by these rows. A bounded number of kinds is kept: one that was dropped is compared
   *  again. */
  void keep(const PlanKey& kind, const RowSet& rows) noexcept { kinds_.keep(kind, rows); }

  void count(bool right) noexcept {
    checked_.fetch_add(1, std::memory_order_relaxed);
    if (!right) failed_.fetch_add(1, std::memory_order_relaxed);
  }

  Counts counts() const { return {{"checked", checked_.load()}, {"failed", failed_.load()}}; }

 private:
  PlanCache<RowSet, 1024> kinds_;
  std::atomic<uint64_t> checked_{0}, failed_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_VALIDATION_H_
