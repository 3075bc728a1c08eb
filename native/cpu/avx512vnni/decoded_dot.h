/**
 * @file decoded_dot.h
 * @brief What multiplies decoded codes with zmm registers.
 */
#ifndef TERNARY_CPU_AVX512VNNI_DECODED_DOT_H_
#define TERNARY_CPU_AVX512VNNI_DECODED_DOT_H_

#include "cpu/avx512vnni/decoded_codes.h"
#include "cpu/avx512vnni/dot.h"

namespace ternary::cpu {
namespace {

/** The Dot of decoded products: see decoded_gemm.h. */
struct DecodedDot {
  using Sum = int32_t;
  // 8 rows by 2 vectors: 16 sums in flight, and each code vector and each broadcast serves several dpbusd. A step
  // is 16 dpbusd on two ports, 8 cycles, in 30 instructions without spills; llvm-mca says 9.1 (Ice Lake).
  static constexpr int kRows = 8, kPanels = 2;
  static constexpr int64_t kChunkSteps = 128;  // 16 KiB of codes

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* codes, int64_t steps, const int8_t* q, int64_t ldq,
                                            int32_t* sums) {
    Sums sum[kActive][kPanels] = {};
    for (int64_t step = 0; step < steps; ++step) {
      __m512i code[kPanels];
      for (int p = 0; p < kPanels; ++p) code[p] = _mm512_load_si512(codes + 128 * step + 64 * p);
      for (int i = 0; i < kActive; ++i) {
        for (int p = 0; p < kPanels; ++p) sum[i][p] = add_products(sum[i][p], code[p], q + i * ldq + 4 * step);
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) add_sums(sums + 32 * i + 16 * p, sum[i][p]);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX512VNNI_DECODED_DOT_H_
