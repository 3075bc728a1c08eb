/**
 * @file decoded_codes.h
 * @brief Decoded weights in ymm registers, for AVX2 and AVX-VNNI.
 */
#ifndef TERNARY_CPU_AVX2_DECODED_CODES_H_
#define TERNARY_CPU_AVX2_DECODED_CODES_H_

#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/decoded_gemm.h"

namespace ternary::cpu {
namespace {

/**
 * Eight sums. In a loop, sums are kept as vectors of their own element type and not as __m256i: that is a vector of
 * 64-bit elements to GCC 12, which then copies every sum in every round.
 */
using Sums = __v8si;

struct I2sCodes {
  using Tile = I2sTile;

  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes, int64_t stride) {
    const __m256i mask = _mm256_set1_epi8(0x03);
    for (int64_t tile = 0; tile < tiles; ++tile, w += 64, codes += 4 * stride) {
      for (int half = 0; half < 64; half += 32) {
        const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + half));
        const auto store = [&](int step, __m256i shifted) {
          auto* target = reinterpret_cast<__m256i*>(codes + step * stride + half);
          _mm256_store_si256(target, _mm256_and_si256(shifted, mask));
        };
        store(0, packed);
        store(1, _mm256_srli_epi16(packed, 2));
        store(2, _mm256_srli_epi16(packed, 4));
        store(3, _mm256_srli_epi16(packed, 6));
      }
    }
  }
};

/** Sixteen sums of int16, which must not overflow: signed, so that GCC does not reassociate them. */
using Words = __v16hi;

/** sums + codes * four. The empty asm keeps the addition here: GCC 12 gathers a round's additions at its end and spills
 *  the products until then (GEMV of 4 rows: 197 instead of 261 GOPS a core). */
inline Words add_products(Words sums, __m256i codes, __m256i four) {
  sums += reinterpret_cast<Words>(_mm256_maddubs_epi16(codes, four));
  asm("" : "+x"(sums));
  return sums;
}

inline __m256i widen(Words sums, int16_t factor) {
  return _mm256_madd_epi16(reinterpret_cast<__m256i>(sums), _mm256_set1_epi16(factor));
}

inline __m256i load_codes(const uint8_t* codes) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(codes)); }

inline __m256i broadcast_four(const int8_t* q) { return _mm256_set1_epi32(four_activations(q)); }

inline void add_sums(int32_t* sums, __m256i value) {
  auto* target = reinterpret_cast<__m256i*>(sums);
  _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), value));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_DECODED_CODES_H_
