/**
 * @file t5.h
 * @brief T5, five codes a byte: the digits of a byte.
 *
 * A byte is v * 256 / 243 rounded up: v / 243 as a fixed-point fraction of 8 bits. Times three, the integer part is the
 * next base-3 digit of v and what remains is the fraction of the rest; rounding up makes five steps exact.
 */
#ifndef TERNARY_ABI_T5_H_
#define TERNARY_ABI_T5_H_

#include <cstdint>

namespace ternary {

/** Code i = 0 ... 4 of a byte: the code of step i of a tile. */
inline constexpr int t5_code(uint8_t byte, int64_t i) {
  unsigned x = byte;
  for (; i > 0; --i) x = 3 * x & 0xff;
  return static_cast<int>(3 * x >> 8);
}

/** The byte of v = sum of code_i * 3^(4 - i), 0 ... 242. */
inline constexpr uint8_t t5_byte(int v) { return static_cast<uint8_t>((v * 256 + 242) / 243); }

/** Whether some v has this byte: 243 of 256 are valid. */
inline constexpr bool t5_valid(uint8_t byte) { return t5_byte(byte * 243 / 256) == byte; }

}  // namespace ternary

#endif  // TERNARY_ABI_T5_H_
