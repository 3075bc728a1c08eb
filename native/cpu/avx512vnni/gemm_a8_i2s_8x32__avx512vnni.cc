// For many rows of X: weights are decoded in registers, for eight rows of X and two panels of W at a time. A vector of
// codes then serves eight dpbusd and a broadcast two, so that loads do not hold them up.
//
// Zen 5, 2560 x 2560, one core, where the peak is 1060 GOPS: 1030 at M = 8, 16 and 96, 1010 at 512. One panel and 16
// rows reach 923: each dpbusd then needs a load, and two loads start in a cycle. Decoding into memory first reaches 785,
// 881, 964 and 903. Rearranging X by steps gains 2 %, but for each piece of N anew.

#include "cpu/avx512vnni/dot.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Sum = int32_t;
  static constexpr int kBlock = 8, kPanels = 2;  ///< rows of X and panels of W whose sums are in registers
  static constexpr int64_t kRows = 2 * kBlock, kColumns = 16 * kPanels, kDecodedBytes = 0;
  static constexpr int64_t kChunkTiles = 64;  ///< few enough that the second block finds the weights in the L1 cache

  /** Groups are multiples of 32 columns, so tiles are never cut. */
  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void*) {
    const int64_t tiles = ceil_div(k_end - k_begin, I2sTile::kColumns);
    for (int64_t tile = 0; tile < tiles; tile += kChunkTiles) {
      const int64_t k = k_begin + tile * I2sTile::kColumns;
      const int64_t count = tiles - tile < kChunkTiles ? tiles - tile : kChunkTiles;
      int64_t rows = 0;
      for (int64_t i = 0; i < patch.rows; i += rows) {
        rows = ceil_div(patch.rows - i, ceil_div(patch.rows - i, kBlock));  // blocks of like size: 9 rows as 5 and 4
        add_rows<kBlock>(patch, i, rows, k, count, sums + i * kColumns);
      }
    }
  }

 private:
  /** Calls the instantiation for `rows` rows, of which there are at most kMost. */
  template <int kMost>
  static void add_rows(const Patch& patch, int64_t i, int64_t rows, int64_t k, int64_t tiles, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(patch, i, rows, k, tiles, sums);
    }
    const uint8_t* w = tiles_at(patch.task, patch.n, k);
    const int8_t* q = patch.task.q + (patch.m + i) * patch.task.ldq + k;
    if (patch.panels == kPanels) {
      const int64_t panel_bytes = tiles_at(patch.task, patch.n + 16, k) - w;
      add<kMost, kPanels>(w, panel_bytes, tiles, q, patch.task.ldq, patch.task.prefetch_bytes, sums);
    } else {
      add<kMost, 1>(w, 0, tiles, q, patch.task.ldq, patch.task.prefetch_bytes, sums);
    }
  }

  template <int kActive, int kPanelsHere>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t panel_bytes, int64_t tiles, const int8_t* q,
                                            int64_t ldq, int64_t prefetch_bytes, int32_t* sums) {
    const __m512i mask = _mm512_set1_epi8(0x03);
    Sums sum[kActive][kPanelsHere] = {};
    for (const uint8_t* end = w + 64 * tiles; w < end; w += 64, q += I2sTile::kColumns) {
      __m512i packed[kPanelsHere];
      for (int p = 0; p < kPanelsHere; ++p) {
        _mm_prefetch(reinterpret_cast<const char*>(w + p * panel_bytes + prefetch_bytes), _MM_HINT_T0);
        packed[p] = _mm512_loadu_si512(w + p * panel_bytes);
      }
      for (int s = 0; s < 4; ++s) {
        __m512i codes[kPanelsHere];
        for (int p = 0; p < kPanelsHere; ++p) {
          codes[p] = _mm512_and_si512(s == 0 ? packed[p] : _mm512_srli_epi16(packed[p], 2 * s), mask);
        }
        for (int i = 0; i < kActive; ++i) {
          for (int p = 0; p < kPanelsHere; ++p) sum[i][p] = add_products(sum[i][p], codes[p], q + i * ldq + 4 * s);
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int p = 0; p < kPanelsHere; ++p) add_sums(sums + i * kColumns + 16 * p, sum[i][p]);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a8_i2s_8x32__avx512vnni, InRegisters)
