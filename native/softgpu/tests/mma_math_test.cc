// What mma.sync computes: integers against a triple loop, floats against the sum of a tensor core, step by step.
#include "softgpu/opcodes/mma_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "softgpu/exec/float_formats.h"
#include "softgpu/tests/mma_tables.h"

namespace ternary::softgpu {
namespace {

// Whole matrices of random bytes, every signedness, against a triple loop.
TEST(MmaInteger, RandomBytesOfEverySignedness) {
  std::mt19937 random(1);
  for (const Table& table : kTables) {
    if (!table.bytes) continue;
    for (int signs = 0; signs < 4; ++signs) {
      const MmaType a_type = signs & 1 ? MmaType::s8 : MmaType::u8, b_type = signs & 2 ? MmaType::s8 : MmaType::u8;
      Fragments f;
      int a[16][32], b[32][8];
      uint32_t c[16][8];
      const auto value = [&](MmaType type, uint32_t bits) {
        return type == MmaType::s8 && bits > 127 ? static_cast<int>(bits) - 256 : static_cast<int>(bits);
      };
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table.a_elements; ++i) {
          const Place at = table.a(lane / 4, lane % 4, i);
          const uint32_t bits = i % 5 == 0 ? 0x80 : random() & 0xff;
          Fragments::set(f.a, lane, i, true, bits);
          a[at.row][at.column] = value(a_type, bits);
        }
        for (int i = 0; i < table.b_elements; ++i) {
          const Place at = table.b(lane / 4, lane % 4, i);
          const uint32_t bits = i % 3 == 0 ? 0xff : random() & 0xff;
          Fragments::set(f.b, lane, i, true, bits);
          b[at.row][at.column] = value(b_type, bits);
        }
        for (int i = 0; i < table.c_elements; ++i) {
          const Place at = table.c(lane / 4, lane % 4, i);
          c[at.row][at.column] = f.c[i][lane] = random();
        }
      }
      mma_s32(table.shape, a_type, b_type, false, f.a_words, f.b_words, f.c_words, f.d_words);
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table.c_elements; ++i) {
          const Place at = table.c(lane / 4, lane % 4, i);
          uint32_t sum = c[at.row][at.column];
          for (int k = 0; k < table.shape.depth; ++k) sum += static_cast<uint32_t>(a[at.row][k] * b[k][at.column]);
          ASSERT_EQ(f.d[i][lane], sum) << table.name << " signs " << signs << " at " << at.row << ' ' << at.column;
        }
      }
    }
  }
}

TEST(MmaInteger, WrapsOrSaturates) {
  const MmaShape shape{16, 8, 32};
  for (const bool up : {true, false}) {
    Fragments f;
    for (int lane = 0; lane < 32; ++lane) {
      for (int r = 0; r < 4; ++r) f.a[r][lane] = up ? 0x01010101u : 0xffffffffu;
      for (int r = 0; r < 4; ++r) f.c[r][lane] = up ? 0x7fffffffu : 0x80000000u;
      for (int r = 0; r < 2; ++r) f.b[r][lane] = 0x01010101u;
    }
    mma_s32(shape, MmaType::s8, MmaType::s8, false, f.a_words, f.b_words, f.c_words, f.d_words);
    EXPECT_EQ(f.d[2][17], up ? 0x7fffffffu + 32 : 0x80000000u - 32);
    mma_s32(shape, MmaType::s8, MmaType::s8, true, f.a_words, f.b_words, f.c_words, f.d_words);
    EXPECT_EQ(f.d[2][17], up ? 0x7fffffffu : 0x80000000u);
  }
}

// A step into saturation and back out of it is not saturation: the sum is exact before it is clamped.
TEST(MmaInteger, SaturatesTheSumOnly) {
  Fragments f;
  for (int lane = 0; lane < 32; ++lane) {
    for (int r = 0; r < 4; ++r) f.a[r][lane] = 0xff01ff01u, f.c[r][lane] = 0x7fffffffu;
    for (int r = 0; r < 2; ++r) f.b[r][lane] = 0x01010101u;
  }
  mma_s32({16, 8, 32}, MmaType::s8, MmaType::s8, true, f.a_words, f.b_words, f.c_words, f.d_words);
  EXPECT_EQ(f.d[0][0], 0x7fffffffu);
}

