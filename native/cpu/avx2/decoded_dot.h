/**
 * @file decoded_dot.h
 * @brief What multiplies decoded codes in ymm registers.
 */
#ifndef TERNARY_CPU_AVX2_DECODED_DOT_H_
#define TERNARY_CPU_AVX2_DECODED_DOT_H_

#include "cpu/avx2/decoded_codes.h"

namespace ternary::cpu {
namespace {

/** The Dot of decoded products: see decoded_gemm.h. */
struct DecodedDot {
  using Sum = int32_t;
  // 6 rows by 2 vectors: 12 sums, 2 codes, 1 activation, 1 product in 16 registers (4 rows: 10 % slower at M = 32).
  // Zen 5, 2560 x 2560, one core: 398, 429, 443 and 419 GOPS at M = 8, 16, 64 and 512, of a peak of 475. Codes decoded in
  // registers for 8 rows, whose X is written in fours repeated to 32 bytes, so that maddubs takes it from memory: 402, 405,
  // 400 and 388. That trades a broadcast for a load, and two loads start in a cycle either way. 12 rows spill: 361.
  static constexpr int kRows = 6, kPanels = 1;
  // Sums of a whole chunk stay in int16: a maddubs is at least -512 (two products of 2 and -128), 64 of them exactly
  // -32768.
  static constexpr int64_t kChunkSteps = 64;
  static_assert(kChunkSteps * 512 <= 32768, "int16 sums of a chunk");

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* codes, int64_t steps, const int8_t* q, int64_t ldq,
                                            int32_t* sums) {
    Words low[kActive], high[kActive];
    for (int i = 0; i < kActive; ++i) low[i] = high[i] = Words{};
    for (int64_t step = 0; step < steps; ++step) {
      const __m256i codes_low = load_codes(codes + 64 * step), codes_high = load_codes(codes + 64 * step + 32);
      for (int i = 0; i < kActive; ++i) {
        const __m256i four = broadcast_four(q + i * ldq + 4 * step);
        low[i] = add_products(low[i], codes_low, four);
        high[i] = add_products(high[i], codes_high, four);
      }
    }
    for (int i = 0; i < kActive; ++i) {
      add_sums(sums + 16 * i, widen(low[i], 1));
      add_sums(sums + 16 * i + 8, widen(high[i], 1));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_DECODED_DOT_H_
