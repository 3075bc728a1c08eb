/**
 * @file lanes_avx512.h
 * @brief Sixteen lanes in a zmm register; see lanes_portable.h.
 */
#ifndef TERNARY_CPU_FRAME_LANES_AVX512_H_
#define TERNARY_CPU_FRAME_LANES_AVX512_H_

#include <immintrin.h>

#include "abi/kernel.h"

namespace ternary::cpu {
namespace {

struct Lanes {
  using F = __m512;
  using I = __m512i;

  static F set(float value) { return _mm512_set1_ps(value); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  /** vminps and vmaxps give their second operand where one is a NaN, or both are zeros. */
  static F at_most(F a, F limit) { return _mm512_min_ps(limit, a); }
  static F at_least(F a, F limit) { return _mm512_max_ps(limit, a); }
  static F rounded_f16(F a) { return _mm512_cvtph_ps(_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)); }
  static F rounded_bf16(F a) { return _mm512_castsi512_ps(_mm512_slli_epi32(narrow_bf16(a), 16)); }
  static F evens(F a, F b) { return _mm512_permutex2var_ps(a, load_int(kEvens), b); }
  static F odds(F a, F b) { return _mm512_permutex2var_ps(a, add(load_int(kEvens), set_int(1)), b); }

  static constexpr int kButterflies = 16;
  /** By fma, whose product with 1 or -1 is exact: one rounding, as of a sum. */
  static F butterflies(F a) {
    a = _mm512_fmadd_ps(a, load(kSigns[0]), _mm512_permute_ps(a, 0xb1));
    a = _mm512_fmadd_ps(a, load(kSigns[1]), _mm512_permute_ps(a, 0x4e));
    a = _mm512_fmadd_ps(a, load(kSigns[2]), _mm512_shuffle_f32x4(a, a, 0xb1));
    return _mm512_fmadd_ps(a, load(kSigns[3]), _mm512_shuffle_f32x4(a, a, 0x4e));
  }

  static F load_f16(const void* p) { return _mm512_cvtph_ps(load_256(p)); }
  static F load_bf16(const void* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_256(p)), 16));
  }
  /** Exponent and mantissa moved into place, the biases' difference multiplied in: exact, e4m3 denormals included. */
  static F load_f8_e4m3(const void* p) {
    const I bits = _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    const I magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7f));
    const I sign = _mm512_slli_epi32(_mm512_xor_si512(bits, magnitude), 24);
    const F value = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_slli_epi32(magnitude, 20)), _mm512_set1_ps(0x1p120f));
    const __mmask16 nan = _mm512_cmpeq_epi32_mask(magnitude, _mm512_set1_epi32(0x7f));
    const I number = _mm512_or_si512(_mm512_castps_si512(value), sign);
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(number, nan, _mm512_set1_epi32(0x7fc00000)));
  }
  static void store_f16(void* p, F a) { store_256(p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)); }
  static void store_bf16(void* p, F a) { store_256(p, _mm512_cvtepi32_epi16(narrow_bf16(a))); }

  static I set_int(int32_t value) { return _mm512_set1_epi32(value); }
  static I load_int(const int32_t* p) { return _mm512_loadu_si512(p); }
  static I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static I max(I a, I b) { return _mm512_max_epi32(a, b); }
  static I bits(F a) { return _mm512_castps_si512(a); }
  static void store_int(int32_t* p, I a) { _mm512_storeu_si512(p, a); }
  static I ordered(F a) {
    const I b = bits(add(a, set(0.0f)));
    return _mm512_xor_si512(b, _mm512_srli_epi32(_mm512_srai_epi32(b, 31), 1));
  }
  static uint32_t equal(I a, I b) { return _mm512_cmpeq_epi32_mask(a, b); }
  static float halving_sum(F a) {
    alignas(64) float lanes[16];
    store(lanes, a);
    const __m256 sum = _mm256_add_ps(_mm256_load_ps(lanes), _mm256_load_ps(lanes + 8));
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  static I half(I a) { return _mm512_srai_epi32(a, 1); }
  static F power_of_two(I n) { return _mm512_castsi512_ps(_mm512_slli_epi32(add(n, set_int(127)), 23)); }
  static I abs_bits(F a) { return _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7fffffff)); }
  static I round(F a) { return _mm512_cvtps_epi32(a); }
  static void store_int8(int8_t* p, I a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a)); }
  static I load_int8(const int8_t* p) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static int32_t sum(I a) { return _mm512_reduce_add_epi32(a); }
  static int32_t largest(I a) { return _mm512_reduce_max_epi32(a); }

 private:
  /** Of strides 1, 2, 4 and 8: -1 for the higher lane of a pair. */
  alignas(64) static constexpr float kSigns[4][16] = {{1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
                                                      {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
                                                      {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
                                                      {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1}};
  alignas(64) static constexpr int32_t kEvens[16] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};

  /** Integer rounding: vcvtneps2bf16 would flush denormals. */
  static I narrow_bf16(F a) {
    const I odd = _mm512_and_si512(_mm512_srli_epi32(bits(a), 16), _mm512_set1_epi32(1));
    const I rounded = _mm512_add_epi32(bits(a), _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const I quiet = _mm512_or_si512(bits(a), _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16);
  }
  static __m256i load_256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store_256(void* p, __m256i a) { _mm256_storeu_si256(static_cast<__m256i*>(p), a); }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_LANES_AVX512_H_
