// The loops that measure limits do all of the work that they report, and nothing beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/backend_rows.h"
#include "support/guarded_buffer.h"

namespace ternary::test {
namespace {

TEST(LimitKernels, ReadEveryWordOnceAndNothingElse) {
  constexpr int64_t kBytes = 2 * kLimitAlignment;
  const GuardedBuffer data(kBytes);  // a read beyond its end faults
  std::fill_n(data.as<int64_t>(), kBytes / 8, 1);
  ASSERT_FALSE(runnable_loops(TERNARY_LIMIT_READ).empty());
  for (const LimitLoop* loop : runnable_loops(TERNARY_LIMIT_READ)) {
    EXPECT_EQ(loop->run(data.data(), kBytes), kBytes) << loop->file;
    for (int64_t word = 0; word < kBytes / 8; ++word) {
      data.as<int64_t>()[word] = 5;
      ASSERT_EQ(loop->run(data.data(), kBytes), kBytes + 4 * 8) << loop->file << ", word " << word;
      data.as<int64_t>()[word] = 1;
    }
    EXPECT_EQ(loop->run(data.data(), kLimitAlignment), kLimitAlignment) << loop->file;
  }
}

TEST(LimitKernels, MultiplyAsOftenAsTheySay) {
  const GuardedBuffer operands(kLimitOperandBytes);
  std::memset(operands.data(), 1, kLimitOperandBytes);
  for (const ternary_limit kind : {TERNARY_LIMIT_INT8_PEAK, TERNARY_LIMIT_TILE_LOADS}) {
    for (const LimitLoop* loop : runnable_loops(kind)) {
      for (const int64_t steps : {1, 4, 7, 100}) {
        EXPECT_EQ(loop->run(operands.data(), steps), steps * loop->step) << loop->file;
      }
      if (loop->step <= 1024) {  // long enough for AVX2, whose 16-bit sums must be folded in time
        EXPECT_EQ(loop->run(operands.data(), 40000), 40000 * loop->step) << loop->file;
      }
    }
  }
}

TEST(LimitKernels, TileLoadsReadAllOperands) {
  const GuardedBuffer operands(kLimitOperandBytes);
  std::memset(operands.data(), 1, kLimitOperandBytes);
  for (const LimitLoop* loop : runnable_loops(TERNARY_LIMIT_TILE_LOADS)) {
    const int64_t steps = 4, ones = loop->run(operands.data(), steps);
    for (int64_t at = 0; at < kLimitOperandBytes; at += 61) {
      operands.data()[at] = 2;
      ASSERT_EQ(loop->run(operands.data(), steps), ones + 32)
          << loop->file << ", byte " << at;  // it meets 2 x 16 others
      operands.data()[at] = 1;
    }
  }
}

}  // namespace
}  // namespace ternary::test