// The dense fallback: int8-valued bf16 times -1, 0, +1 is exact while sums stay below 2^24.
TEST(MmaFloat, IntegersAreExact) {
  std::mt19937 random(2);
  for (const MmaType type : {MmaType::bf16, MmaType::f16}) {
    for (int trial = 0; trial < 200; ++trial) {
      float a[kTensorBlock], b[kTensorBlock];
      int exact = static_cast<int>(random() % 33554431) - 16777215;
      float c = static_cast<float>(exact);
      const int room = 16777216 - std::abs(exact);
      for (int k = 0; k < kTensorBlock; ++k) {
        const int q = static_cast<int>(random() % 255) - 127, w = static_cast<int>(random() % 3) - 1;
        const bool fits = room > 127 * kTensorBlock;
        a[k] = static_cast<float>(q), b[k] = fits ? static_cast<float>(w) : 0.0f;
        exact += fits ? q * w : 0;
      }
      ASSERT_EQ(tensor_sum(c, a, b), static_cast<float>(exact));
    }
    Fragments f;  // and through the fragments: 127 * 1 in 16 places
    for (int lane = 0; lane < 32; ++lane) {
      for (int r = 0; r < 4; ++r) f.a[r][lane] = type == MmaType::bf16 ? 0x42fe42feu : 0x57f057f0u;
      for (int r = 0; r < 2; ++r) f.b[r][lane] = type == MmaType::bf16 ? 0xbf80bf80u : 0xbc00bc00u;
      for (int r = 0; r < 4; ++r) f.c[r][lane] = bits_of(16777215.0f);
    }
    mma_f32({16, 8, 16}, type, f.a_words, f.b_words, f.c_words, f.d_words);
    EXPECT_EQ(float_of(f.d[3][31]), 16777215.0f - 127 * 16);
  }
}

TEST(MmaFloat, CutsOffBelowTheLargestAddend) {
  float a[kTensorBlock] = {}, b[kTensorBlock] = {};
  const auto sum = [&](float c, float p0, float p1) {
    a[0] = p0, a[1] = p1, b[0] = b[1] = 1.0f;
    return tensor_sum(c, a, b);
  };
  const float ulp = std::ldexp(1.0f, -23);
  EXPECT_EQ(sum(1.0f, ulp, 0), 1.0f + ulp);
  EXPECT_EQ(sum(1.0f, ulp / 2, ulp / 2), 1.0f + ulp);  // the one bit kept below
  EXPECT_EQ(sum(1.0f, ulp / 4, ulp / 4), 1.0f);        // cut off one by one
  EXPECT_EQ(sum(1.0f, ulp * 0.75f, 0), 1.0f);          // towards zero: nearest would be 1 + ulp
  EXPECT_EQ(sum(-1.0f, -ulp * 0.75f, 0), -1.0f);
  EXPECT_EQ(sum(16777216.0f, 3.0f, -16777216.0f), 3.0f);
  EXPECT_EQ(sum(0.0f, std::ldexp(1.0f, -149), 0), std::ldexp(1.0f, -149));  // denormals are kept
}

