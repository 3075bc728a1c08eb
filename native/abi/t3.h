/**
 * @file t3.h
 * @brief T3, three weights in five bits: the index and the sign of a triple, and where they lie in a tile.
 *
 * v = 9 * w0 + 3 * w1 + w2 is -13 ... 13. |v| is the index; the sign is set for v < 0, so that 0 has one form alone.
 */
#ifndef TERNARY_ABI_T3_H_
#define TERNARY_ABI_T3_H_

#include <cstdint>

namespace ternary {

inline constexpr int kT3Indices = 14;

/** Weight j = 0 ... 2 of a valid index without its sign. */
inline constexpr int t3_weight(int index, int64_t j) {
  int digits = index + 13;  // the codes w + 1 as base-3 digits
  for (int64_t i = j; i < 2; ++i) digits /= 3;
  return digits % 3 - 1;
}

/** Where triple 0 ... 15 of row n of a tile has its index, and where its sign. */
struct T3Place {
  int64_t index_byte, sign_byte;
  int index_shift, sign_shift;
};

inline constexpr T3Place t3_place(int64_t n, int64_t triple) {
  const int64_t step = triple / 2, lane = triple % 2;
  return {32 * (step / 2) + 16 * lane + n, 128 + 16 * lane + n, static_cast<int>(4 * (step % 2)),
          static_cast<int>(7 - step)};
}

/** What a tile holds for a triple. */
struct T3Triple {
  int index, sign;

  constexpr bool valid() const { return index < kT3Indices && (index > 0 || sign == 0); }
  /** The code w + 1 of weight j. */
  constexpr int code(int64_t j) const { return 1 + (sign != 0 ? -t3_weight(index, j) : t3_weight(index, j)); }
};

inline constexpr T3Triple t3_triple(const uint8_t* tile, int64_t n, int64_t triple) {
  const T3Place place = t3_place(n, triple);
  return {tile[place.index_byte] >> place.index_shift & 15, tile[place.sign_byte] >> place.sign_shift & 1};
}

}  // namespace ternary

#endif  // TERNARY_ABI_T3_H_
