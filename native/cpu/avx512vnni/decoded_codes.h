/**
 * @file decoded_codes.h
 * @brief Decodes weights with zmm registers, for AVX-512 VNNI and AMX.
 */
#ifndef TERNARY_CPU_AVX512VNNI_DECODED_CODES_H_
#define TERNARY_CPU_AVX512VNNI_DECODED_CODES_H_

#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/decoded_gemm.h"

namespace ternary::cpu {
namespace {

struct I2sCodes {
  using Tile = I2sTile;

  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes, int64_t stride) {
    const __m512i mask = _mm512_set1_epi8(0x03);
    for (int64_t tile = 0; tile < tiles; ++tile, w += 64, codes += 4 * stride) {
      const __m512i packed = _mm512_loadu_si512(w);
      _mm512_store_si512(codes, _mm512_and_si512(packed, mask));
      _mm512_store_si512(codes + stride, _mm512_and_si512(_mm512_srli_epi16(packed, 2), mask));
      _mm512_store_si512(codes + 2 * stride, _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask));
      _mm512_store_si512(codes + 3 * stride, _mm512_and_si512(_mm512_srli_epi16(packed, 6), mask));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX512VNNI_DECODED_CODES_H_
