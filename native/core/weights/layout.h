/**
 * @file layout.h
 * @brief Codes of every layout: reading, checking, and conversion from one to another.
 */
#ifndef TERNARY_CORE_WEIGHTS_LAYOUT_H_
#define TERNARY_CORE_WEIGHTS_LAYOUT_H_

#include <cstdint>

#include "abi/layout.h"

namespace ternary {

/** Largest sizes: K below 2^24 keeps every int8 sum exact in int32; N and M below 2^31 keep byte counts in int64. */
inline constexpr int64_t kMaxK = (int64_t{1} << 24) - 1;
inline constexpr int64_t kMaxN = (int64_t{1} << 31) - 1;
inline constexpr int64_t kMaxM = (int64_t{1} << 31) - 1;

/** How a layout's codes are written and checked. Its tiles are in its row of layouts.inc; a panel is a row of tiles. */
struct LayoutCodec {
  /** Writes a panel from up to its rows of I2S: every byte, code 1 beyond the rows and K. */
  void (*pack)(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel);
  /** Writes I2S, code 1 beyond K, of rows first ... first + rows - 1 of a checked panel. */
  void (*unpack)(const uint8_t* panel, int64_t first, int64_t rows, int64_t K, uint8_t* i2s);
  /** Throws at the first code of the [N, K] matrix that is none; padding is not looked at. */
  void (*check)(const uint8_t* codes, int64_t N, int64_t K);
};

// Of each row of layouts.inc, in <name>.cc: i2s_codec and i2s_code(), the code of row n and column k of a tile.
#define LAYOUT(value, name, words, encoding, rows, columns, bytes) \
  extern const LayoutCodec name##_codec;                           \
  int name##_code(const uint8_t* tile, int64_t n, int64_t k);
#include "abi/layouts.inc"
#undef LAYOUT

/** The codec of a layout, which must be one of the enum's. */
inline const LayoutCodec& codec(ternary_layout layout) {
  static constexpr const LayoutCodec* kCodecs[] = {
#define LAYOUT(value, name, words, encoding, rows, columns, bytes) &name##_codec,
#include "abi/layouts.inc"
#undef LAYOUT
  };
  return *kCodecs[layout];
}

/** The code of weight (n, k), which may lie in the padding of a tile. It divides by constants, since the oracle asks for
 *  each weight: by values of the table that takes several times as long. */
inline int code_at(const uint8_t* codes, ternary_layout layout, int64_t K, int64_t n, int64_t k) {
  switch (layout) {
#define LAYOUT(value, name, words, encoding, rows, columns, bytes)                                        \
  case TERNARY_LAYOUT_##value:                                                                            \
    return name##_code(codes + (n / (rows) * ceil_div(K, columns) + k / (columns)) * (bytes), n % (rows), \
                       k % (columns));
#include "abi/layouts.inc"
#undef LAYOUT
  }
  return 0;
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
/** Throws unless it is one of the enum. */
void check_layout(ternary_layout layout);

/** Throws at the first code 3 of rows `first` ... N - 1, for layouts that can hold one. Returns if there is none but in
 *  padding. */
void fail_at_code_3(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K, int64_t first);

/** Writes I2S, code 1 beyond K, of rows first ... first + rows - 1 of checked codes. */
void unpack_rows(const uint8_t* codes, ternary_layout layout, int64_t first, int64_t rows, int64_t K, uint8_t* i2s);

/** Converts checked codes; writes every byte of the target, padding as code 1 in tiles and in the rows' last byte. */
void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_LAYOUT_H_
