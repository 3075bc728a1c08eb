/**
 * @file decoded_dot.h
 * @brief Portable sums: a chunk of weights is decoded to one number each, then used by every row of X.
 */
#ifndef TERNARY_CPU_PORTABLE_DECODED_DOT_H_
#define TERNARY_CPU_PORTABLE_DECODED_DOT_H_

#include "cpu/frame/lanes_portable.h"

#include "abi/t3.h"
#include "abi/t5.h"
#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

constexpr int64_t kChunk = 256;  ///< columns of K decoded at a time: 4 KiB of int8, 16 KiB of float

/** Codes of 16 rows by 16 columns from (n, k), as code[row][column]; rows and columns beyond N and K give 1. */
struct TiledCodes {
  static void read(const GemmTask& t, int64_t n, int64_t k, uint8_t (&code)[16][16]) {
    const uint8_t* tile = tiles_at(t, n, k);
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 16; ++column) {
        code[row][column] = tile[4 * row + column % 4] >> (2 * (column / 4)) & 3;
      }
    }
  }
};

struct RowCodes {
  static void read(const GemmTask& t, int64_t n, int64_t k, uint8_t (&code)[16][16]) {
    const int64_t row_bytes = ceil_div(t.K, 4);
    const int64_t rows = t.N - n < 16 ? t.N - n : 16;
    const int64_t columns = t.K - k < 16 ? t.K - k : 16;
    std::memset(code, 1, sizeof code);
    for (int64_t row = 0; row < rows; ++row) {
      const uint8_t* bytes = t.w + (n + row) * row_bytes + k / 4;
      for (int64_t column = 0; column < columns; ++column) {
        code[row][column] = bytes[column / 4] >> (2 * (column % 4)) & 3;
      }
    }
  }
};

struct T5Codes {
  static void read(const GemmTask& t, int64_t n, int64_t k, uint8_t (&code)[16][16]) {
    const uint8_t* tiles = tiles_at<T5Tile>(t, n, 0);
    const int64_t columns = t.K - k < 16 ? t.K - k : 16;  // 16 columns may reach beyond the last tile
    std::memset(code, 1, sizeof code);
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t tile = (k + column) / T5Tile::kColumns, place = (k + column) % T5Tile::kColumns;
      for (int row = 0; row < 16; ++row) {
        code[row][column] = static_cast<uint8_t>(t5_code(tiles[64 * tile + 4 * row + place % 4], place / 4));
      }
    }
  }
};

struct T3Codes {
  static void read(const GemmTask& t, int64_t n, int64_t k, uint8_t (&code)[16][16]) {
    const uint8_t* tiles = tiles_at<T3Tile>(t, n, 0);
    const int64_t columns = t.K - k < 16 ? t.K - k : 16;
    std::memset(code, 1, sizeof code);
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t place = (k + column) % T3Tile::kColumns;
      const uint8_t* tile = tiles + (k + column) / T3Tile::kColumns * T3Tile::kBytes;
      for (int row = 0; row < 16; ++row) {
        code[row][column] = static_cast<uint8_t>(t3_triple(tile, row, place / 3).code(place % 3));
      }
    }
  }
};

template <class Codes>
struct PortableA8 {
  using Sum = int32_t;
  static constexpr int64_t kRows = 64, kColumns = 16;
  static constexpr int64_t kDecodedBytes = kColumns * kChunk;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto* codes = static_cast<int8_t*>(decoded);  // [16][kChunk]
    for (int64_t k = k_begin; k < k_end; k += kChunk) {
      const int64_t length = round_up(k_end - k < kChunk ? k_end - k : kChunk, 16);
      decode(patch, k, length, codes);
      for (int64_t i = 0; i < patch.rows; ++i) {
        const int8_t* q = patch.task.q + (patch.m + i) * patch.task.ldq + k;
        for (int64_t n = 0; n < 16; ++n) add_wrapping(sums[i * kColumns + n], dot(q, codes + n * kChunk, length));
      }
    }
  }

 private:
  static void decode(const Patch& patch, int64_t k, int64_t length, int8_t* codes) {
    for (int64_t j = 0; j < length; j += 16) {
      uint8_t code[16][16];
      Codes::read(patch.task, patch.n, k + j, code);
      for (int64_t n = 0; n < 16; ++n) std::memcpy(codes + n * kChunk + j, code[n], 16);
    }
  }

  /** Sums of q * code may pass 2^31 where sums of q * w do not; taking off the sum of q comes back modulo 2^32. */
  static void add_wrapping(int32_t& sum, int32_t value) {
    sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(value));
  }

  static int32_t dot(const int8_t* q, const int8_t* code, int64_t length) {
    int32_t sum = 0;
    for (int64_t j = 0; j < length; ++j) sum += q[j] * code[j];
    return sum;
  }
};

template <class Codes>
struct PortableA16 {
  using Sum = float;
  static constexpr int64_t kRows = 64, kColumns = 16;
  static constexpr int64_t kDecodedBytes = kColumns * kChunk * 4;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, float* sums, void* decoded) {
    auto* weights = static_cast<float*>(decoded);  // [kChunk][16]
    for (int64_t k = k_begin; k < k_end; k += kChunk) {
      const int64_t length = round_up(k_end - k < kChunk ? k_end - k : kChunk, 16);
      decode(patch, k, length, weights);
      for (int64_t i = 0; i < patch.rows; ++i) {
        const float* f = patch.task.f + (patch.m + i) * patch.task.ldf + k;
        float* sum = sums + i * kColumns;
        for (int64_t j = 0; j < length; ++j) {
          for (int64_t n = 0; n < 16; ++n) sum[n] += f[j] * weights[16 * j + n];
        }
      }
    }
  }

 private:
  static void decode(const Patch& patch, int64_t k, int64_t length, float* weights) {
    for (int64_t j = 0; j < length; j += 16) {
      uint8_t code[16][16];
      Codes::read(patch.task, patch.n, k + j, code);
      for (int64_t column = 0; column < 16; ++column) {
        for (int64_t n = 0; n < 16; ++n) weights[16 * (j + column) + n] = static_cast<float>(code[n][column] - 1);
      }
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_PORTABLE_DECODED_DOT_H_
