// One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. T5 is decoded
// in registers, more panels at a time where there are few rows of X.

#include "cpu/avx512vnni/t5_codes.h"
#include "cpu/frame/panel_gemm.h"

namespace ternary::cpu {
namespace {

struct Fma {
  static constexpr int kRows = 8;
  static constexpr int panels(int rows) { return rows == 1 ? 4 : 2; }

  /** Whole tiles where they lie; a tile that a group's edge cuts, with zeros for the X outside the group. */
  template <int kActive, int kPanels>
  static void add(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    constexpr int64_t kColumnsATile = T5Tile::kColumns;
    const float* f = patch.task.f + patch.m * patch.task.ldf;
    for (int64_t k = k_begin; k < k_end;) {
      const int64_t tile_k = k / kColumnsATile * kColumnsATile;
      const uint8_t* w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = tiles_at<T5Tile>(patch.task, patch.n + 16 * (panel + p), k);
      const int64_t whole_end = k_end == patch.task.K ? round_up(k_end, kColumnsATile) : k_end;
      const int64_t whole = k == tile_k ? (whole_end - k) / kColumnsATile : 0;
      if (whole > 0) {
        add_tiles<kActive, kPanels>(w, whole, f + k, patch.task.ldf, sums);
        k += whole * kColumnsATile;
        continue;
      }
      const int64_t end = tile_k + kColumnsATile < k_end ? tile_k + kColumnsATile : k_end;
      float part[kActive][kColumnsATile] = {};
      for (int i = 0; i < kActive; ++i) {
        std::memcpy(part[i] + k - tile_k, f + i * patch.task.ldf + k, static_cast<size_t>(end - k) * sizeof(float));
      }
      add_tiles<kActive, kPanels>(w, 1, part[0], kColumnsATile, sums);
      k = end;
    }
  }

 private:
  /**
   * A tile costs a panel 16 operations, and a column two (a shift for three in four, a permutation) and an fma for each
   * row: one row 35.5 cycles on two ports (llvm-mca, Ice Lake: 36.8).
   */
  template <int kActive, int kPanels>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add_tiles(const uint8_t* const* w, int64_t tiles, const float* f, int64_t ldf,
                                                  float* sums) {
    __m512 sum[kActive][kPanels];
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_loadu_ps(sums + i * kPanelSums + 16 * p);
    }
    for (int64_t tile = 0; tile < tiles; ++tile, f += T5Tile::kColumns) {
      T5Steps steps[kPanels];
      for (int p = 0; p < kPanels; ++p) steps[p] = t5_steps(_mm512_loadu_si512(w[p] + 64 * tile));
      for (int step = 0; step < T5Tile::kSteps; ++step) {
        for (int j = 0; j < 4; ++j) {
          __m512 weight[kPanels];
          for (int p = 0; p < kPanels; ++p) weight[p] = decode(_mm512_srli_epi32(steps[p].codes[step], 8 * j));
          for (int i = 0; i < kActive; ++i) {
            const __m512 x = _mm512_set1_ps(f[i * ldf + 4 * step + j]);
            for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_fmadd_ps(weight[p], x, sum[i][p]);
          }
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanels; ++p) _mm512_storeu_ps(sums + i * kPanelSums + 16 * p, sum[i][p]);
    }
  }

  /** The weights in bits 0 and 1 of 16 dwords: the permutation looks at these bits alone. */
  static __m512 decode(__m512i codes) { return _mm512_permutevar_ps(_mm512_set4_ps(0.0f, 1.0f, 0.0f, -1.0f), codes); }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a16_t5_8x16__avx512vnni, PanelGemm<Fma>)
