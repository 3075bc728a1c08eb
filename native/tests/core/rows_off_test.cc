// Rows that serve nothing more, and which rows and columns are looked at.
#include "core/judge/rows_off.h"

#include <gtest/gtest.h>

#include <set>

#include "core/judge/spread.h"
#include "core/judge/validation.h"

namespace ternary::test {
namespace {

TEST(RowsOff, ARowIsAddedOnceAndSeenWithItsVersion) {
  RowsOff off;
  EXPECT_EQ(off.version(), 0u);
  for (const size_t row : {size_t{0}, size_t{63}, size_t{64}, kMostRows - 1}) {
    const uint64_t before = off.version();
    EXPECT_FALSE(off.has(row));
    bool called = false;
    EXPECT_TRUE(off.add(row, [&] {
      called = true;
      EXPECT_EQ(off.version() % 2, 1u) << "while it is added";
      EXPECT_FALSE(off.is_still(off.version()));
    }));
    EXPECT_TRUE(called);
    EXPECT_TRUE(off.has(row));
    EXPECT_FALSE(off.is_still(before));
    const uint64_t after = off.version();
    EXPECT_TRUE(off.is_still(after));
    EXPECT_FALSE(off.add(row, [] { ADD_FAILURE() << "it is there"; }));
    EXPECT_EQ(off.version(), after);
  }
  RowSet rows = {};
  rows.add(65);
  EXPECT_FALSE(off.has_any(rows));
  rows.add(64);
  EXPECT_TRUE(off.has_any(rows));
}

TEST(Validation, AKindIsRightAsLongAsItsRowsServe) {
  RowsOff off;
  Validation validation;
  const PlanKey kind = {{1, 2, 3}}, other = {{1, 2, 4}};
  RowSet rows = {};
  rows.add(7);
  EXPECT_FALSE(validation.passed(kind, off));
  validation.keep(kind, rows);
  EXPECT_TRUE(validation.passed(kind, off));
  EXPECT_FALSE(validation.passed(other, off));
  off.add(8, [] {});
  EXPECT_TRUE(validation.passed(kind, off));
  off.add(7, [] {});
  EXPECT_FALSE(validation.passed(kind, off));
}

TEST(Spread, AllOfAFew) {
  for (const int64_t count : {1, 3, 4}) {
    std::vector<int64_t> all;
    for (int64_t i = 0; i < count; ++i) all.push_back(i);
    EXPECT_EQ(spread(count, kValidatedRows), all);
  }
  EXPECT_EQ(spread(256, kValidatedColumns).size(), 256u);
}

/** Whatever the tiles of a kernel are wide, each column of a tile is looked at. */
TEST(Spread, OfManyTheFirstTheLastAndEveryPlaceInATile) {
  for (const int64_t count : {257, 511, 512, 700, 1000, 1024, 2560, 4096, 6912, 8191, 13824}) {
    const std::vector<int64_t> chosen = spread(count, kValidatedColumns);
    ASSERT_EQ(chosen.size(), 256u);
    EXPECT_EQ(chosen.front(), 0);
    EXPECT_EQ(chosen.back(), count - 1);
    std::set<int64_t> of_tile;
    for (size_t i = 0; i < chosen.size(); ++i) {
      EXPECT_TRUE(i == 0 || chosen[i] > chosen[i - 1]);
      of_tile.insert(chosen[i] % kSpreadPlaces);
    }
    EXPECT_EQ(of_tile.size(), static_cast<size_t>(kSpreadPlaces)) << count;
  }
}

}  // namespace
}  // namespace ternary::test
