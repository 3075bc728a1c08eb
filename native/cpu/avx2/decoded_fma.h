/**
 * @file decoded_fma.h
 * @brief What multiplies decoded codes by fp32 in ymm registers, for layouts that A16 decodes to bytes first.
 */
#ifndef TERNARY_CPU_AVX2_DECODED_FMA_H_
#define TERNARY_CPU_AVX2_DECODED_FMA_H_

#include "cpu/avx2/decoded_codes.h"

namespace ternary::cpu {
namespace {

/** One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. A dword of a
 *  step holds four columns of a row of W. */
struct Fma {
  using Sum = float;
  // 3 rows by 4 vectors: 12 sums in flight, of the 8 that two fma a cycle of latency 4 need. One row alone has 4.
  static constexpr int kRows = 3, kPanels = 2;
  static constexpr int64_t kChunkSteps = 60;

  template <int kActive>
  __attribute__((noinline)) static void add(const uint8_t* codes, int64_t steps, const float* f, int64_t ldf,
                                            float* sums) {
    constexpr int kVectors = 2 * kPanels, kColumns = 16 * kPanels;
    __m256 sum[kActive][kVectors];
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_loadu_ps(sums + i * kColumns + 8 * v);
    }
    for (int64_t step = 0; step < steps; ++step, codes += 32 * kVectors, f += 4) {
      for (int j = 0; j < 4; ++j) {
        __m256 weight[kVectors];
        for (int v = 0; v < kVectors; ++v) weight[v] = decode(_mm256_srli_epi32(load_codes(codes + 32 * v), 8 * j));
        for (int i = 0; i < kActive; ++i) {
          const __m256 x = _mm256_broadcast_ss(f + i * ldf + j);
          for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_fmadd_ps(weight[v], x, sum[i][v]);
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(sums + i * kColumns + 8 * v, sum[i][v]);
    }
  }

  /** The weights in bits 0 and 1 of 8 dwords: the permutation looks at these bits alone. */
  static __m256 decode(__m256i codes) {
    return _mm256_permutevar_ps(_mm256_setr_ps(-1.0f, 0.0f, 1.0f, 0.0f, -1.0f, 0.0f, 1.0f, 0.0f), codes);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_DECODED_FMA_H_
