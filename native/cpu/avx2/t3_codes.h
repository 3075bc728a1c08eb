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
      decode_triples<0>(w, codes, stride), codes += 3 * stride;
      decode_triples<1>(w, codes, stride), codes += 3 * stride;
      decode_triples<2>(w, codes, stride), codes += 3 * stride;
      decode_triples<3>(w, codes, stride), codes += 3 * stride;
    }
  }

 private:
  static __m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

  /** Triples 4 * quarter ... + 3, which are twelve columns, three steps. */
  template <int kQuarter>
  static void decode_triples(const uint8_t* w, uint8_t* codes, int64_t stride) {
    __m128i column[12];
    for (int lane = 0; lane < 2; ++lane) {
      const __m128i indices = load(w + 32 * kQuarter + 16 * lane), signs = load(w + 128 + 16 * lane);
      decode_triple(indices, _mm_slli_epi16(signs, 2 * kQuarter), column + 3 * lane);
      decode_triple(_mm_srli_epi16(indices, 4), _mm_slli_epi16(signs, 2 * kQuarter + 1), column + 6 + 3 * lane);
    }
    for (int step = 0; step < 3; ++step) store_step(column + 4 * step, codes + step * stride);
  }

  /** The codes of three columns of 16 rows, whose signs are the highest bits of `signs`. */
  static void decode_triple(__m128i indices, __m128i signs, __m128i* column) {
    const __m128i one = _mm_set1_epi8(1), index = _mm_and_si128(indices, _mm_set1_epi8(15));
    const __m128i sign = _mm_or_si128(signs, one);
    for (int j = 0; j < 3; ++j) {
      const __m128i weight = _mm_shuffle_epi8(load(kT3Weights.of_index[j]), index);
      column[j] = _mm_add_epi8(_mm_sign_epi8(weight, sign), one);
    }
  }

  /** Four columns of 16 rows, as a dword a row. */
  static void store_step(const __m128i* column, uint8_t* codes) {
    auto* target = reinterpret_cast<__m128i*>(codes);
    const __m128i low01 = _mm_unpacklo_epi8(column[0], column[1]), high01 = _mm_unpackhi_epi8(column[0], column[1]);
    const __m128i low23 = _mm_unpacklo_epi8(column[2], column[3]), high23 = _mm_unpackhi_epi8(column[2], column[3]);
    _mm_store_si128(target, _mm_unpacklo_epi16(low01, low23));
    _mm_store_si128(target + 1, _mm_unpackhi_epi16(low01, low23));
    _mm_store_si128(target + 2, _mm_unpacklo_epi16(high01, high23));
    _mm_store_si128(target + 3, _mm_unpackhi_epi16(high01, high23));
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_T3_CODES_H_
