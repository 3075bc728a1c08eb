/**
 * @file lanes_avx2.h
 * @brief Sixteen lanes in two ymm registers; see lanes_portable.h.
 */
#ifndef TERNARY_CPU_FRAME_LANES_AVX2_H_
#define TERNARY_CPU_FRAME_LANES_AVX2_H_

#include <immintrin.h>

#include "abi/kernel.h"

namespace ternary::cpu {
namespace {

struct Lanes {
  struct F {
    __m256 low, high;
  };
  struct I {
    __m256i low, high;
  };

  static F set(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static void store(float* p, F a) {
    _mm256_storeu_ps(p, a.low);
    _mm256_storeu_ps(p + 8, a.high);
  }
  static F add(F a, F b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  static F sub(F a, F b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  static F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static F div(F a, F b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
  /** vminps and vmaxps give their second operand where one is a NaN, or both are zeros. */
  static F at_most(F a, F limit) { return {_mm256_min_ps(limit.low, a.low), _mm256_min_ps(limit.high, a.high)}; }
  static F at_least(F a, F limit) { return {_mm256_max_ps(limit.low, a.low), _mm256_max_ps(limit.high, a.high)}; }
  static F rounded_f16(F a) {
    return {_mm256_cvtph_ps(_mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT)),
            _mm256_cvtph_ps(_mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT))};
  }
  static F rounded_bf16(F a) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(narrow_bf16(a.low), 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(narrow_bf16(a.high), 16))};
  }
  static F evens(F a, F b) { return {evens_of_16(a), evens_of_16(b)}; }
  static F odds(F a, F b) { return {odds_of_16(a), odds_of_16(b)}; }

  static constexpr int kButterflies = 4;
  static F butterflies(F a) {
    const __m256 low = butterflies_of_8(a.low), high = butterflies_of_8(a.high);
    return {_mm256_add_ps(low, high), _mm256_sub_ps(low, high)};
  }

  static F load_f16(const void* p) {
    const auto* halves = static_cast<const __m128i*>(p);
    return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
  }
  static F load_bf16(const void* p) {
    const auto* halves = static_cast<const __m128i*>(p);
    return {widen_bf16(_mm_loadu_si128(halves)), widen_bf16(_mm_loadu_si128(halves + 1))};
  }
  static F load_f8_e4m3(const void* p) {
    const auto* bytes = static_cast<const __m128i*>(p);
    return {widen_f8(_mm_loadl_epi64(bytes)), widen_f8(_mm_srli_si128(_mm_loadu_si128(bytes), 8))};
  }
  static void store_f16(void* p, F a) {
    auto* halves = static_cast<__m128i*>(p);
    _mm_storeu_si128(halves, _mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(halves + 1, _mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT));
  }
  static void store_bf16(void* p, F a) {
    const __m256i packed = _mm256_packus_epi32(narrow_bf16(a.low), narrow_bf16(a.high));
    _mm256_storeu_si256(static_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
  }

  static I set_int(int32_t value) { return {_mm256_set1_epi32(value), _mm256_set1_epi32(value)}; }
  static I load_int(const int32_t* p) {
    const auto* vectors = reinterpret_cast<const __m256i*>(p);
    return {_mm256_loadu_si256(vectors), _mm256_loadu_si256(vectors + 1)};
  }
  static I sub(I a, I b) { return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)}; }
  static I add(I a, I b) { return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)}; }
  static F to_float(I a) { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }
  static I max(I a, I b) { return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)}; }
  static I bits(F a) { return {_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)}; }
  static void store_int(int32_t* p, I a) {
    auto* vectors = reinterpret_cast<__m256i*>(p);
    _mm256_storeu_si256(vectors, a.low);
    _mm256_storeu_si256(vectors + 1, a.high);
  }
  static I ordered(F a) { return {ordered_8(a.low), ordered_8(a.high)}; }
  static uint32_t equal(I a, I b) {
    const int low = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.low, b.low)));
    const int high = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.high, b.high)));
    return static_cast<uint32_t>(low | high << 8);
  }
  static float halving_sum(F a) {
    const __m256 sum = _mm256_add_ps(a.low, a.high);
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  static I half(I a) { return {_mm256_srai_epi32(a.low, 1), _mm256_srai_epi32(a.high, 1)}; }
  static F power_of_two(I n) {
    const I biased = add(n, set_int(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(biased.low, 23)),
            _mm256_castsi256_ps(_mm256_slli_epi32(biased.high, 23))};
  }
  static I abs_bits(F a) {
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    return {_mm256_and_si256(_mm256_castps_si256(a.low), mask), _mm256_and_si256(_mm256_castps_si256(a.high), mask)};
  }
  static I round(F a) { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
  static void store_int8(int8_t* p, I a) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }
  static I load_int8(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
  }

  static int32_t sum(I a) {
    const __m256i pair = _mm256_add_epi32(a.low, a.high);
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
    return _mm_cvtsi128_si32(x);
  }
  static int32_t largest(I a) {
    const __m256i pair = _mm256_max_epi32(a.low, a.high);
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1));
    return _mm_cvtsi128_si32(x);
  }

 private:
  /** By fma, whose product with 1 or -1 is exact: one rounding, as of a sum. */
  static __m256 butterflies_of_8(__m256 a) {
    a = _mm256_fmadd_ps(a, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1), _mm256_permute_ps(a, 0xb1));
    a = _mm256_fmadd_ps(a, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1), _mm256_permute_ps(a, 0x4e));
    return _mm256_fmadd_ps(a, _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1), _mm256_permute2f128_ps(a, a, 1));
  }

  static __m256i ordered_8(__m256 a) {
    const __m256i bits = _mm256_castps_si256(_mm256_add_ps(a, _mm256_setzero_ps()));
    return _mm256_xor_si256(bits, _mm256_srli_epi32(_mm256_srai_epi32(bits, 31), 1));
  }
  static __m256 evens_of_16(F a) { return in_order(_mm256_shuffle_ps(a.low, a.high, 0x88)); }
  static __m256 odds_of_16(F a) { return in_order(_mm256_shuffle_ps(a.low, a.high, 0xdd)); }
  /** Of a shuffle of two registers, which works by halves: pairs 0 and 2 are the first's. */
  static __m256 in_order(__m256 a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xd8)); }

  static __m256 widen_bf16(__m128i halves) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }

  /** Exponent and mantissa moved into place, the biases' difference multiplied in: exact, e4m3 denormals included. */
  static __m256 widen_f8(__m128i bytes) {
    const __m256i bits = _mm256_cvtepu8_epi32(bytes);
    const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x80)), 24);
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f));
    const __m256 value = _mm256_mul_ps(_mm256_castsi256_ps(_mm256_slli_epi32(magnitude, 20)), _mm256_set1_ps(0x1p120f));
    const __m256i nan = _mm256_cmpeq_epi32(magnitude, _mm256_set1_epi32(0x7f));  // all ones, a NaN itself
    return _mm256_or_ps(value, _mm256_castsi256_ps(_mm256_or_si256(sign, nan)));
  }

  /** Integer rounding: vcvtneps2bf16 would flush denormals. */
  static __m256i narrow_bf16(__m256 value) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_LANES_AVX2_H_
