// One fp32 sum an output, k ascending, a lane a row of W: so the bits are those of the portable kernel. More sums in
// flight come from more rows of W where there are few of X.

#include "cpu/lanes_avx2.h"

#include "cpu/gemm.h"

namespace ternary::cpu {
namespace {

struct Fma {
  using Sum = float;
  static constexpr int64_t kRows = 4, kColumns = 64, kDecodedBytes = 0;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, float* sums, void*) {
    switch (b.rows) {
      case 1: return add_panels<1, 2>(b, 0, k_begin, k_end, sums);
      case 2: return add_panels<2, 2>(b, 0, k_begin, k_end, sums);
      case 3: return add_panels<3, 1>(b, 0, k_begin, k_end, sums);
      default: return add_panels<4, 1>(b, 0, k_begin, k_end, sums);
    }
  }

 private:
  /** kPanels panels at a time from `panel`, then the rest. */
  template <int kActive, int kPanels>
  static void add_panels(const Block& b, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    for (; panel + kPanels <= b.panels; panel += kPanels) add<kActive, kPanels>(b, panel, k_begin, k_end, sums);
    if constexpr (kPanels > 1) {
      if (panel < b.panels) add_panels<kActive, kPanels / 2>(b, panel, k_begin, k_end, sums);
    }
  }

  template <int kActive, int kPanels>
  __attribute__((noinline)) static void add(const Block& b, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    constexpr int kVectors = 2 * kPanels;
    const int64_t ldf = b.task.ldf;
    const uint8_t* w[kPanels];
    for (int p = 0; p < kPanels; ++p) w[p] = tiles_at(b.task, b.n + 16 * (panel + p), k_begin);
    __m256 sum[kActive][kVectors];
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_loadu_ps(sums + i * kColumns + 16 * panel + 8 * v);
    }
    const float* f = b.task.f + b.m * ldf + k_begin;
    const int64_t tiles = ceil_div(k_end - k_begin, kTile);
    for (int64_t tile = 0; tile < tiles; ++tile, f += kTile) {
#pragma GCC unroll 16
      for (int j = 0; j < 16; ++j) {
        __m256 weight[kVectors];
        for (int v = 0; v < kVectors; ++v) weight[v] = decode(w[v / 2] + 64 * tile + 32 * (v % 2), 8 * (j % 4) + 2 * (j / 4));
        for (int i = 0; i < kActive; ++i) {
          const __m256 x = _mm256_broadcast_ss(f + i * ldf + j);
          for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_fmadd_ps(weight[v], x, sum[i][v]);
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(sums + i * kColumns + 16 * panel + 8 * v, sum[i][v]);
    }
  }

  /** The weights at bits shift, shift + 1 of 8 dwords: the permutation looks at the low two bits of each alone. */
  static __m256 decode(const uint8_t* w, int shift) {
    const __m256 weights = _mm256_setr_ps(-1.0f, 0.0f, 1.0f, 0.0f, -1.0f, 0.0f, 1.0f, 0.0f);
    const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
    return _mm256_permutevar_ps(weights, _mm256_srli_epi32(packed, shift));
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a16_i2s_4x16__avx2, Fma)
