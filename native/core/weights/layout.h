/**
 * @file layout.h
 * @brief Where a code lives in each layout, and conversions between layouts.
 */
#ifndef TERNARY_CORE_WEIGHTS_LAYOUT_H_
#define TERNARY_CORE_WEIGHTS_LAYOUT_H_

#include <cstdint>

#include "abi/kernel.h"
#include "core/weights/t5.h"

namespace ternary {

/** Largest sizes: K below 2^24 keeps every int8 sum exact in int32; N and M below 2^31 keep byte counts in int64. */
inline constexpr int64_t kMaxK = (int64_t{1} << 24) - 1;
inline constexpr int64_t kMaxN = (int64_t{1} << 31) - 1;
inline constexpr int64_t kMaxM = (int64_t{1} << 31) - 1;

/** Names of layouts, by value. */
inline constexpr int kLayoutCount = 3;
inline constexpr const char* kLayoutNames[kLayoutCount] = {"i2s", "i2s_tiled", "t5_tiled"};

/** The code of weight (n, k), which may lie in the padding of a tile. */
inline int code_at(const uint8_t* codes, ternary_layout layout, int64_t K, int64_t n, int64_t k) {
  if (layout == TERNARY_LAYOUT_I2S) return codes[n * ceil_div(K, 4) + k / 4] >> (2 * (k % 4)) & 3;
  const int64_t columns = tile_columns(layout), tile = n / kTile * ceil_div(K, columns) + k / columns;
  const uint8_t byte = codes[tile * 64 + 4 * (n % kTile) + k % 4];
  const int64_t step = k % columns / 4;
  return layout == TERNARY_LAYOUT_T5_TILED ? t5_code(byte, step) : byte >> (2 * step) & 3;
}

/** Writes I2S of what `code(n, k)` gives, columns beyond K as code 1. */
template <typename Code>
void write_i2s(int64_t N, int64_t K, uint8_t* i2s, Code code) {
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; k += 4) {
      int byte = 0;
      for (int64_t j = 0; j < 4; ++j) byte |= (k + j < K ? code(n, k + j) : 1) << (2 * j);
      *i2s++ = static_cast<uint8_t>(byte);
    }
  }
}

/** Throws unless 1 <= N <= kMaxN and 1 <= K <= kMaxK. */
void check_shape(int64_t N, int64_t K);
void check_layout(ternary_layout layout);

int64_t layout_bytes(ternary_layout layout, int64_t N, int64_t K);

/** Throws at the first code 3, or invalid byte of T5, of the [N, K] matrix; padding is not looked at. */
void check_codes(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K);

/** Converts checked codes; writes every byte of the target, padding as code 1 in tiles and in the rows' last byte. */
void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_LAYOUT_H_
