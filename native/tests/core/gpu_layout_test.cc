// Codes in the arrangements of GPU kernels: every position against the formula of cuda_kernel.h, and back.
#include "core/cuda/copies/layout.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "abi/t5.h"
#include "core/weights/i2s.h"
#include "core/weights/layout.h"
#include "support/random.h"

namespace ternary::test {
namespace {

std::vector<uint8_t> random_i2s(Random& random, int64_t rows, int64_t K) {
  std::vector<uint8_t> i2s(rows * ceil_div(K, 4));
  write_i2s(rows, K, i2s.data(), [&](int64_t, int64_t) { return static_cast<int>(random.integer(0, 2)); });
  return i2s;
}

/** The code at (n, k) of a panel, read by the header's formula and nothing else. */
int code_by_formula(CudaLayout layout, const std::vector<uint8_t>& panel, int64_t n, int64_t k) {
  const int64_t columns = cuda_tile_columns(layout), tile = k / columns, inside = k % columns;
  const int64_t d = inside / 32, h = inside % 32 / 16, t = inside % 16 / 4, b = inside % 4, r = n / 8, g = n % 8;
  const int64_t lane = 4 * g + t, word = 2 * h + r;
  const uint8_t byte = panel[tile * 512 + 16 * lane + 4 * word + b];
  return layout == CudaLayout::t5 ? t5_code(byte, d) : byte >> (2 * d) & 3;
}

TEST(GpuLayout, EveryCodeLiesWhereTheFormulaSays) {
  Random random(7);
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    for (const int64_t rows : {1, 7, 8, 15, 16}) {
      for (const int64_t K : {1, 3, 31, 32, 33, 127, 128, 129, 160, 161, 320, 333, 700}) {
        const std::vector<uint8_t> i2s = random_i2s(random, rows, K);
        std::vector<uint8_t> panel(cuda_panel_bytes(layout, rows, K), 0xee), back(i2s.size(), 0xee);
        cuda_panel_from_i2s(layout, i2s.data(), rows, K, panel.data());
        const int64_t padded = round_up(K, cuda_tile_columns(layout));
        ASSERT_EQ(static_cast<int64_t>(panel.size()), padded / cuda_tile_columns(layout) * 512);
        for (int64_t n = 0; n < 16; ++n) {
          for (int64_t k = 0; k < padded; ++k) {
            const int code = n < rows && k < K ? code_at(i2s.data(), TERNARY_LAYOUT_I2S, K, n, k) : 1;
            ASSERT_EQ(code_by_formula(layout, panel, n, k), code)
                << kCudaLayoutNames[static_cast<int>(layout)] << " " << n << "," << k << " of " << rows << " x " << K;
          }
        }
        i2s_from_cuda_panel(layout, panel.data(), rows, K, back.data());
        ASSERT_EQ(back, i2s);
      }
    }
  }
}

TEST(GpuLayout, ATileByHand) {
  // Weight (row 9, column 55) is +1, all others 0. Row 9 is r = 1, g = 1; column 55 = 32 + 16 + 4 + 3 is d = 1, h = 1,
  // t = 1, b = 3: lane 5, word 3, byte 3, that is byte 16 * 5 + 4 * 3 + 3 = 95, bits 2 and 3: codes 1 1 2 1 from the
  // lowest = 0x59.
  std::vector<uint8_t> i2s(16 * 16, kZeroWeights), panel(512), expected(512, 0x55);
  i2s[9 * 16 + 13] = 0x95;  // columns 52 ... 55: 1 1 1 2
  cuda_panel_from_i2s(CudaLayout::i2s, i2s.data(), 16, 64, panel.data());
  expected[95] = 0x59;
  EXPECT_EQ(panel, expected);
  // T5: digits 1 2 1 1 1 are 81 + 54 + 9 + 3 + 1 = 148, ceil(148 * 256 / 243) = 156; zeros are 121, 128.
  std::fill(expected.begin(), expected.end(), uint8_t{128});
  expected[95] = 156;
  cuda_panel_from_i2s(CudaLayout::t5, i2s.data(), 16, 64, panel.data());
  EXPECT_EQ(panel, expected);
}

TEST(GpuLayout, DenseIsRowMajorBf16WithZeros) {
  Random random(8);
  for (const int64_t rows : {1, 16}) {
    for (const int64_t K : {1, 63, 64, 65, 130}) {
      const std::vector<uint8_t> i2s = random_i2s(random, rows, K);
      const int64_t ld = round_up(K, 64);
      std::vector<uint16_t> dense(rows * ld, 0xeeee);
      ASSERT_EQ(cuda_panel_bytes(CudaLayout::dense, rows, K), rows * ld * 2);
      cuda_panel_from_i2s(CudaLayout::dense, i2s.data(), rows, K, reinterpret_cast<uint8_t*>(dense.data()));
      const uint16_t values[3] = {0xbf80, 0, 0x3f80};
      for (int64_t n = 0; n < rows; ++n) {
        for (int64_t k = 0; k < ld; ++k) {
          const int code = k < K ? code_at(i2s.data(), TERNARY_LAYOUT_I2S, K, n, k) : 1;
          ASSERT_EQ(dense[n * ld + k], values[code]) << n << "," << k;
        }
      }
      std::vector<uint8_t> back(i2s.size(), 0xee);
      i2s_from_cuda_panel(CudaLayout::dense, reinterpret_cast<const uint8_t*>(dense.data()), rows, K, back.data());
      ASSERT_EQ(back, i2s);
    }
  }
}

TEST(GpuLayout, Top2IsRowMajorPairsOfFloatsHighestBits) {
  Random random(9);
  for (const int64_t rows : {1, 16}) {
    for (const int64_t K : {1, 63, 64, 65, 128, 130}) {
      const std::vector<uint8_t> i2s = random_i2s(random, rows, K);
      const int64_t columns = round_up(K, 128);
      std::vector<uint8_t> top2(rows * columns / 4, 0xee);
      ASSERT_EQ(cuda_panel_bytes(CudaLayout::top2, rows, K), rows * columns / 4);
      cuda_panel_from_i2s(CudaLayout::top2, i2s.data(), rows, K, top2.data());
      const uint16_t values[3] = {0xc000, 0, 0x4000};  // -2, 0, +2, as bf16 and as f16
      for (int64_t n = 0; n < rows; ++n) {
        for (int64_t k = 0; k < columns; ++k) {
          const int code = k < K ? code_at(i2s.data(), TERNARY_LAYOUT_I2S, K, n, k) : 1;
          uint32_t word;
          std::memcpy(&word, &top2[(n * columns + k) / 16 * 4], sizeof word);
          const uint32_t pair = word << (k % 16 / 2 * 2) & 0xc000c000u;  // as the kernel takes it
          ASSERT_EQ(static_cast<uint16_t>(k % 2 == 0 ? pair : pair >> 16), values[code]) << n << "," << k;
        }
      }
      std::vector<uint8_t> back(i2s.size(), 0xee);
      i2s_from_cuda_panel(CudaLayout::top2, top2.data(), rows, K, back.data());
      ASSERT_EQ(back, i2s);
    }
  }
}

TEST(GpuLayout, PositionsOfQAreAPermutationOfEachLine) {
  for (int64_t line = 0; line < 3; ++line) {
    std::vector<int> seen(64, 0);
    for (int64_t k = 64 * line; k < 64 * (line + 1); ++k) {
      const int64_t position = cuda_q_position(k) - 64 * line;
      ASSERT_GE(position, 0);
      ASSERT_LT(position, 64);
      ++seen[position];
    }
    EXPECT_EQ(seen, std::vector<int>(64, 1));
  }
  EXPECT_EQ(cuda_q_position(64 + 32 + 16 + 4 * 2 + 3), 64 + 16 * 2 + 8 + 4 + 3);
}

}  // namespace
}  // namespace ternary::test
