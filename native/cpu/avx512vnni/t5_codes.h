/**
 * @file t5_codes.h
 * @brief Decodes T5 with zmm registers, for AVX-512 VNNI and AMX.
 */
#ifndef TERNARY_CPU_AVX512VNNI_T5_CODES_H_
#define TERNARY_CPU_AVX512VNNI_T5_CODES_H_

#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/decoded_gemm.h"

namespace ternary::cpu {
namespace {

/** The high byte of each 16-bit word: of `even` into even bytes, of `odd` into odd ones. */
inline __m512i high_bytes(__m512i even, __m512i odd) {
  return _mm512_mask_mov_epi8(_mm512_srli_epi16(even, 8), 0xaaaaaaaaaaaaaaaa, odd);
}

/** For each byte 0 ... 8, a number of two base-3 digits: the first digit. */
inline __m512i first_digits(__m512i pairs) {
  const __m128i digit = _mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(digit), pairs);
}

inline __m512i second_digits(__m512i pairs) {
  const __m128i digit = _mm_setr_epi8(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(digit), pairs);
}

/** The codes of a tile's five steps. */
struct T5Steps {
  __m512i codes[T5Tile::kSteps];
};

/**
 * As in avx2/t5_codes.h: the high byte of 9 * x, of a byte as a fraction x / 256, holds its next two digits. 16
 * operations for 320 codes, 8 cycles on two ports. Comparing (x > 85, x > 170, 3 * x by two additions) takes 28, tables
 * of 128 bytes (VBMI) 15.
 */
inline T5Steps t5_steps(__m512i bytes) {
  const __m512i nine = _mm512_set1_epi16(9), nine_odd = _mm512_set1_epi16(9 << 8), three = _mm512_set1_epi16(3);
  __m512i even = _mm512_maddubs_epi16(bytes, nine), odd = _mm512_maddubs_epi16(bytes, nine_odd);
  const __m512i pairs = high_bytes(even, odd);
  even = _mm512_maddubs_epi16(even, nine);
  odd = _mm512_maddubs_epi16(odd, nine);
  const __m512i next_pairs = high_bytes(even, odd);
  const __m512i last = high_bytes(_mm512_maddubs_epi16(even, three), _mm512_maddubs_epi16(odd, three));
  return {{first_digits(pairs), second_digits(pairs), first_digits(next_pairs), second_digits(next_pairs), last}};
}

struct T5Codes {
  using Tile = T5Tile;

  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes, int64_t stride) {
    for (int64_t tile = 0; tile < tiles; ++tile, w += 64, codes += Tile::kSteps * stride) {
      const T5Steps steps = t5_steps(_mm512_loadu_si512(w));
      for (int64_t step = 0; step < Tile::kSteps; ++step) _mm512_store_si512(codes + step * stride, steps.codes[step]);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX512VNNI_T5_CODES_H_
