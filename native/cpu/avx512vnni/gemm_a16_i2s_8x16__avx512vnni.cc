// One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. More sums in
// flight come from more rows of W where there are few of X. vpermps looks at four bits, two codes: one table for the
// first and one for the second decode both without a shift between.

#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/panel_gemm.h"

namespace ternary::cpu {
namespace {

constexpr float kSecondCode[16] = {-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0};

struct Fma {
  static constexpr int kRows = 8;
  /** One row has a sum a panel, and an fma takes 4 cycles: four panels 126 GOPS, five 147 (Zen 5, 2560 x 2560). */
  static constexpr int panels(int rows) { return rows == 1 ? 5 : rows <= 3 ? 4 : 2; }

  /**
   * A tile costs a panel 4 shifts, 16 permutations and, for every row of X, 16 fma: 18 cycles for one row (llvm-mca,
   * Ice Lake: 19.3; 25 with a shift for every permutation). Three loads in four cross a line: their ports have time.
   */
  template <int kActive, int kPanels>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end,
                                            float* sums) {
    const int64_t ldf = patch.task.ldf;
    const float* f = patch.task.f + patch.m * ldf + k_begin;
    const uint8_t* w[kPanels];
    for (int p = 0; p < kPanels; ++p) w[p] = tiles_at(patch.task, patch.n + 16 * (panel + p), k_begin);
    __m512 sum[kActive][kPanels];
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_loadu_ps(sums + i * kPanelSums + 16 * p);
    }
    // Of the panels that come next: streaming 140 GOPS instead of 127 with 16 KB, which may lie in the panel beside.
    const int64_t ahead = kPanels * panel_bytes(patch.task);
    for (int64_t tiles = ceil_div(k_end - k_begin, kTile) - 1; tiles > 0; --tiles, f += kTile) {
      for (const uint8_t* tile : w) _mm_prefetch(reinterpret_cast<const char*>(tile + ahead), _MM_HINT_T0);
      add_tile<kActive, kPanels, false>(w, f, ldf, sum);
      for (const uint8_t*& tile : w) tile += 64;
    }
    add_tile<kActive, kPanels, true>(w, f, ldf, sum);
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) _mm512_storeu_ps(sums + i * kPanelSums + 16 * p, sum[i][p]);
    }
  }

 private:
  /** Sixteen rows of W by 16 columns for each panel, and four rows of X by 16 columns, in order of k. */
  template <int kActive, int kPanels, bool kLast>
  __attribute__((always_inline)) static void add_tile(const uint8_t* const* w, const float* f, int64_t ldf,
                                                      __m512 (&sum)[kActive][kPanels]) {
    const __m512 first = _mm512_set4_ps(0.0f, 1.0f, 0.0f, -1.0f);  // of the code in bits 0 and 1
    const __m512 second = _mm512_loadu_ps(kSecondCode);            // of the code in bits 2 and 3
#pragma GCC unroll 2
    for (int high = 0; high < 2; ++high) {
      __m512i codes[4][kPanels];
      for (int p = 0; p < kPanels; ++p) {
        for (int j = 0; j < 4; ++j) codes[j][p] = _mm512_srli_epi32(load_from_byte<kLast>(w[p], j), 4 * high);
      }
#pragma GCC unroll 8
      for (int k = 8 * high; k < 8 * high + 8; ++k) {
        __m512 weight[kPanels];
        for (int p = 0; p < kPanels; ++p) {
          weight[p] = _mm512_permutexvar_ps(codes[k % 4][p], k % 8 < 4 ? first : second);
        }
        for (int i = 0; i < kActive; ++i) {
          const __m512 x = _mm512_set1_ps(f[i * ldf + k]);
          for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_fmadd_ps(weight[p], x, sum[i][p]);
        }
      }
    }
  }

  /**
   * A tile whose dwords have their byte j lowest. Loading from there spares a shift, and reads up to three bytes of the
   * next tile, which are not looked at; behind the last tile there may be no more.
   */
  template <bool kLast>
  static __m512i load_from_byte(const uint8_t* w, int j) {
    return kLast ? _mm512_srli_epi32(_mm512_loadu_si512(w), 8 * j) : _mm512_loadu_si512(w + j);
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a16_i2s_8x16__avx512vnni, PanelGemm<Fma>)
