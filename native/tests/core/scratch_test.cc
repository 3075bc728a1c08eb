// The pieces that calls take from their runtime: reused, never shared, and bounded while nobody calls.
#include "core/base/scratch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/failure.h"

namespace ternary::test {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 62, kMiB = 1 << 20;

char* data_of(Scratch& scratch) { return scratch.take<char>(1); }

/** The sentence of a call that is refused. */
std::string refusal(ScratchPool& pool, int64_t bytes) {
  try {
    const Scratch scratch(pool, bytes);
    return "";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), TERNARY_OUT_OF_MEMORY);
    return failure.what();
  }
}

/** Scratch of calls that run at once, each as many bytes. */
std::vector<std::unique_ptr<Scratch>> running(ScratchPool& pool, int calls, int64_t bytes) {
  std::vector<std::unique_ptr<Scratch>> alive;
  for (int i = 0; i < calls; ++i) alive.push_back(std::make_unique<Scratch>(pool, bytes));
  return alive;
}

TEST(Scratch, TheNextCallOfAThreadFindsItsPiece) {
  ScratchPool pool(kPlenty);
  char* first = nullptr;
  for (int64_t bytes : {4096, 4096, 64, 4000}) {
    Scratch scratch(pool, bytes);
    char* data = data_of(scratch);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % kScratchAlignment, 0u);
    if (first == nullptr) first = data;
    EXPECT_EQ(data, first);
  }
}

TEST(Scratch, LivingScratchIsNeverShared) {
  ScratchPool pool(kPlenty);
  for (int round = 0; round < 2; ++round) {  // more at once than there are slots, then once more
    std::vector<std::unique_ptr<Scratch>> alive;
    std::set<char*> pieces;
    for (int i = 0; i < ScratchPool::kSlots + 3; ++i) {
      alive.push_back(std::make_unique<Scratch>(pool, 256));
      char* data = data_of(*alive.back());
      EXPECT_TRUE(pieces.insert(data).second);
      std::fill(data, data + 256, static_cast<char>(i));
    }
  }
}

TEST(Scratch, ThreadsThatTakeTurnsNeedNoMoreThanTheSlots) {
  ScratchPool pool(kPlenty);
  for (int i = 0; i < 3 * ScratchPool::kSlots; ++i) {
    std::thread([&] { Scratch(pool, 2 << 20).take<char>(1)[0] = 1; }).join();
  }
  EXPECT_EQ(pool.kept_bytes(), int64_t{ScratchPool::kSlots} * (2 << 20));
}

TEST(Scratch, WhatIsKeptIsBounded) {
  ScratchPool pool(kPlenty);
  {
    const Scratch large(pool, ScratchPool::kKeptBytes + 1);
  }
  EXPECT_EQ(pool.kept_bytes(), 0);
  {
    const Scratch large(pool, ScratchPool::kKeptBytes);
  }
  EXPECT_EQ(pool.kept_bytes(), ScratchPool::kKeptBytes);
  {
    const Scratch larger(pool, ScratchPool::kKeptBytes + 1);
  }
  EXPECT_EQ(pool.kept_bytes(), 0) << "the piece that was too small is gone";
  {
    std::vector<std::unique_ptr<Scratch>> alive;
    for (int i = 0; i < 20; ++i) alive.push_back(std::make_unique<Scratch>(pool, ScratchPool::kKeptBytes));
  }
  EXPECT_EQ(pool.kept_bytes(), ScratchPool::kKeptTotal);
  {
    std::vector<std::unique_ptr<Scratch>> alive;
    for (int i = 0; i < 20; ++i) alive.push_back(std::make_unique<Scratch>(pool, ScratchPool::kKeptBytes));
  }
  EXPECT_EQ(pool.kept_bytes(), ScratchPool::kKeptTotal);
}

TEST(Scratch, ACallThatNeedsMoreThanTheLimitIsRefusedAtOnce) {
  ScratchPool pool(4 * kMiB);
  EXPECT_EQ(refusal(pool, 4 * kMiB + 1), "the call needs 4194305 bytes of scratch; TERNARY_MAX_SCRATCH is 4194304");
  EXPECT_EQ(pool.held_bytes(), 0);
  EXPECT_EQ(refusal(pool, 4 * kMiB), "");
}

TEST(Scratch, WhatNoCallUsesIsGivenBackBeforeACallIsRefused) {
  ScratchPool pool(4 * kMiB, 0);
  running(pool, 4, kMiB).clear();
  EXPECT_EQ(pool.held_bytes(), 4 * kMiB) << "kept for the next calls";
  EXPECT_EQ(refusal(pool, 3 * kMiB + 5), "");
  EXPECT_EQ(pool.held_bytes(), 3 * kMiB + 5);
}

TEST(Scratch, ACallWaitsForOthersAndNotForEver) {
  ScratchPool pool(4 * kMiB, 50);
  auto others = running(pool, 3, kMiB);
  EXPECT_EQ(refusal(pool, 2 * kMiB),
            "the call needs 2097152 bytes of scratch; TERNARY_MAX_SCRATCH is 4194304, other calls use 3145728 of them, "
            "and did not end within 50 ms");
  EXPECT_EQ(refusal(pool, kMiB), "");
  ScratchPool patient(4 * kMiB);
  others = running(patient, 3, kMiB);
  std::thread waiting([&] { EXPECT_EQ(refusal(patient, 2 * kMiB), ""); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  others.clear();
  waiting.join();
}

TEST(Scratch, CallsOfBusyThreadsTakeTurnsWithinTheLimit) {
  ScratchPool pool(4 * kMiB);  // one of them at a time
  std::atomic<int64_t> used{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int call = 0; call < 20; ++call) {
        const Scratch scratch(pool, 3 * kMiB);
        EXPECT_LE(used.fetch_add(3 * kMiB) + 3 * kMiB, 4 * kMiB);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        used.fetch_sub(3 * kMiB);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool.held_bytes(), 4 * kMiB);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which end the process instead
TEST(Scratch, MemoryThatCannotBeHadLeavesTheSlotUsable) {
  ScratchPool pool(kPlenty);
  for (int i = 0; i < ScratchPool::kSlots + 1; ++i) {
    EXPECT_EQ(refusal(pool, int64_t{1} << 60),
              "the call needs 1152921504606846976 bytes of scratch, which the system does not give");
  }
  EXPECT_EQ(pool.held_bytes(), 0);
  char* first = nullptr;
  for (int i = 0; i < 2; ++i) {
    Scratch scratch(pool, 64);
    if (i == 0) first = data_of(scratch);
    if (i == 1) {
      EXPECT_EQ(data_of(scratch), first) << "no slot was free";
    }
  }
}
#endif

}  // namespace
}  // namespace ternary::test
