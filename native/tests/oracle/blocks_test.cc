// The oracle's activations by block and their products: values by hand, and the contract written a second time.
#include "core/product/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "support/random.h"

namespace ternary::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
using Floats = std::vector<float>;

/** One row of X quantised by block. */
struct Quantised {
  Quantised(const Floats& x, int64_t block) : q(x.size(), 99), s((x.size() + block - 1) / block, 99.0f) {
    ActivationTask task = {};
    task.x = x.data();
    task.K = task.padded = static_cast<int64_t>(x.size());
    task.block = block;
    task.q = q.data();
    task.s = s.data();
    task.q_sums = &q_sum;
    oracle::activations(task, 1);
  }

  std::vector<int8_t> q;
  Floats s;
  int32_t q_sum = 99;
};

TEST(OracleBlocks, EachHasItsOwnScaleAndTheLastMayBeShort) {
  Floats x(40, 0.0f);
  x[0] = -127, x[1] = 0.5f, x[2] = 1.5f, x[3] = 2.5f, x[4] = -2.5f;  // inv = 1
  x[32] = 254, x[33] = 1, x[34] = 3, x[39] = -254;                   // inv = 0.5
  const Quantised row(x, 32);
  EXPECT_EQ(row.s, (Floats{1, 2}));
  std::vector<int8_t> q(40, 0);
  q[0] = -127, q[1] = 0, q[2] = 2, q[3] = 2, q[4] = -2, q[32] = 127, q[33] = 0, q[34] = 2, q[39] = -127;
  EXPECT_EQ(row.q, q);
  EXPECT_EQ(row.q_sum, -127 + 2 + 2 - 2 + 127 + 2 - 127);
}

TEST(OracleBlocks, OfZerosHasThePositiveZeroAsItsScale) {
  Floats x(96, -0.0f);
  x[95] = 127;
  const Quantised row(x, 32);
  for (const size_t b : {size_t{0}, size_t{1}}) EXPECT_EQ(float_bits(row.s[b]), 0u) << b;
  EXPECT_EQ(row.s[2], 1);
  EXPECT_EQ(row.q_sum, 127);
}

TEST(OracleBlocks, TheFloorIsTwoToTheMinus100) {
  Floats x(96, 0.0f);
  x[0] = 0x1p-100f, x[1] = 0x1p-101f;    // at the floor: 127 and 63.5
  x[32] = 0x1p-101f, x[33] = 0x1p-103f;  // below it: 63.5 and 15.875
  x[64] = 1e-6f;                         // below a row's floor, and not below a block's
  const Quantised row(x, 32);
  EXPECT_EQ(row.s[0], 0x1p-100f / 127.0f);
  EXPECT_EQ(row.s[1], 0x1p-100f / 127.0f);
  EXPECT_EQ(row.s[2], 1e-6f / 127.0f);
  EXPECT_EQ(row.q[0], 127);
  EXPECT_EQ(row.q[1], 64);
  EXPECT_EQ(row.q[32], 64);
  EXPECT_EQ(row.q[33], 16);
  EXPECT_EQ(row.q[64], 127);
}

TEST(OracleBlocks, OneValueThatIsNotFiniteSpoilsTheWholeRow) {
  for (const float value : {kNaN, kInfinity, -kInfinity}) {
    Floats x(70, 1.0f);
    x[69] = value;
    const Quantised row(x, 32);
    for (const float s : row.s) EXPECT_TRUE(std::isnan(s));
    EXPECT_EQ(row.q, std::vector<int8_t>(70, 0));
    EXPECT_EQ(row.q_sum, 0);
  }
}

TEST(OracleBlocks, OneOfAllColumnsIsNotARow) {
  const Floats x(20, 1e-6f);
  EXPECT_EQ(Quantised(x, 4096).s, Floats{1e-6f / 127.0f});  // a row's floor is 1e-5
}

/** A product of one row of q with one row of weights +1, alpha 1. */
float product(const std::vector<int8_t>& q, const Floats& s, int64_t block) {
  const auto K = static_cast<int64_t>(q.size());
  const std::vector<uint8_t> w(static_cast<size_t>((K + 3) / 4), 0xaa);  // codes 2
  const float alpha = 1;
  float y = 0;
  GemmTask task = {};
  task.q = q.data();
  task.ldq = K;
  task.s = s.data();
  task.block = block;
  task.w = w.data();
  task.alpha = &alpha;
  task.y = &y;
  task.ldy = task.M = task.N = 1;
  task.K = K;
  oracle::gemm(task, TERNARY_LAYOUT_I2S);
  return y;
}

