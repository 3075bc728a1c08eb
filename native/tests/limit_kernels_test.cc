// The loops that measure limits do all of the work that they report, and nothing beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/backend_rows.h"
#include "support/guarded_buffer.h"

namespace ternary::test {
namespace {

std::vector<const Kernel*> rows_of(ternary_limit kind) {
  std::vector<const Kernel*> rows = runnable_rows(Stage::limit);
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const Kernel* row) { return row->limit_kind != kind; }),
             rows.end());
  return rows;
}

TEST(LimitKernels, ReadEveryWordOnceAndNothingElse) {
  constexpr int64_t kBytes = 2 * kLimitAlignment;
  const GuardedBuffer data(kBytes);  // a read beyond its end faults
  std::fill_n(data.as<int64_t>(), kBytes / 8, 1);
  ASSERT_FALSE(rows_of(TERNARY_LIMIT_READ).empty());
  for (const Kernel* row : rows_of(TERNARY_LIMIT_READ)) {
    EXPECT_EQ(row->limit(data.data(), kBytes), kBytes) << row->file;
    for (int64_t word = 0; word < kBytes / 8; ++word) {
      data.as<int64_t>()[word] = 5;
      ASSERT_EQ(row->limit(data.data(), kBytes), kBytes + 4 * 8) << row->file << ", word " << word;
      data.as<int64_t>()[word] = 1;
    }
    EXPECT_EQ(row->limit(data.data(), kLimitAlignment), kLimitAlignment) << row->file;
  }
}

/** Multiply-adds a step: the registers of sums in the file's name times 4 or 2 products in each of their elements. */
int64_t products_a_step(const std::string& file) {
  if (file.find("8x32__avx2") != std::string::npos) return 8 * 32;
  if (file.find("12x32__avxvnni") != std::string::npos) return 12 * 32;
  if (file.find("16x64__avx512vnni") != std::string::npos) return 16 * 64;
  return 32 * 32 * 64;  // 2 x 2 tile registers, 64 columns of K
}

TEST(LimitKernels, MultiplyAsOftenAsTheySay) {
  const GuardedBuffer panel(kLimitPanelBytes);
  std::memset(panel.data(), 1, kLimitPanelBytes);
  for (const ternary_limit kind : {TERNARY_LIMIT_INT8_PEAK, TERNARY_LIMIT_TILE_LOADS}) {
    for (const Kernel* row : rows_of(kind)) {
      for (const int64_t steps : {1, 4, 7, 100}) {
        EXPECT_EQ(row->limit(panel.data(), steps), steps * products_a_step(row->file)) << row->file;
      }
      if (row->isa == Isa::avx2) {  // its 16-bit sums must be folded in time
        EXPECT_EQ(row->limit(panel.data(), 40000), 40000 * products_a_step(row->file)) << row->file;
      }
    }
  }
}

TEST(LimitKernels, TileLoadsReadTheWholePanel) {
  const GuardedBuffer panel(kLimitPanelBytes);
  std::memset(panel.data(), 1, kLimitPanelBytes);
  for (const Kernel* row : rows_of(TERNARY_LIMIT_TILE_LOADS)) {
    const int64_t steps = 4, ones = row->limit(panel.data(), steps);
    for (int64_t at = 0; at < kLimitPanelBytes; at += 61) {
      panel.data()[at] = 2;
      ASSERT_EQ(row->limit(panel.data(), steps), ones + 32) << row->file << ", byte " << at;  // it meets 2 x 16 others
      panel.data()[at] = 1;
    }
  }
}

}  // namespace
}  // namespace ternary::test
