/**
 * @file plan_cache.h
 * @brief Plans of products by what they depend on: a bounded number, read without a lock, kept without allocation.
 */
#ifndef TERNARY_CORE_PRODUCT_PLAN_CACHE_H_
#define TERNARY_CORE_PRODUCT_PLAN_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "core/base/failure.h"

namespace ternary {

/** Everything that a plan depends on, settings and device aside; equal keys have equal plans. */
struct PlanKey {
  static constexpr size_t kWords = 3;
  uint64_t words[kWords];

  /** A part of a word, as whoever made the key has packed it. */
  int64_t part(size_t word, int from, int bits) const noexcept {
    return static_cast<int64_t>(words[word] >> from & ((uint64_t{1} << bits) - 1));
  }
};

/**
 * kSets sets of kWays slots; a full set loses the plan that was kept first. Any number of threads may call.
 *
 * A slot is a sequence lock: its sequence is odd while a thread writes it, so a reader that finds it odd or changed takes
 * the plan for missing and makes its own. Nobody ever waits. All words are atomic, loads acquire and stores release: on
 * x86 plain moves, and what ThreadSanitizer understands.
 */
template <typename Plan, size_t kSetCount = 64>
class PlanCache {
  static_assert(std::is_trivially_copyable_v<Plan>, "plans are copied word by word");
  static_assert(std::has_unique_object_representations_v<Plan>, "plans are compared by bytes");

 public:
  static constexpr size_t kSets = kSetCount, kWays = 4;

  /**
   * The plan of `key`, kept or made by `make()`, once `settle(plan)` has let it pass: at every call, since it counts.
   * With TERNARY_CHECK_PLANS a kept plan is made again and compared, unless `is_current()` says that meanwhile the key would
   * be another.
   */
  template <typename Make, typename Settle, typename IsCurrent>
  Plan get(const PlanKey& key, Make make, Settle settle, [[maybe_unused]] IsCurrent is_current) {
    Plan plan;
    const bool kept = find(key, plan);
    if (!kept) plan = make(), made_.fetch_add(1, std::memory_order_relaxed);
#ifdef TERNARY_CHECK_PLANS
    if (kept) {
      const Plan again = make();
      if (is_current()) check_same(plan, again);
    }
#endif
    settle(plan);
    if (!kept && plan.refusals.whole()) keep(key, plan);
    return plan;
  }

  template <typename Make, typename Settle>
  Plan get(const PlanKey& key, Make make, Settle settle) {
    return get(key, make, settle, [] { return true; });
  }

  /** Plans that get() has made. */
  uint64_t made() const noexcept { return made_.load(std::memory_order_relaxed); }

  /** Copies the plan of `key`; false, and `plan` is spoilt, if there is none. */
  bool find(const PlanKey& key, Plan& plan) const noexcept {
    const Slot* set = set_of(key);
    for (size_t way = 0; way < kWays; ++way) {
      if (set[way].read(key, plan)) return true;
    }
    return false;
  }

  /** Calls `use(key, plan)` for every plan that is kept and that nobody writes at the moment; once for a key that several
   *  threads have missed at a time, and kept in as many slots. */
  template <typename Use>
  void each(Use use) const {
    for (size_t i = 0; i < kSets * kWays; ++i) {
      PlanKey key;
      Plan plan, before;
      if (!slots_[i].read_any(key, plan)) continue;
      bool seen = false;
      for (size_t other = i / kWays * kWays; other < i; ++other) seen = seen || slots_[other].read(key, before);
      if (!seen) use(key, plan);
    }
  }

  void keep(const PlanKey& key, const Plan& plan) noexcept {
    Slot* set = set_of(key);
    set[turns_[static_cast<size_t>(set - slots_.get()) / kWays].fetch_add(1, std::memory_order_relaxed) % kWays].write(
        key, plan);
  }

 private:
  static_assert(sizeof(Plan) % 8 == 0);
  static constexpr size_t kPlanWords = sizeof(Plan) / 8;

  class Slot {
   public:
    /** Whatever it holds; false if that is nothing. */
    bool read_any(PlanKey& key, Plan& plan) const noexcept {
      for (size_t i = 0; i < PlanKey::kWords; ++i) key.words[i] = key_[i].load(std::memory_order_acquire);
      return read(key, plan);
    }

    bool read(const PlanKey& key, Plan& plan) const noexcept {
      const uint64_t before = sequence_.load(std::memory_order_acquire);
      if (before == 0 || before % 2 != 0) return false;
      for (size_t i = 0; i < PlanKey::kWords; ++i) {
        if (key_[i].load(std::memory_order_acquire) != key.words[i]) return false;
      }
      auto* bytes = reinterpret_cast<char*>(&plan);  // word by word into place: a copy on the way is 5 ns of 90
      for (size_t i = 0; i < kPlanWords; ++i) {
        const uint64_t word = plan_[i].load(std::memory_order_acquire);
        std::memcpy(bytes + 8 * i, &word, sizeof word);
      }
      return sequence_.load(std::memory_order_relaxed) == before;
    }

    /** Does nothing while another thread writes. */
    void write(const PlanKey& key, const Plan& plan) noexcept {
      uint64_t before = sequence_.load(std::memory_order_relaxed);
      if (before % 2 != 0 || !sequence_.compare_exchange_strong(before, before + 1, std::memory_order_acq_rel)) return;
      uint64_t words[kPlanWords] = {};
      std::memcpy(words, &plan, sizeof plan);
      for (size_t i = 0; i < PlanKey::kWords; ++i) key_[i].store(key.words[i], std::memory_order_release);
      for (size_t i = 0; i < kPlanWords; ++i) plan_[i].store(words[i], std::memory_order_release);
      sequence_.store(before + 2, std::memory_order_release);
    }

   private:
    std::atomic<uint64_t> sequence_{0};  ///< 0: never written
    std::atomic<uint64_t> key_[PlanKey::kWords] = {};
    std::atomic<uint64_t> plan_[kPlanWords] = {};
  };

  /** A key that lacks something a plan depends on shows here. */
  static void check_same(const Plan& kept, const Plan& made) {
    if (std::memcmp(&kept, &made, sizeof made) == 0) return;
    fail(TERNARY_ILLEGAL_STATE, "a kept plan is not the one that is made now; its key lacks something");
  }

  static size_t hash(const PlanKey& key) noexcept {
    uint64_t hash = 0;
    for (const uint64_t word : key.words) hash = (hash ^ word) * 0x9e3779b97f4a7c15u, hash ^= hash >> 32;
    return hash % kSets;
  }

  Slot* set_of(const PlanKey& key) const noexcept { return slots_.get() + hash(key) * kWays; }

  const std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSets * kWays);
  std::atomic<uint32_t> turns_[kSets] = {};
  std::atomic<uint64_t> made_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_PLAN_CACHE_H_
