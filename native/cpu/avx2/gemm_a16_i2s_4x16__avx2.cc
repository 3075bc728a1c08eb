// One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. More sums in
// flight come from more rows of W where there are few of X.
//
// For one row of X two pipes of Zen 4 do all permutations and shifts: 31 for 32 bytes of weights, 15.5 cycles, 5.9 GB/s
// at 2.87 GHz; the loop reaches 5.7 (four panels 6.0). No faster: bytes by unaligned loads instead of shifts (4.6),
// shifts by vpmulhuw on the other pipes (4.9-5.7), shifted copies in the L1 cache, half permuted sums (6.4).

#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/panel_gemm.h"

namespace ternary::cpu {
namespace {

struct Fma {
  static constexpr int kRows = 4;
  static constexpr int panels(int rows) { return rows <= 2 ? 2 : 1; }

  template <int kActive, int kPanels>
  __attribute__((noinline)) static void add(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end,
                                            float* sums) {
    constexpr int kVectors = 2 * kPanels;
    const int64_t ldf = patch.task.ldf;
    const uint8_t* w[kPanels];
    for (int p = 0; p < kPanels; ++p) w[p] = tiles_at(patch.task, patch.n + 16 * (panel + p), k_begin);
    __m256 sum[kActive][kVectors];
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_loadu_ps(sums + i * kPanelSums + 8 * v);
    }
    const float* f = patch.task.f + patch.m * ldf + k_begin;
    const int64_t tiles = ceil_div(k_end - k_begin, kTile);
    // Of the panels that come next: streaming 66 GOPS instead of 57 without (Zen 5).
    const int64_t ahead = kPanels * panel_bytes(patch.task);
    for (int64_t tile = 0; tile < tiles; ++tile, f += kTile) {
      for (const uint8_t* first : w) {
        _mm_prefetch(reinterpret_cast<const char*>(first + 64 * tile + ahead), _MM_HINT_T0);
      }
      __m256i packed[kVectors];
      for (int v = 0; v < kVectors; ++v) packed[v] = load_codes(w[v / 2] + 64 * tile + 32 * (v % 2));
      for (int64_t k = 0; k < kTile; k += 4) {
        for (int j = 0; j < 4; ++j) {
          __m256 weight[kVectors];
          for (int v = 0; v < kVectors; ++v) weight[v] = decode(_mm256_srli_epi32(packed[v], 8 * j));
          for (int i = 0; i < kActive; ++i) {
            const __m256 x = _mm256_broadcast_ss(f + i * ldf + k + j);
            for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_fmadd_ps(weight[v], x, sum[i][v]);
          }
        }
        for (int v = 0; v < kVectors; ++v) packed[v] = _mm256_srli_epi32(packed[v], 2);
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(sums + i * kPanelSums + 8 * v, sum[i][v]);
    }
  }

 private:
  static __m256i load_codes(const uint8_t* w) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)); }

  /** The weights in bits 0 and 1 of 8 dwords: the permutation looks at these bits alone. */
  static __m256 decode(__m256i packed) {
    return _mm256_permutevar_ps(_mm256_setr_ps(-1.0f, 0.0f, 1.0f, 0.0f, -1.0f, 0.0f, 1.0f, 0.0f), packed);
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a16_i2s_4x16__avx2, PanelGemm<Fma>)
