// mma.sync against the fragment tables of the PTX ISA, one element at a time.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "softgpu/exec/float_formats.h"
#include "softgpu/tests/mma_tables.h"

namespace ternary::softgpu {
namespace {

uint32_t one(MmaType type) { return type == MmaType::f16 ? 0x3c00 : type == MmaType::bf16 ? 0x3f80 : 1; }

void multiply(const Table& table, MmaType type, Fragments* f) {
  if (table.bytes) {
    mma_s32(table.shape, type, type, false, f->a_words, f->b_words, f->c_words, f->d_words);
  } else {
    mma_f32(table.shape, type, f->a_words, f->b_words, f->c_words, f->d_words);
  }
}

/** Element i of lane `lane` of D as a number. */
double output(const Table& table, const Fragments& f, int lane, int i) {
  const uint32_t bits = f.d[i][lane];
  return table.bytes ? static_cast<int32_t>(bits) : float_of(bits);
}

class MmaTables : public ::testing::TestWithParam<int> {
 protected:
  const Table& table() const { return kTables[GetParam()]; }
  std::vector<MmaType> types() const {
    return table().bytes ? std::vector<MmaType>{MmaType::u8, MmaType::s8}
                         : std::vector<MmaType>{MmaType::f16, MmaType::bf16};
  }
};

// A has a single 1, B holds a number that tells k and column apart: row `row` of D is row k of B, all else 0.
TEST_P(MmaTables, EachElementOfA) {
  for (const MmaType type : types()) {
    for (int hot = 0; hot < 32 * table().a_elements; ++hot) {
      Fragments f;
      const int hot_lane = hot / table().a_elements, hot_i = hot % table().a_elements;
      Fragments::set(f.a, hot_lane, hot_i, table().bytes, one(type));
      const Place at = table().a(hot_lane / 4, hot_lane % 4, hot_i);
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table().b_elements; ++i) {
          const Place b = table().b(lane / 4, lane % 4, i);
          // 1 for the k in question in even columns: the row of B shows in D, and only there
          if (b.row == at.column && b.column % 2 == 0) Fragments::set(f.b, lane, i, table().bytes, one(type));
        }
      }
      multiply(table(), type, &f);
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table().c_elements; ++i) {
          const Place d = table().c(lane / 4, lane % 4, i);
          ASSERT_EQ(output(table(), f, lane, i), d.row == at.row && d.column % 2 == 0 ? 1 : 0)
              << table().name << " A of lane " << hot_lane << " element " << hot_i << ", D of " << lane << ' ' << i;
        }
      }
    }
  }
}

// B has a single 1 and A is all ones but for one k of each row, which differs from row to row.
TEST_P(MmaTables, EachElementOfB) {
  for (const MmaType type : types()) {
    for (int hot = 0; hot < 32 * table().b_elements; ++hot) {
      Fragments f;
      const int hot_lane = hot / table().b_elements, hot_i = hot % table().b_elements;
      Fragments::set(f.b, hot_lane, hot_i, table().bytes, one(type));
      const Place at = table().b(hot_lane / 4, hot_lane % 4, hot_i);
      const auto a_value = [&](int row, int k) { return (row + k) % table().shape.depth != 3; };
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table().a_elements; ++i) {
          const Place a = table().a(lane / 4, lane % 4, i);
          if (a_value(a.row, a.column)) Fragments::set(f.a, lane, i, table().bytes, one(type));
        }
      }
      multiply(table(), type, &f);
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table().c_elements; ++i) {
          const Place d = table().c(lane / 4, lane % 4, i);
          ASSERT_EQ(output(table(), f, lane, i), d.column == at.column && a_value(d.row, at.row) ? 1 : 0)
              << table().name << " B of lane " << hot_lane << " element " << hot_i << ", D of " << lane << ' ' << i;
        }
      }
    }
  }
}

TEST_P(MmaTables, EachElementOfC) {
  for (int hot = 0; hot < 32 * table().c_elements; ++hot) {
    Fragments f;
    f.c[hot % table().c_elements][hot / table().c_elements] = table().bytes ? 7u : bits_of(7.0f);
    multiply(table(), table().bytes ? MmaType::s8 : MmaType::bf16, &f);
    EXPECT_EQ(0, std::memcmp(f.d, f.c, sizeof f.d));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MmaTables, ::testing::Range(0, 5));

}  // namespace
}  // namespace ternary::softgpu
