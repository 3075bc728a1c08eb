/**
 * @file layout.h
 * @brief Where a code lives in each layout, and conversions between layouts.
 */
#ifndef TERNARY_CORE_LAYOUT_H_
#define TERNARY_CORE_LAYOUT_H_

#include <cstdint>

#include "core/kernel.h"

namespace ternary {

/** Largest sizes: K below 2^24 keeps every int8 sum exact in int32; N and M below 2^31 keep byte counts in int64. */
inline constexpr int64_t kMaxK = (int64_t{1} << 24) - 1;
inline constexpr int64_t kMaxN = (int64_t{1} << 31) - 1;
inline constexpr int64_t kMaxM = (int64_t{1} << 31) - 1;

/** Byte and bit position of a code. */
struct CodePlace {
  int64_t byte;
  int shift;
};

inline CodePlace code_place(ternary_layout layout, int64_t K, int64_t n, int64_t k) {
  if (layout == TERNARY_LAYOUT_I2S) return {n * ceil_div(K, 4) + k / 4, static_cast<int>(2 * (k % 4))};
  const int64_t tile = n / kTile * ceil_div(K, kTile) + k / kTile;
  return {tile * 64 + 4 * (n % kTile) + k % 4, static_cast<int>(2 * (k % kTile / 4))};
}

inline int code_at(const uint8_t* codes, ternary_layout layout, int64_t K, int64_t n, int64_t k) {
  const CodePlace place = code_place(layout, K, n, k);
  return codes[place.byte] >> place.shift & 3;
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

/** Throws at the first code 3 of the [N, K] matrix; padding is not looked at. */
void check_codes(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K);

/** Converts checked codes; writes every byte of the target, padding as code 1 in tiles and in the rows' last byte. */
void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout);

}  // namespace ternary

#endif  // TERNARY_CORE_LAYOUT_H_
