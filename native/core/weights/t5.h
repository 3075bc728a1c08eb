/**
 * @file t5.h
 * @brief T5, five codes a byte: the digits of a byte, and conversion of rows of tiles from and to I2S.
 *
 * A byte is v * 256 / 243 rounded up: v / 243 as a fixed-point fraction of 8 bits. Times three, the integer part is the
 * next base-3 digit of v and what remains is the fraction of the rest; rounding up makes five steps exact.
 */
#ifndef TERNARY_CORE_WEIGHTS_T5_H_
#define TERNARY_CORE_WEIGHTS_T5_H_

#include <cstdint>

#include "abi/kernel.h"

namespace ternary {

inline constexpr int64_t kT5Columns = tile_columns(TERNARY_LAYOUT_T5_TILED);

/** Code i = 0 ... 4 of a byte: column 4 * i + j of the tile, for the byte's place j. */
inline constexpr int t5_code(uint8_t byte, int64_t i) {
  unsigned x = byte;
  for (; i > 0; --i) x = 3 * x & 0xff;
  return static_cast<int>(3 * x >> 8);
}

/** The byte of v = sum of code_i * 3^(4 - i), 0 ... 242. */
inline constexpr uint8_t t5_byte(int v) { return static_cast<uint8_t>((v * 256 + 242) / 243); }

/** Whether some v has this byte: 243 of 256 are valid. */
inline constexpr bool t5_valid(uint8_t byte) { return t5_byte(byte * 243 / 256) == byte; }

/** Writes the tiles of up to 16 rows of I2S, code 1 beyond them and beyond K. */
void t5_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* tiles);

/** Writes up to 16 rows of I2S, code 1 beyond K, from checked tiles. */
void i2s_from_t5(const uint8_t* tiles, int64_t rows, int64_t K, uint8_t* i2s);

/** Throws at the first invalid byte that holds a code of the [N, K] matrix; bytes of padding alone
 *  are not looked at. */
void check_t5(const uint8_t* tiles, int64_t N, int64_t K);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_T5_H_
