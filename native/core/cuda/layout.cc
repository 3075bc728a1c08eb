#include "core/cuda/layout.h"

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

/** Bytes of four codes c to those of four numbers c - 1: -1 is 11, 0 is 00, +1 is 01. Code 3 is none that passes checks. */
uint8_t int2b_byte(uint8_t codes) {
  const uint32_t low = ~codes & 0x55u, high = ~(codes | codes >> 1) & 0x55u;
  return static_cast<uint8_t>(low | high << 1);
}

uint8_t codes_of_int2b(uint8_t byte) {
  const uint32_t low = byte & 0x55u, high = byte >> 1 & 0x55u;
  return static_cast<uint8_t>((~low & 0x55u) | (low & ~high) << 1);
}

void int2b_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  const int64_t row_bytes = cuda_row_bytes(CudaLayout::int2b, K);
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t b = 0; b < row_bytes; ++b) panel[n * row_bytes + b] = int2b_byte(byte(n, b));
  }
}

void i2s_from_int2b(const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4), ld = cuda_row_bytes(CudaLayout::int2b, K);
  for (int64_t n = 0; n < rows; ++n) {
    for (int64_t b = 0; b < row_bytes; ++b) {
      const uint8_t byte = codes_of_int2b(panel[n * ld + b]);
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
  if (layout == CudaLayout::int2b) return int2b_from_i2s(i2s, rows, K, panel);
  tiles_from_i2s(layout, i2s, rows, K, panel);
}

void i2s_from_cuda_panel(CudaLayout layout, const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s) {
  if (layout == CudaLayout::dense) return i2s_from_dense(panel, rows, K, i2s);
  if (layout == CudaLayout::int2b) return i2s_from_int2b(panel, rows, K, i2s);
  i2s_from_tiles(layout, panel, rows, K, i2s);
}

}  // namespace ternary
