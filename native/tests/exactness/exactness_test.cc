// What the kernels rely on of a GPU's matrix instructions, asked of the instructions themselves: every kind that the
// library has or plans, at the ends of its operands and sums. It says of any GPU whether the kernels can be right there,
// before they run. The bits that sums of floats keep are printed: of e4m3 they differ by generation.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "exactness/mma_kinds.h"
#include "exactness/product.h"

namespace ternary::test {
namespace {

constexpr MmaKind kWhole[] = {MmaKind::s8_s8, MmaKind::u8_s8, MmaKind::dp4a};
constexpr MmaKind kHalves[] = {MmaKind::bf16, MmaKind::f16};
constexpr int kMost = (1 << 24) - 1;  ///< the largest whole number below which fp32 has all

/** Random bytes, a third of them the ends of their ranges, and random C: sums wrap as two's complement. */
TEST(Exactness, WholeNumbersWrapAndMissNoBit) {
  std::mt19937 random(1);
  const auto byte = [&] {
    constexpr uint8_t kEnds[] = {0x80, 0x7f, 0xff};  // -128, 127, and -1 or 255
    return random() % 3 == 0 ? kEnds[random() % 3] : static_cast<uint8_t>(random());
  };
  for (const MmaKind kind : kWhole) {
    for (const int steps : {1, 2, 33}) {
      Product<int32_t> product(kind, steps);
      product.fill([&](int, int) { return byte(); }, [&](int, int) { return byte(); },
                   [&](int, int) { return static_cast<int32_t>(random()); });
      EXPECT_EQ(product.run(), product.exact()) << name_of(kind) << ", " << steps << " steps";
    }
  }
}

/** q = -128 and 127 by codes of 2, or by 2 and -1, in 2^16 columns: 2^24, from zero and over both ends of int32. */
TEST(Exactness, TheLargestSumsOfWholeNumbers) {
  constexpr int kSteps = (1 << 16) / kMmaStepBytes;
  for (const MmaKind kind : kWhole) {
    for (const int32_t start : {0, std::numeric_limits<int32_t>::max() - 5, std::numeric_limits<int32_t>::min() + 5}) {
      Product<int32_t> product(kind, kSteps);
      product.fill([&](int row, int) { return static_cast<uint8_t>(kind == MmaKind::s8_s8 && row % 2 ? 0xff : 2); },
                   [&](int column, int) { return static_cast<uint8_t>(column % 2 ? 0x80 : 0x7f); },
                   [&](int, int) { return start; });
      EXPECT_EQ(product.run(), product.exact()) << name_of(kind) << " from " << start;
    }
  }
}

/** q by -1, 0 and +1 in halves: what the dense fallback does. Sums end at +-(2^24 - 1), or pass it and come back. */
TEST(Exactness, HalvesHoldWholeNumbersUpTo2To24) {
  std::mt19937 random(2);
  for (const MmaKind kind : kHalves) {
    for (const int sign : {1, -1}) {
      Product<float> ends(kind, 1);  // 16 columns of 127 or -128, from so much less that the sum is the largest
      const auto q = [](int row) { return row % 2 ? -128 : 127; };
      ends.fill([&](int row, int) { return half_of(kind, q(row)); },
                [&](int column, int) { return half_of(kind, column % 2 ? sign : 0); },
                [&](int row, int column) {
                  const int sum = q(row) > 0 ? sign * kMost : -sign * kMost;
                  return static_cast<float>(sum - (column % 2 ? 16 * q(row) * sign : 0));
                });
      EXPECT_EQ(ends.run(), ends.exact()) << name_of(kind);
      for (const float sum : ends.exact()) EXPECT_EQ(std::fabs(sum), kMost);
    }
    constexpr int kSteps = 8192;  // 131072 columns: |sum| up to 128 * 131071 in odd columns, small in even ones
    Product<float> tall(kind, kSteps);
    tall.fill([&](int row, int k) { return half_of(kind, k == 0    ? 1
                                                         : row % 2 ? -128
                                                                   : 127); },
              [&](int column, int k) { return half_of(kind, column % 2 || k < kSteps * 8 + 3 ? 1 : -1); },
              [&](int, int) { return 0.0f; });
    EXPECT_EQ(tall.run(), tall.exact()) << name_of(kind);
    Product<float> mixed(kind, 64);
    mixed.fill([&](int, int) { return half_of(kind, static_cast<int>(random() % 256) - 128); },
               [&](int, int) { return half_of(kind, static_cast<int>(random() % 3) - 1); },
               [&](int row, int column) { return static_cast<float>((row + column) % 2 ? 16000000 : -16000000); });
    EXPECT_EQ(mixed.run(), mixed.exact()) << name_of(kind);
  }
}

/** Every finite operand alone, by 1: A16's bound takes it that a product is exact and denormals are kept. */
TEST(Exactness, ALoneProductIsExactAndDenormalsAreKept) {
  for (const MmaKind kind : kHalves) {
    for (uint32_t first = 0; first < 0x10000; first += kMmaRows) {
      Product<float> product(kind, 1);
      product.fill([&](int row, int k) { return k == 0 ? static_cast<uint16_t>(first + row) : uint16_t{0}; },
                   [&](int, int k) { return k == 0 ? half_of(kind, 1) : uint16_t{0}; }, [&](int, int) { return 0.0f; });
      if (!product.finite()) continue;
      ASSERT_EQ(product.run(), product.exact()) << name_of(kind) << " from " << first;
    }
  }
}

/** All codes of e4m3 by 1 and by the smallest, 2^-9: subnormals are kept, and the two NaNs are NaN. */
TEST(Exactness, EveryCodeOfE4m3) {
  if (!device_has(MmaKind::e4m3)) GTEST_SKIP() << "this device has no mma of e4m3";
  for (const uint8_t other : {0x38, 0x01}) {
    for (int first = 0; first < 256; first += kMmaRows) {
      Product<float> product(MmaKind::e4m3, 1);
      product.fill([&](int row, int k) { return static_cast<uint8_t>(k == 0 ? first + row : 0); },
                   [&](int, int k) { return static_cast<uint8_t>(k == 0 ? other : 0); },
                   [&](int, int) { return 0.0f; });
      const std::vector<float> found = product.run(), exact = product.exact();
      for (size_t i = 0; i < found.size(); ++i) {
        const bool same = std::isnan(exact[i]) ? std::isnan(found[i]) : found[i] == exact[i];
        EXPECT_TRUE(same) << "code " << first + static_cast<int>(i) / kMmaColumns << " gives " << found[i];
      }
    }
  }
}

/** The largest n for which 2^n + 1 * 1 is 2^n + 1; fp32 itself has them up to 23. */
int kept_bits(MmaKind kind) {
  for (int n = 1; n < 24; ++n) {
    Product<float> product(kind, 1);
    const auto one = [&](int, int k) { return k == 0 ? product.element_of(1) : product.element_of(0); };
    product.fill(one, one, [&](int, int) { return std::ldexp(1.0f, n); });
    if (product.run()[0] != std::ldexp(1.0f, n) + 1) return n - 1;
  }
  return 23;
}

TEST(Exactness, BitsThatSumsKeep) {
  for (const MmaKind kind : {MmaKind::bf16, MmaKind::f16, MmaKind::e4m3}) {
    if (!device_has(kind)) continue;
    const int bits = kept_bits(kind);
    std::printf("sums of %s keep %d of the 23 bits behind the first\n", name_of(kind), bits);
    RecordProperty(name_of(kind), bits);
    EXPECT_GE(bits, kind == MmaKind::e4m3 ? 13 : 23) << name_of(kind);  // 13: Hopper's, by "DeepSeek-V3", 2024
  }
}

}  // namespace
}  // namespace ternary::test
