/**
 * @file dot.h
 * @brief Sums of products of codes and activations in ymm registers, and what multiplies decoded codes.
 */
#ifndef TERNARY_CPU_AVXVNNI_DOT_H_
#define TERNARY_CPU_AVXVNNI_DOT_H_

#include "cpu/avx2/decoded_codes.h"

namespace ternary::cpu {
namespace {

/** Four unsigned codes times four activations, added to each lane's sum. */
inline Sums add_products(Sums sums, __m256i codes, __m256i four) {
  return reinterpret_cast<Sums>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sums), codes, four));
}

/** The Dot of decoded products: see decoded_gemm.h. */
struct DecodedDot {
  using Sum = int32_t;
  // 12 sums: two dpbusd a cycle of latency 5 need ten in flight. A step is 6 cycles on two ports
  // (llvm-mca: 6.1, Alder Lake).
  static constexpr int kRows = 6, kPanels = 1;
  static constexpr int64_t kChunkSteps = 128;

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* codes, int64_t steps, const int8_t* q, int64_t ldq,
                                            int32_t* sums) {
    Sums low[kActive] = {}, high[kActive] = {};
    for (int64_t step = 0; step < steps; ++step) {
      const __m256i codes_low = load_codes(codes + 64 * step), codes_high = load_codes(codes + 64 * step + 32);
      for (int i = 0; i < kActive; ++i) {
        const __m256i four = broadcast_four(q + i * ldq + 4 * step);
        low[i] = add_products(low[i], codes_low, four);
        high[i] = add_products(high[i], codes_high, four);
      }
    }
    for (int i = 0; i < kActive; ++i) {
      add_sums(sums + 16 * i, reinterpret_cast<__m256i>(low[i]));
      add_sums(sums + 16 * i + 8, reinterpret_cast<__m256i>(high[i]));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVXVNNI_DOT_H_