TEST(OracleBlocks, ASuperBlockStartsFromZero) {
  // 64 units are a super-block. What a unit adds to 2^24 is rounded away, but not 64 of them together.
  std::vector<int8_t> q(128 * 32, 0);
  Floats s(128, 1.0f);
  s[0] = 0x1p24f;
  for (size_t unit = 0; unit < 128; ++unit) q[unit * 32 + unit % 32] = 1;
  EXPECT_EQ(product(q, s, 32), 0x1p24f + 64);
}

TEST(OracleBlocks, SuperBlocksAreAddedFromTheLeft) {
  // Three of them: (2^24 + 1) + 1 loses both ones, 2^24 + (1 + 1) would keep them.
  std::vector<int8_t> q(3 * 2048, 0);
  Floats s(3, 1.0f);
  s[0] = 0x1p24f;
  for (size_t unit = 0; unit < 3; ++unit) q[unit * 2048] = 1;
  EXPECT_EQ(product(q, s, 2048), 0x1p24f);
}

/** Y of one row and one row of W by section 7.2, column by column: a unit ends where a block or a group does. */
float second_product(const GemmTask& task, const std::vector<int8_t>& w) {
  const int64_t K = task.K, group = task.group == 0 ? K : task.group;
  float P = 0, p = 0;
  int64_t acc = 0, units = 0;
  bool first = true;
  const int64_t width = std::min(task.block, task.group == 0 ? task.block : group);
  for (int64_t k = 0; k < K; ++k) {
    acc += task.q[k] * w[k];
    const int64_t next = k + 1;
    if (next % task.block != 0 && next % group != 0 && next != K) continue;
    const float s = task.s[k / task.block];
    p = std::fmaf(static_cast<float>(acc), task.group == 0 ? s : s * task.alpha[k / group * kTile], p);
    acc = 0;
    if ((++units + 1) * width <= 2048 && next != K) continue;  // another one still fits
    P = first ? p : P + p;
    first = false;
    p = 0;
    units = 0;
  }
  if (task.group == 0) return std::fmaf(P, task.alpha[0], *task.bias);
  return P + *task.bias;
}

TEST(OracleBlocks, ProductsOfEveryBlockAndGroup) {
  Random random(17);
  int products = 0;
  for (const int64_t block : {32, 64, 96, 128, 256, 2048, 4096}) {
    for (const int64_t group : {0, 32, 64, 96, 128, 192, 2048, 4096, 8192}) {
      if (group > 0 && block % group != 0 && group % block != 0) continue;
      for (const int64_t K : {1, 31, 33, 200, 2049, 4100, 9000}) {
        std::vector<int8_t> q(K), w(K);
        std::vector<uint8_t> codes(static_cast<size_t>((K + 3) / 4));
        for (int64_t k = 0; k < K; ++k) {
          q[k] = static_cast<int8_t>(random.integer(-128, 127));
          w[k] = static_cast<int8_t>(random.integer(-1, 1));
          codes[k / 4] = static_cast<uint8_t>(codes[k / 4] | (w[k] + 1) << (k % 4 * 2));
        }
        Floats s(ceil_div(K, block)), alpha(group == 0 ? 1 : ceil_div(K, group) * kTile);
        for (float& value : s) value = random.positive();
        for (float& value : alpha) value = random.positive();
        const float bias = random.bell();
        float y = 0;
        GemmTask task = {};
        task.q = q.data();
        task.s = s.data();
        task.block = block;
        task.w = codes.data();
        task.alpha = alpha.data();
        task.group = group;
        task.bias = &bias;
        task.y = &y;
        task.M = task.N = 1;
        task.K = K;
        oracle::gemm(task, TERNARY_LAYOUT_I2S);
        ASSERT_EQ(y, second_product(task, w)) << "block " << block << ", group " << group << ", K " << K;
        ++products;
      }
    }
  }
  EXPECT_GT(products, 200);
}

}  // namespace
}  // namespace ternary::test
