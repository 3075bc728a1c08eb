// One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. More sums in
// flight come from more rows of W where there are few of X.

#include "cpu/lanes_avx512.h"

#include "cpu/gemm.h"

namespace ternary::cpu {
namespace {

struct Fma {
  using Sum = float;
  static constexpr int64_t kRows = 8, kColumns = 64, kDecodedBytes = 0;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, float* sums, void*) {
    switch (b.rows) {
      case 1: return add_panels<1, 4>(b, 0, k_begin, k_end, sums);
      case 2: return add_panels<2, 4>(b, 0, k_begin, k_end, sums);
      case 3: return add_panels<3, 4>(b, 0, k_begin, k_end, sums);
      case 4: return add_panels<4, 2>(b, 0, k_begin, k_end, sums);
      case 5: return add_panels<5, 2>(b, 0, k_begin, k_end, sums);
      case 6: return add_panels<6, 2>(b, 0, k_begin, k_end, sums);
      case 7: return add_panels<7, 2>(b, 0, k_begin, k_end, sums);
      default: return add_panels<8, 2>(b, 0, k_begin, k_end, sums);
    }
  }

 private:
  /** The panels from `panel`: kPanels at a time, then the rest. */
  template <int kActive, int kPanels>
  static void add_panels(const Block& b, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    for (; panel + kPanels <= b.panels; panel += kPanels) add<kActive, kPanels>(b, panel, k_begin, k_end, sums);
    if constexpr (kPanels > 1) {
      if (panel < b.panels) add_panels<kActive, kPanels / 2>(b, panel, k_begin, k_end, sums);
    }
  }

  template <int kActive, int kPanels>
  static void add(const Block& b, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    const int64_t ldf = b.task.ldf, tiles = ceil_div(k_end - k_begin, kTile);
    const float* f = b.task.f + b.m * ldf + k_begin;
    const uint8_t* w[kPanels];
    for (int p = 0; p < kPanels; ++p) w[p] = tiles_at(b.task, b.n + 16 * (panel + p), k_begin);
    __m512 sum[kActive][kPanels];
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_loadu_ps(sums + i * kColumns + 16 * (panel + p));
    }
    for (int64_t tile = 0; tile < tiles; ++tile, f += kTile) {
      __m512i packed[kPanels];
      for (int p = 0; p < kPanels; ++p) packed[p] = _mm512_loadu_si512(w[p] + 64 * tile);
      for (int64_t k = 0; k < kTile; k += 4) {
        for (int j = 0; j < 4; ++j) {
          __m512 weight[kPanels];
          for (int p = 0; p < kPanels; ++p) weight[p] = decode(_mm512_srli_epi32(packed[p], 8 * j));
          for (int i = 0; i < kActive; ++i) {
            const __m512 x = _mm512_set1_ps(f[i * ldf + k + j]);
            for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_fmadd_ps(weight[p], x, sum[i][p]);
          }
        }
        for (int p = 0; p < kPanels; ++p) packed[p] = _mm512_srli_epi32(packed[p], 2);
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) _mm512_storeu_ps(sums + i * kColumns + 16 * (panel + p), sum[i][p]);
    }
  }

  /** The weights in bits 0 and 1 of 16 dwords: the permutation looks at these bits alone. */
  static __m512 decode(__m512i packed) {
    return _mm512_permutevar_ps(_mm512_set4_ps(0.0f, 1.0f, 0.0f, -1.0f), packed);
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a16_i2s_8x16__avx512vnni, Fma)
