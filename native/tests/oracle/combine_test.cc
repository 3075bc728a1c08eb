// The oracle's slots by expert and its sums over slots: values by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "support/random.h"

namespace ternary::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
using Floats = std::vector<float>;
using Ids = std::vector<int32_t>;

TEST(OracleAlign, SlotsAreSortedByExpertAndStayInOrder) {
  const Ids ids = {2, 0, 77, -1, 2, 77, 0, 0, 77};  // two slots a row, and a gap
  Ids slots(6, 99), offsets(5, 99);
  const ternary_align_operands o = {sizeof o, 3, 2, 4, ids.data(), 3, slots.data(), offsets.data(), nullptr};
  ASSERT_EQ(ternary_oracle_align(&o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(offsets, (Ids{0, 3, 3, 5, 5}));
  EXPECT_EQ(slots, (Ids{1, 4, 5, 0, 3, 99})) << "the slot with id -1 leaves the last place alone";
}

TEST(OracleAlign, WrittenASecondTime) {
  Random random(1);
  for (int problem = 0; problem < 50; ++problem) {
    const int64_t M = random.integer(1, 40), T = random.integer(1, 64), E = random.integer(1, 100);
    Ids ids(M * T), slots(M * T, -7), offsets(E + 1);
    for (int32_t& id : ids) id = static_cast<int32_t>(random.integer(-1, E - 1));
    const ternary_align_operands o = {sizeof o, M, T, E, ids.data(), T, slots.data(), offsets.data(), nullptr};
    ASSERT_EQ(ternary_oracle_align(&o), TERNARY_OK) << ternary_last_error();
    Ids expected;
    for (int32_t slot = 0; slot < static_cast<int32_t>(ids.size()); ++slot) {
      if (ids[slot] >= 0) expected.push_back(slot);
    }
    std::stable_sort(expected.begin(), expected.end(), [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
    for (int64_t e = 0; e <= E; ++e) {
      ASSERT_EQ(offsets[e], std::count_if(ids.begin(), ids.end(), [&](int32_t id) { return id >= 0 && id < e; }));
    }
    expected.resize(slots.size(), -7);
    ASSERT_EQ(slots, expected);
  }
}

/** Sums over slots of one column, of fp32, until a test says otherwise. */
struct Sum {
  Sum(const Floats& d, const Floats& weights, const Ids& ids) : d_(d), weights_(weights), ids_(ids) {
    o.size = sizeof o;
    o.M = o.H = 1;
    o.T = static_cast<int64_t>(ids.size());
    o.E = 4096;
    o.d = d_.data();
    o.ldd = o.T;
    o.expert_ids = ids_.data();
    o.ld_ids = o.T;
    o.expert_weights = weights_.empty() ? nullptr : weights_.data();
    o.ld_weights = weights_.empty() ? 0 : o.T;
    o.y = &y;
    o.ldy = 1;
    o.scaling = 1;
  }
  float run() {
    EXPECT_EQ(ternary_oracle_combine(&o), TERNARY_OK) << ternary_last_error();
    return y;
  }

  Floats d_, weights_;
  Ids ids_;
  float y = 99;
  ternary_combine_operands o = {};
};

TEST(OracleCombine, AddsSlotsAscendingWithTwoRoundings) {
  EXPECT_EQ(Sum({0x1p24f, 1, 1}, {1, 1, 1}, {7, 5, 3}).run(), 0x1p24f) << "not by ascending expert";
  EXPECT_EQ(Sum({1, 1, 0x1p24f}, {1, 1, 1}, {7, 5, 3}).run(), 0x1p24f + 2);
  const float a = 1 + 0x1p-12f;  // its square needs one bit more
  EXPECT_EQ(Sum({-1, a}, {1, a}, {0, 1}).run(), 0x1p-11f) << "an fma would keep 2^-24";
  EXPECT_EQ(Sum({3, 5}, {}, {0, 0}).run(), 8) << "weights that were used";
}

TEST(OracleCombine, SkipsSlotsWithoutAnExpert) {
  EXPECT_EQ(Sum({kNaN, 5, kNaN}, {kNaN, 2, kNaN}, {-1, 0, -1}).run(), 10);
  const float nothing = Sum({kNaN, kNaN}, {kNaN, kNaN}, {-1, -1}).run();
  EXPECT_EQ(float_bits(nothing), 0u) << "+0";
}

TEST(OracleCombine, ScalesTheSumAndRoundsItOnce) {
  Sum sum({1, 0x1p-24f}, {1, 1}, {0, 1});
  sum.o.scaling = 3;
  EXPECT_EQ(sum.run(), 3);
  uint16_t y = 0;
  Sum narrow({1 + 0x1p-8f, 0x1p-20f}, {}, {0, 1});  // a tie of bf16 but for the last addend
  narrow.o.y = &y;
  narrow.o.y_dtype = TERNARY_BF16;
  narrow.run();
  EXPECT_EQ(bf16_to_float(y), 1 + 0x1p-7f);
}

TEST(OracleCombine, TheResidualGetsYAsItWasRounded) {
  uint16_t y = 0;
  float residual = 0.5f;
  Sum sum({1 + 0x1p-9f}, {1}, {0});
  sum.o.y = &y;
  sum.o.y_dtype = TERNARY_BF16;
  sum.o.residual = sum.o.residual_out = &residual;
  sum.o.ld_residual = 1;
  sum.run();
  EXPECT_EQ(bf16_to_float(y), 1);
  EXPECT_EQ(residual, 1.5f);
}

TEST(OracleCombine, StridesAndTypes) {
  constexpr int64_t kM = 2, kT = 2, kH = 3, kD = 8, kIds = 3, kWeights = 4, kY = 5;
  std::vector<uint16_t> d(kM * kD), weights(kM * kWeights);
  for (size_t i = 0; i < d.size(); ++i) d[i] = float_to_f16(static_cast<float>(i));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = float_to_bf16(static_cast<float>(10 * i));
  const Ids ids = {0, 1, 77, -1, 0, 77};
  Floats y(kM * kY, 99.0f);
  ternary_combine_operands o = {};
  o.size = sizeof o;
  o.M = kM;
  o.T = kT;
  o.H = kH;
  o.E = 2;
  o.d = d.data();
  o.ldd = kD;
  o.d_dtype = TERNARY_F16;
  o.expert_ids = ids.data();
  o.ld_ids = kIds;
  o.expert_weights = weights.data();
  o.ld_weights = kWeights;
  o.expert_weights_dtype = TERNARY_BF16;
  o.y = y.data();
  o.ldy = kY;
  o.scaling = 1;
  ASSERT_EQ(ternary_oracle_combine(&o), TERNARY_OK) << ternary_last_error();
  // Row 0: 0 * {0, 1, 2} + 10 * {3, 4, 5}. Row 1, of its second slot alone: 50 * {11, 12, 13}.
  EXPECT_EQ(y, (Floats{30, 40, 50, 99, 99, 550, 600, 650, 99, 99}));
}

}  // namespace
}  // namespace ternary::test
