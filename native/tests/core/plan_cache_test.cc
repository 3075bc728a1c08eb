// Plans that are kept: found again, lost in turn where a set is full, whole however many threads read and write, and
// refused by their own check when the key lacks something.
#define TERNARY_CHECK_PLANS 1  // of this file's plans; those of the core have theirs where the build says so
#include "core/product/plan_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/product/refusals.h"

namespace ternary::test {
namespace {

/** Every word is a function of the key, so that a torn plan shows. */
struct WordsPlan {
  static constexpr uint64_t kWords = 100;  // long to copy
  uint64_t words[kWords];
  Refusals<3> refusals;
};
using Cache = PlanCache<WordsPlan>;

PlanKey key_of(uint64_t number) { return {{number, number * 31, ~number}}; }

uint64_t word_of(uint64_t number, uint64_t i) { return (number + 1) * 0x9e3779b97f4a7c15u + i; }

WordsPlan plan_of(uint64_t number) {
  WordsPlan plan = {};
  for (uint64_t i = 0; i < WordsPlan::kWords; ++i) plan.words[i] = word_of(number, i);
  return plan;
}

bool is_plan_of(uint64_t number, const WordsPlan& plan) {
  for (uint64_t i = 0; i < WordsPlan::kWords; ++i) {
    if (plan.words[i] != word_of(number, i)) return false;
  }
  return plan.refusals.count == 0;
}

bool has(const Cache& cache, uint64_t number) {
  WordsPlan plan;
  if (!cache.find(key_of(number), plan)) return false;
  EXPECT_TRUE(is_plan_of(number, plan)) << number;
  return true;
}

void keep(Cache& cache, uint64_t number) { cache.keep(key_of(number), plan_of(number)); }

/** Lets every plan pass. */
constexpr auto kSettle = [](const WordsPlan&) {};

TEST(PlanCache, AMissMakesAPlanAndAHitFindsIt) {
  Cache cache;
  EXPECT_FALSE(has(cache, 5));
  for (int call = 0; call < 3; ++call) {
    EXPECT_TRUE(is_plan_of(5, cache.get(key_of(5), [] { return plan_of(5); }, kSettle)));
    EXPECT_EQ(cache.made(), 1u);
  }
  EXPECT_TRUE(is_plan_of(6, cache.get(key_of(6), [] { return plan_of(6); }, kSettle)));
  EXPECT_EQ(cache.made(), 2u);
  EXPECT_TRUE(has(cache, 5));
}

TEST(PlanCache, EachIsVisitedOnceForAKeyThatTwoThreadsHaveMissed) {
  Cache cache;
  for (const uint64_t number : {9, 2, 7, 2}) keep(cache, number);
  std::vector<uint64_t> visited;
  cache.each([&](const PlanKey& key, const WordsPlan& plan) {
    visited.push_back(key.words[0]);
    EXPECT_TRUE(is_plan_of(key.words[0], plan)) << key.words[0];
  });
  std::sort(visited.begin(), visited.end());
  EXPECT_EQ(visited, (std::vector<uint64_t>{2, 7, 9}));
}

TEST(PlanCache, EveryWordOfAKeyCounts) {
  Cache cache;
  const PlanKey key = {{1, 2, 3}};
  cache.keep(key, plan_of(0));
  for (size_t word = 0; word < PlanKey::kWords; ++word) {
    for (const uint64_t bit : {uint64_t{1}, uint64_t{1} << 63}) {
      PlanKey other = key;
      other.words[word] ^= bit;
      WordsPlan plan;
      EXPECT_FALSE(cache.find(other, plan)) << word;
    }
  }
}

TEST(PlanCache, APlanSettlesAtEveryCallAndIsKeptOnlyOnceItHas) {
  Cache cache;
  int settled = 0;
  const auto make = [] { return plan_of(5); };
  const auto refuse = [&](const WordsPlan&) {
    ++settled;
    fail(TERNARY_UNSUPPORTED, "refused");
  };
  for (int call = 1; call <= 2; ++call) {
    EXPECT_THROW(cache.get(key_of(5), make, refuse), Failure);
    EXPECT_EQ(settled, call);
    EXPECT_FALSE(has(cache, 5));
  }
  for (int call = 3; call <= 5; ++call) {
    cache.get(key_of(5), make, [&](const WordsPlan&) { ++settled; });
    EXPECT_EQ(settled, call);
  }
  EXPECT_THROW(cache.get(key_of(5), make, refuse), Failure) << "kept or not";
  EXPECT_EQ(settled, 6);
  EXPECT_EQ(cache.made(), 3u);
}

TEST(PlanCache, APlanWithTooManyRefusalsIsNotKept) {
  Cache cache;
  for (int count = 0; count <= 5; ++count) {
    const uint64_t number = 100 + static_cast<uint64_t>(count), before = cache.made();
    const auto make = [&] {
      WordsPlan plan = plan_of(number);
      for (int i = 0; i < count; ++i) plan.refusals.add(static_cast<size_t>(i), Reason::layout);
      return plan;
    };
    for (int call = 0; call < 2; ++call) {
      const WordsPlan plan = cache.get(key_of(number), make, kSettle);
      EXPECT_EQ(plan.refusals.whole(), count <= 3);
      EXPECT_EQ(plan.refusals.end() - plan.refusals.begin(), std::min(count, 3));
      for (const Refusal& refusal : plan.refusals) EXPECT_EQ(refusal.row, &refusal - plan.refusals.begin());
    }
    EXPECT_EQ(cache.made() - before, count <= 3 ? 1u : 2u) << count;
  }
}

/** Whether four of the one push out the other. */
bool share_a_set(uint64_t a, uint64_t b) {
  Cache cache;
  keep(cache, a);
  for (size_t way = 0; way < Cache::kWays; ++way) keep(cache, b);
  return !has(cache, a);
}

/** Keys that share a set: more than it has ways. */
std::vector<uint64_t> keys_of_a_set() {
  std::vector<uint64_t> same = {0};
  for (uint64_t number = 1; same.size() < Cache::kWays + 3; ++number) {
    if (share_a_set(0, number)) same.push_back(number);
  }
  return same;
}

TEST(PlanCache, AFullSetLosesThePlanThatWasKeptFirst) {
  const std::vector<uint64_t> same = keys_of_a_set();
  Cache cache;
  for (size_t kept = 0; kept < same.size(); ++kept) {
    keep(cache, same[kept]);
    for (size_t i = 0; i < same.size(); ++i) {
      EXPECT_EQ(has(cache, same[i]), i <= kept && i + Cache::kWays > kept) << i << " of " << kept;
    }
  }
}

TEST(PlanCache, KeysSpreadOverTheSets) {
  Cache cache;
  constexpr uint64_t kSlots = Cache::kSets * Cache::kWays;
  for (uint64_t number = 0; number < 2 * kSlots; ++number) {
    keep(cache, number);
    EXPECT_TRUE(has(cache, number));
  }
  uint64_t found = 0;
  for (uint64_t number = 0; number < 2 * kSlots; ++number) found += has(cache, number);
  EXPECT_LE(found, kSlots);
  EXPECT_GT(found, kSlots * 3 / 4);
}

/** Reads and writes plans of some keys from many threads; the number of plans that were not whole. */
uint64_t torn(const std::vector<uint64_t>& keys, size_t calls) {
  constexpr size_t kThreads = 6;
  Cache cache;
  std::atomic<uint64_t> wrong{0}, there{0};
  const auto body = [&](size_t thread) {
    ++there;
    while (there < kThreads) std::this_thread::yield();
    for (size_t call = 0; call < calls; ++call) {
      const uint64_t number = keys[call * (2 * thread + 1) % keys.size()];
      WordsPlan plan;
      if (call % 3 == thread % 3) {
        keep(cache, number);
      } else if (cache.find(key_of(number), plan)) {
        wrong += !is_plan_of(number, plan);
      }
      try {  // as calls do
        wrong += !is_plan_of(number, cache.get(key_of(number), [&] { return plan_of(number); }, kSettle));
      } catch (const Failure&) {
        ++wrong;
      }
    }
  };
  std::vector<std::thread> running;
  for (size_t t = 0; t < kThreads; ++t) running.emplace_back(body, t);
  for (std::thread& thread : running) thread.join();
  return wrong;
}

TEST(PlanCache, ManyThreadsSeeOnlyWholePlans) {
  EXPECT_EQ(torn(keys_of_a_set(), 50000), 0u) << "keys that push each other out of the slots that are read";
  std::vector<uint64_t> many(1500);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_EQ(torn(many, 20000), 0u) << "more keys than slots: plans are lost and come back";
}

TEST(PlanCache, AKeyThatLacksSomethingIsFound) {
  Cache cache;
  uint64_t forgotten = 1;
  const auto make = [&] { return plan_of(forgotten); };
  cache.get(key_of(5), make, kSettle);
  EXPECT_NO_THROW(cache.get(key_of(5), make, kSettle));
  forgotten = 2;
  try {
    cache.get(key_of(5), make, kSettle);
    FAIL() << "another plan was taken for the one that is needed";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), TERNARY_ILLEGAL_STATE);
    EXPECT_STREQ(failure.what(), "a kept plan is not the one that is made now; its key lacks something");
  }
}

}  // namespace
}  // namespace ternary::test
