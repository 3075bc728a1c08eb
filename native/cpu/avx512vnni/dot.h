/**
 * @file dot.h
 * @brief Sums of products of codes and activations in zmm registers.
 */
#ifndef TERNARY_CPU_AVX512VNNI_DOT_H_
#define TERNARY_CPU_AVX512VNNI_DOT_H_

#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

/**
 * 16 sums in flight. Not __m512i: that is a vector of 64-bit elements to GCC 12, which then copies every sum in every
 * round of a loop (80 instructions instead of 53 in the GEMV).
 */
using Sums = __v16si;

/** Modulo 2^32. */
inline void add_sums(int32_t* p, Sums sums) {
  _mm512_storeu_si512(p, _mm512_add_epi32(_mm512_loadu_si512(p), reinterpret_cast<__m512i>(sums)));
}

/** Four unsigned codes times four activations, the same for all lanes, added to each lane's sum. */
inline Sums add_products(Sums sums, __m512i codes, const int8_t* four) {
  const __m512i q = _mm512_set1_epi32(four_activations(four));
  return reinterpret_cast<Sums>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), codes, q));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX512VNNI_DOT_H_
