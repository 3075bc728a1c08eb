/**
 * @file t5_codes.h
 * @brief Decodes T5 in ymm registers, for AVX2 and AVX-VNNI.
 */
#ifndef TERNARY_CPU_AVX2_T5_CODES_H_
#define TERNARY_CPU_AVX2_T5_CODES_H_

#include "cpu/avx2/decoded_codes.h"

namespace ternary::cpu {
namespace {

/** The high byte of each 16-bit word: of `even` into even bytes, of `odd` into odd ones. */
inline __m256i high_bytes(__m256i even, __m256i odd) {
  return _mm256_blendv_epi8(_mm256_srli_epi16(even, 8), odd, _mm256_set1_epi16(static_cast<int16_t>(0xff00)));
}

/** For each byte 0 ... 8, a number of two base-3 digits, the first digit. */
inline __m256i first_digits(__m256i pairs) {
  const __m128i digit = _mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(digit), pairs);
}

inline __m256i second_digits(__m256i pairs) {
  const __m128i digit = _mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(digit), pairs);
}

/**
 * Calls use(step, codes) with the codes 0, 1, 2 of 32 T5 bytes for steps 0 to 4. A byte is a fraction x / 256: the high
 * byte of 9 * x in 16 bits holds its next two digits, as a number 0 to 8, and the low byte the fraction that is left.
 * maddubs multiplies the even bytes of a vector, or the odd ones, and widens them in one operation.
 *
 * 16 operations for 160 codes. One digit at a time by comparing, x > 85 and x > 170, and 3 * x by two additions takes
 * 29: a GEMV of one row then multiplies 33 weights a nanosecond instead of 50.
 */
template <class Use>
inline void each_t5_step(__m256i bytes, Use use) {
  const __m256i nine = _mm256_set1_epi16(9), nine_odd = _mm256_set1_epi16(9 << 8), three = _mm256_set1_epi16(3);
  __m256i even = _mm256_maddubs_epi16(bytes, nine), odd = _mm256_maddubs_epi16(bytes, nine_odd);
  __m256i pairs = high_bytes(even, odd);
  use(0, first_digits(pairs));
  use(1, second_digits(pairs));
  even = _mm256_maddubs_epi16(even, nine);
  odd = _mm256_maddubs_epi16(odd, nine);
  pairs = high_bytes(even, odd);
  use(2, first_digits(pairs));
  use(3, second_digits(pairs));
  use(4, high_bytes(_mm256_maddubs_epi16(even, three), _mm256_maddubs_epi16(odd, three)));
}

struct T5Codes {
  using Tile = T5Tile;

  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes, int64_t stride) {
    for (int64_t tile = 0; tile < tiles; ++tile, w += 64, codes += Tile::kSteps * stride) {
      for (int half = 0; half < 64; half += 32) {
        each_t5_step(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + half)), [&](int step, __m256i step_codes) {
          _mm256_store_si256(reinterpret_cast<__m256i*>(codes + step * stride + half), step_codes);
        });
      }
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_T5_CODES_H_