// The vectors of mma_f32() against tensor_sum(), element by element, over all kinds of magnitudes.
TEST(MmaFloat, EveryMagnitude) {
  std::mt19937 random(3);
  const Table& table = kTables[3];
  for (const MmaType type : {MmaType::bf16, MmaType::f16}) {
    for (int trial = 0; trial < 400; ++trial) {
      Fragments f;
      float a[16][16], b[8][16], c[16][8];
      // Narrow ranges of exponents round often, wide ones cut off much; at the ends are denormals, Inf and NaN.
      const uint32_t exponents = type == MmaType::f16 ? 32 : 256, exponent_shift = type == MmaType::f16 ? 10 : 7;
      const uint32_t spread = 1u << random() % (type == MmaType::f16 ? 6 : 9), base = random() % exponents;
      const auto half = [&] {
        const uint32_t exponent = (base + random() % spread) % exponents;
        const uint32_t mantissa = random() & ((1u << exponent_shift) - 1);
        return random() % 11 == 0 ? 0 : (random() & 0x8000) | exponent << exponent_shift | mantissa;
      };
      const auto value = [&](uint32_t bits) {
        const uint16_t narrow = static_cast<uint16_t>(bits);
        return type == MmaType::f16 ? from_f16(narrow) : from_bf16(narrow);
      };
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table.a_elements; ++i) {
          const uint32_t bits = half();
          const Place at = table.a(lane / 4, lane % 4, i);
          Fragments::set(f.a, lane, i, false, bits);
          a[at.row][at.column] = value(bits);
        }
        for (int i = 0; i < table.b_elements; ++i) {
          const uint32_t bits = half();
          const Place at = table.b(lane / 4, lane % 4, i);
          Fragments::set(f.b, lane, i, false, bits);
          b[at.column][at.row] = value(bits);
        }
        for (int i = 0; i < table.c_elements; ++i) {
          const Place at = table.c(lane / 4, lane % 4, i);
          c[at.row][at.column] = value(half()) * value(half());
          f.c[i][lane] = bits_of(c[at.row][at.column]);
        }
      }
      mma_f32(table.shape, type, f.a_words, f.b_words, f.c_words, f.d_words);
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < table.c_elements; ++i) {
          const Place at = table.c(lane / 4, lane % 4, i);
          const float half_way = tensor_sum(c[at.row][at.column], a[at.row], b[at.column]);
          const float expected = tensor_sum(half_way, a[at.row] + 8, b[at.column] + 8);
          ASSERT_EQ(f.d[i][lane], bits_of(expected)) << "trial " << trial << " at " << at.row << ' ' << at.column;
        }
      }
    }
  }
}

// Each code of e4m3 times 1, in its own place: subnormals are kept. Sums keep fewer bits than those of halves.
TEST(MmaFloat, BytesOfE4m3) {
  for (uint32_t code = 0; code < 256; ++code) {
    Fragments f;
    for (int lane = 0; lane < 32; ++lane) f.b[0][lane] = lane % 4 == 0 ? 0x38u : 0;  // 1 in every column of k 0
    f.a[0][0] = code;
    mma_f32({16, 8, 32}, MmaType::e4m3, f.a_words, f.b_words, f.c_words, f.d_words);
    const double worth = decode(code, kE4m3);
    if (std::isnan(worth)) {
      EXPECT_EQ(f.d[0][0], 0x7fffffffu) << code;
    } else {
      EXPECT_EQ(float_of(f.d[0][0]), static_cast<float>(worth)) << code;
    }
  }
  const float one[kTensorBlock] = {1.0f};
  EXPECT_EQ(tensor_sum(8192.0f, one, one, kKeptBitsOfE4m3), 8193.0f);
  EXPECT_EQ(tensor_sum(16384.0f, one, one, kKeptBitsOfE4m3), 16384.0f);
}

TEST(MmaFloat, NotFinite) {
  const float inf = std::numeric_limits<float>::infinity();
  float a[kTensorBlock] = {inf}, b[kTensorBlock] = {2.0f};
  EXPECT_EQ(tensor_sum(1.0f, a, b), inf);
  EXPECT_EQ(bits_of(tensor_sum(-inf, a, b)), 0x7fffffffu);
  b[0] = 0.0f;
  EXPECT_EQ(bits_of(tensor_sum(1.0f, a, b)), 0x7fffffffu);
  const float large = float_of(0x7f7f0000);  // the largest bf16
  float big[kTensorBlock] = {large}, two[kTensorBlock] = {2.0f};
  EXPECT_EQ(tensor_sum(0.0f, big, two), inf);
}

TEST(MmaFloat, HalfAccumulatorRoundsToNearestOnce) {
  Fragments f;
  for (int lane = 0; lane < 32; ++lane) f.c[0][lane] = f.c[1][lane] = 0x3c003c00u;   // 1
  f.a[0][0] = 0x1400;                                                                // 2^-10, row 0, k 0
  for (int lane = 0; lane < 32; ++lane) f.b[0][lane] = lane % 4 == 0 ? 0x3a00u : 0;  // 0.75 in every column of k 0
  mma_f16({16, 8, 16}, f.a_words, f.b_words, f.c_words, f.d_words);
  EXPECT_EQ(f.d[0][0], 0x3c013c01u);  // 1 + 0.75 ulp rounds up
  EXPECT_EQ(f.d[1][0], 0x3c003c00u);
  EXPECT_EQ(f.d[0][4], 0x3c003c00u);
}

}  // namespace
}  // namespace ternary::softgpu
