#include "core/cuda/copies/layout.h"

#include <cstring>

#include "abi/t5.h"
#include "core/weights/i2s.h"

namespace ternary {
namespace {

constexpr int kLanes = 32, kWords = 4;
/** bf16 of -1, 0 and +1 by code. */
constexpr uint16_t kDenseOfCode[4] = {0xbf80, 0x0000, 0x3f80, 0x0000};

constexpr int64_t steps_of(CudaLayout layout) { return cuda_tile_columns(layout) / 32; }

/** Row within its panel, and column within its step, of word i of a lane, byte 0: the formula of cuda_kernel.h. */
constexpr int64_t word_row(int lane, int i) { return 8 * (i & 1) + lane / 4; }
constexpr int64_t word_column(int lane, int i) { return 16 * (i >> 1) + 4 * (lane % 4); }

/** Calls visit(word of the panel, row, column of its first step). A word's four bytes are four neighbouring columns, so in
 *  each step its codes are one byte of I2S. */
template <typename Visit>
void for_each_word(CudaLayout layout, int64_t K, Visit visit) {
  const int64_t columns = cuda_tile_columns(layout), tiles = ceil_div(K, columns);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int i = 0; i < kWords; ++i) {
        visit((tile * kLanes + lane) * kWords + i, word_row(lane, i), tile * columns + word_column(lane, i));
      }
    }
  }
}

/** Four T5 bytes of the codes of five steps, a byte each in every word. */
uint32_t t5_word(const uint32_t* steps) {
  uint32_t v = 0;  // at most 242 in a byte
  for (int d = 0; d < 5; ++d) v = 3 * v + steps[d];
  uint32_t word = 0;
  for (int b = 0; b < 4; ++b) word |= static_cast<uint32_t>(t5_byte(static_cast<int>(v >> (8 * b) & 0xff))) << (8 * b);
  return word;
}

uint32_t t5_step(uint32_t word, int64_t d) {
  uint32_t codes = 0;
  for (int b = 0; b < 4; ++b)
    codes |= static_cast<uint32_t>(t5_code(static_cast<uint8_t>(word >> (8 * b)), d)) << (8 * b);
  return codes;
}

void tiles_from_i2s(CudaLayout layout, const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  for_each_word(layout, K, [&](int64_t index, int64_t row, int64_t column) {
    uint32_t steps[5] = {};
    uint32_t word = 0;
    for (int64_t d = 0; d < steps_of(layout); ++d) {
      steps[d] = spread(byte(row, (column + 32 * d) / 4));
      word |= steps[d] << (2 * d);
    }
    if (layout == CudaLayout::t5) word = t5_word(steps);
    std::memcpy(panel + 4 * index, &word, sizeof word);
  });
}

void i2s_from_tiles(CudaLayout layout, const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  for_each_word(layout, K, [&](int64_t index, int64_t row, int64_t column) {
    uint32_t word;
    std::memcpy(&word, panel + 4 * index, sizeof word);
    for (int64_t d = 0; d < steps_of(layout); ++d) {
      const int64_t b = (column + 32 * d) / 4;
      if (row >= rows || b >= row_bytes) continue;
      const uint8_t byte = gather(layout == CudaLayout::t5 ? t5_step(word, d) : word >> (2 * d) & 0x03030303u);
      i2s[row * row_bytes + b] = b == row_bytes - 1 ? pad_last(byte, K) : byte;
    }
  });
}

/** By code: the bits of -2, 0 and +2. */
constexpr uint32_t kTop2OfCode[4] = {3, 0, 1, 0};
/** By those bits. */
constexpr uint8_t kCodeOfTop2[4] = {1, 2, 1, 0};

/** Where the bits of column k of 16 lie in a word. */
constexpr int top2_shift(int64_t k) { return static_cast<int>(k % 2 == 0 ? 14 - k : 31 - k); }

void top2_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  const int64_t words = cuda_row_bytes(CudaLayout::top2, K) / 4;
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t i = 0; i < words; ++i) {
      uint32_t word = 0;
      for (int64_t k = 0; k < 16; ++k) {
        word |= kTop2OfCode[byte(n, 4 * i + k / 4) >> k % 4 * 2 & 3] << top2_shift(k);
      }
      std::memcpy(panel + 4 * (n * words + i), &word, sizeof word);
    }
  }
}

void i2s_from_top2(const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4), ld = cuda_row_bytes(CudaLayout::top2, K);
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t b = 0; b < row_bytes; ++b) {
      uint32_t word;
      std::memcpy(&word, panel + n * ld + b / 4 * 4, sizeof word);
      uint8_t byte = 0;
      for (int64_t k = b % 4 * 4; k < b % 4 * 4 + 4; ++k) {
        byte = static_cast<uint8_t>(byte | kCodeOfTop2[word >> top2_shift(k) & 3] << k % 4 * 2);
      }
      i2s[n * row_bytes + b] = b == row_bytes - 1 ? pad_last(byte, K) : byte;
    }
  }
}

void dense_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const int64_t row_bytes = ceil_div(K, 4), ld = round_up(K, 64);
  std::memset(panel, 0, static_cast<size_t>(rows * ld * 2));
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      const uint16_t value = kDenseOfCode[i2s[n * row_bytes + k / 4] >> (2 * (k % 4)) & 3];
      std::memcpy(panel + 2 * (n * ld + k), &value, sizeof value);
    }
  }
}

void i2s_from_dense(const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4), ld = round_up(K, 64);
  std::memset(i2s, kZeroWeights, static_cast<size_t>(rows * row_bytes));
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      uint16_t value;
      std::memcpy(&value, panel + 2 * (n * ld + k), sizeof value);
      const int code = value == kDenseOfCode[0]   ? 0
                       : value == kDenseOfCode[2] ? 2
                                                  : 1,
                shift = static_cast<int>(2 * (k % 4));
      uint8_t& byte = i2s[n * row_bytes + k / 4];
      byte = static_cast<uint8_t>((byte & ~(3 << shift)) | code << shift);
    }
  }
}

}  // namespace

void cuda_panel_from_i2s(CudaLayout layout, const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  if (layout == CudaLayout::dense) return dense_from_i2s(i2s, rows, K, panel);
  if (layout == CudaLayout::top2) return top2_from_i2s(i2s, rows, K, panel);
  tiles_from_i2s(layout, i2s, rows, K, panel);
}

void i2s_from_cuda_panel(CudaLayout layout, const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  if (layout == CudaLayout::dense) return i2s_from_dense(panel, rows, K, i2s);
  if (layout == CudaLayout::top2) return i2s_from_top2(panel, rows, K, i2s);
  i2s_from_tiles(layout, panel, rows, K, i2s);
}

}  // namespace ternary
