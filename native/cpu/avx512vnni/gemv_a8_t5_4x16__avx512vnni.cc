// For few rows of X: T5 is decoded in registers, for up to four rows at a time.

#include "cpu/avx512vnni/dot.h"
#include "cpu/avx512vnni/t5_codes.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Tile = T5Tile;
  static constexpr int kRows = 4;

  /**
   * A tile (320 codes) costs 16 + 5 * kActive operations on two ports: 10.5, 13, 15.5, 18 cycles (llvm-mca, Ice Lake:
   * 10.6, 13.6, 16.1, 19.3). Telescoping as in avxvnni/gemv_a8_t5_1x16__avxvnni.cc takes 10 + 10 * kActive. A dpbusd
   * takes 5 cycles, so a row's five may not all wait for each other.
   */
  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    constexpr int kSets = kActive == 1 ? 5 : kActive == 2 ? 3 : 2;
    Sums sum[kActive][kSets];
    for (auto& row : sum) {
      for (Sums& set : row) set = Sums{};
    }
    for (const uint8_t* end = w + 64 * tiles; w < end; w += 64, q += Tile::kColumns) {
      _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
      const T5Steps steps = t5_steps(_mm512_loadu_si512(w));
      for (int step = 0; step < Tile::kSteps; ++step) {
        for (int i = 0; i < kActive; ++i) {
          Sums& set = sum[i][step % kSets];
          set = add_products(set, steps.codes[step], q + i * ldq + 4 * step);
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int set = 1; set < kSets; ++set) sum[i][0] += sum[i][set];
      add_sums(sums + 16 * i, sum[i][0]);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_4x16__avx512vnni, PanelGemv<InRegisters>)
