/**
 * @file t3_codes.h
 * @brief Decodes T3 to bytes, for AVX2.
 */
#ifndef TERNARY_CPU_AVX2_T3_CODES_H_
#define TERNARY_CPU_AVX2_T3_CODES_H_

#include "abi/t3.h"
#include "cpu/avx2/decoded_codes.h"

namespace ternary::cpu {
namespace {

/** Weight j of every index, for pshufb. */
struct T3Weights {
  alignas(16) int8_t of_index[3][16];
};

constexpr T3Weights make_t3_weights() {
  T3Weights weights = {};
  for (int j = 0; j < 3; ++j) {
    for (int index = 0; index < kT3Indices; ++index) {
      weights.of_index[j][index] = static_cast<int8_t>(t3_weight(index, j));
    }
  }
  return weights;
}

inline constexpr T3Weights kT3Weights = make_t3_weights();

struct T3Codes {
  using Tile = T3Tile;

  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes, int64_t stride) {
    for (int64_t tile = 0; tile < tiles; ++tile, w += Tile::kBytes) {
      for (int quarter = 0; quarter < 4; quarter += 2) {
        decode_half(w, quarter, codes, stride);
        codes += 6 * stride;
      }
    }
  }

 private:
  /** 16 bytes in each half of a register. */
  static __m256i load(const void* low, const void* high) {
    const __m128i first = _mm_loadu_si128(static_cast<const __m128i*>(low));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(first), _mm_loadu_si128(static_cast<const __m128i*>(high)),
                                   1);
  }

  /** A quarter of a tile is twelve columns, three steps. Two of them go side by side, one in each half of a register. */
  static void decode_half(const uint8_t* w, int quarter, uint8_t* codes, int64_t stride) {
    const uint8_t *indices = w + 32 * quarter, *signs = w + 128;
    __m256i column[12];
    for (int lane = 0; lane < 2; ++lane) {
      const __m256i pair = load(indices + 16 * lane, indices + 32 + 16 * lane);
      const __m256i sign = load(signs + 16 * lane, signs + 16 * lane);
      decode_triple(pair, shifted(sign, 2 * quarter), column + 3 * lane);
      decode_triple(_mm256_srli_epi16(pair, 4), shifted(sign, 2 * quarter + 1), column + 6 + 3 * lane);
    }
    for (int step = 0; step < 3; ++step) {
      store_step(column + 4 * step, codes + step * stride, codes + (step + 3) * stride);
    }
  }

  /** Signs of a step, and of two steps later in the upper half, as the highest bits of bytes. */
  static __m256i shifted(__m256i signs, int step) {
    const int later = step + 2;
    return _mm256_sllv_epi32(signs, _mm256_setr_epi32(step, step, step, step, later, later, later, later));
  }

  /** The codes of three columns of 16 rows. */
  static void decode_triple(__m256i indices, __m256i signs, __m256i* column) {
    const __m256i one = _mm256_set1_epi8(1), index = _mm256_and_si256(indices, _mm256_set1_epi8(15));
    const __m256i sign = _mm256_or_si256(signs, one);
    for (int j = 0; j < 3; ++j) {
      const int8_t* weights = kT3Weights.of_index[j];
      const __m256i weight = _mm256_shuffle_epi8(load(weights, weights), index);
      column[j] = _mm256_add_epi8(_mm256_sign_epi8(weight, sign), one);
    }
  }

  /** Four columns of 16 rows, as a dword a row; of the lower halves, and of the upper ones. */
  static void store_step(const __m256i* column, uint8_t* lower, uint8_t* upper) {
    const __m256i low01 = _mm256_unpacklo_epi8(column[0], column[1]);
    const __m256i low23 = _mm256_unpacklo_epi8(column[2], column[3]);
    const __m256i high01 = _mm256_unpackhi_epi8(column[0], column[1]);
    const __m256i high23 = _mm256_unpackhi_epi8(column[2], column[3]);
    const __m256i rows[4] = {_mm256_unpacklo_epi16(low01, low23), _mm256_unpackhi_epi16(low01, low23),
                             _mm256_unpacklo_epi16(high01, high23), _mm256_unpackhi_epi16(high01, high23)};
    for (int i = 0; i < 4; ++i) {
      _mm_store_si128(reinterpret_cast<__m128i*>(lower) + i, _mm256_castsi256_si128(rows[i]));
      _mm_store_si128(reinterpret_cast<__m128i*>(upper) + i, _mm256_extracti128_si256(rows[i], 1));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_T3_CODES_H_
