// The blocks that calls take from their runtime: reused, never shared, and bounded while nobody calls.
#include "core/scratch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace ternary::test {
namespace {

char* data_of(Scratch& scratch) { return scratch.take<char>(1); }

TEST(Scratch, TheNextCallOfAThreadFindsItsBlock) {
  ScratchPool pool;
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
  ScratchPool pool;
  for (int round = 0; round < 2; ++round) {  // more at once than there are slots, then once more
    std::vector<std::unique_ptr<Scratch>> alive;
    std::set<char*> blocks;
    for (int i = 0; i < ScratchPool::kSlots + 3; ++i) {
      alive.push_back(std::make_unique<Scratch>(pool, 256));
      char* data = data_of(*alive.back());
      EXPECT_TRUE(blocks.insert(data).second);
      std::fill(data, data + 256, static_cast<char>(i));
    }
  }
}

TEST(Scratch, ThreadsThatTakeTurnsNeedNoMoreThanTheSlots) {
  ScratchPool pool;
  for (int i = 0; i < 3 * ScratchPool::kSlots; ++i) {
    std::thread([&] { Scratch(pool, 2 << 20).take<char>(1)[0] = 1; }).join();
  }
  EXPECT_EQ(pool.kept_bytes(), int64_t{ScratchPool::kSlots} * (2 << 20));
}

TEST(Scratch, WhatIsKeptIsBounded) {
  ScratchPool pool;
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
  EXPECT_EQ(pool.kept_bytes(), 0) << "the block that was too small is gone";
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which end the process instead
TEST(Scratch, MemoryThatCannotBeHadLeavesTheSlotUsable) {
  ScratchPool pool;
  for (int i = 0; i < ScratchPool::kSlots + 1; ++i) EXPECT_THROW(Scratch(pool, int64_t{1} << 60), std::bad_alloc);
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
