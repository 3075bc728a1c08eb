/**
 * @file i2s.h
 * @brief The bytes of the interchange layout: four codes each.
 */
#ifndef TERNARY_CORE_WEIGHTS_I2S_H_
#define TERNARY_CORE_WEIGHTS_I2S_H_

#include <cstdint>

namespace ternary {

/** Four codes 1: weight 0 in each place. */
inline constexpr uint8_t kZeroWeights = 0x55;

/** Not 0 if one of a byte's four codes is 3. */
inline unsigned threes_of(uint8_t byte) { return byte & byte >> 1 & 0x55; }

/** Spreads the four codes of an I2S byte over a 32-bit word, the code of column j in byte j. */
inline uint32_t spread(uint8_t byte) {
  const uint32_t b = byte;
  return (b & 3) | (b & 0x0c) << 6 | (b & 0x30) << 12 | (b & 0xc0) << 18;
}

/** Undoes spread(). */
inline uint8_t gather(uint32_t word) {
  return static_cast<uint8_t>((word & 3) | (word >> 6 & 0x0c) | (word >> 12 & 0x30) | (word >> 18 & 0xc0));
}

/** The last byte of a row with the columns beyond K set to code 1. */
inline uint8_t pad_last(uint8_t byte, int64_t K) {
  const int used = static_cast<int>(K % 4) * 2;
  if (used == 0) return byte;
  const uint8_t mask = static_cast<uint8_t>((1 << used) - 1);
  return static_cast<uint8_t>((byte & mask) | (kZeroWeights & ~mask));
}

/** Rows of I2S to be put into tiles: beyond them and K they give code 1. */
struct I2sRows {
  const uint8_t* i2s;
  int64_t rows, K, row_bytes;

  /** Byte b of row n. */
  uint8_t operator()(int64_t n, int64_t b) const {
    if (n >= rows || b >= row_bytes) return kZeroWeights;
    const uint8_t byte = i2s[n * row_bytes + b];
    return b == row_bytes - 1 ? pad_last(byte, K) : byte;
  }
};

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_I2S_H_
