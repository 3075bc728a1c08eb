// For many rows of X: weights are decoded in registers, for eight rows of X and two panels of W at a time. A vector of
// codes then serves eight dpbusd and a broadcast two, so that loads do not hold them up.
//
// Zen 5, 2560 x 2560, one core, where the peak is 1060 GOPS: 1027, 1039, 1033 and 1024 at M = 8, 16, 64 and 512. Decoding
// into memory for 96 rows reaches 769, 865, 951 and 917. One panel and 16 rows: 923, for each dpbusd needs a load, and two
// loads start in a cycle. X rearranged by steps gains 2 %, but each piece of N would rearrange it anew. A loop over groups
// inside the function: groups of 32, 64 and 128 at M = 64 reach 604, 759 and 854 instead of 356, 543 and 693. Two sets of
// sums for few rows: 785, 940 and 998 instead of 531, 729 and 886 at M = 2, 3 and 4.

#include "cpu/avx512vnni/dot.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Sum = int32_t;
  static constexpr int kBlock = 8, kPanels = 2;  ///< rows of X and panels of W whose sums are in registers
  static constexpr int64_t kRows = 2 * kBlock, kColumns = 16 * kPanels, kDecodedBytes = 0;
  static constexpr int64_t kUnitColumns = INT64_MAX;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void*) {
    set_blocks(patch, {k_begin, k_end, k_end - k_begin}, sums);
  }

  static void accumulate_units(const Patch& patch, int64_t first, int64_t last, int32_t* sums) {
    const int64_t k_end = last * patch.unit;
    set_blocks(patch, {first * patch.unit, k_end < patch.task.K ? k_end : patch.task.K, patch.unit}, sums);
  }

 private:
  /** Columns k_begin ... k_end, of which each `length` have sums of their own. Units are multiples of 32, so of tiles. */
  struct Stretches {
    int64_t k_begin, k_end, length;
  };

  /** Sets sums [stretch][row][kColumns]. */
  static void set_blocks(const Patch& patch, const Stretches& stretches, int32_t* sums) {
    int64_t rows = 0;
    for (int64_t i = 0; i < patch.rows; i += rows) {
      rows = like_rows(patch.rows - i, kBlock);
      set_rows<kBlock>(patch, i, rows, stretches, sums + i * kColumns);
    }
  }

  /** Calls the instantiation for `rows` rows, of which there are at most kMost. */
  template <int kMost>
  static void set_rows(const Patch& patch, int64_t i, int64_t rows, const Stretches& stretches, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return set_rows<kMost - 1>(patch, i, rows, stretches, sums);
    }
    const int64_t k = stretches.k_begin;
    const uint8_t* w = tiles_at(patch.task, patch.n, k);
    const int64_t panel_bytes = tiles_at(patch.task, patch.n + 16, k) - w;
    const int8_t* q = patch.task.q + (patch.m + i) * patch.task.ldq + k;
    if (patch.panels == kPanels) {
      set<kMost, kPanels>(patch, w, panel_bytes, q, stretches, sums);
    } else {
      set<kMost, 1>(patch, w, panel_bytes, q, stretches, sums);
    }
  }

  template <int kActive, int kPanelsHere>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void set(const Patch& patch, const uint8_t* w, int64_t panel_bytes, const int8_t* q,
                                            const Stretches& stretches, int32_t* sums) {
    // Eight sums keep two dpbusd a cycle of four cycles busy, if they come in the best order: so there are more.
    constexpr int kSets = kActive * kPanelsHere <= 8 ? 2 : 1;
    const __m512i mask = _mm512_set1_epi8(0x03);
    // Of the panels that come next. 16 KB ahead is the panel beside where K = 4096: 698 GOPS instead of 1045 streaming.
    const int64_t ldq = patch.task.ldq, ahead = kPanels * panel_bytes;
    const int64_t step = patch.rows * kColumns, stretch_bytes = 64 * ceil_div(stretches.length, kTile);
    const uint8_t* const end = w + 64 * ceil_div(stretches.k_end - stretches.k_begin, kTile);
    while (w < end) {
      const uint8_t* const stretch_end = end - w < stretch_bytes ? end : w + stretch_bytes;
      Sums sum[kSets][kActive][kPanelsHere] = {};
      for (; w < stretch_end; w += 64, q += I2sTile::kColumns) {
        __m512i packed[kPanelsHere];
        for (int p = 0; p < kPanelsHere; ++p) {
          _mm_prefetch(reinterpret_cast<const char*>(w + p * panel_bytes + ahead), _MM_HINT_T0);
          packed[p] = _mm512_loadu_si512(w + p * panel_bytes);
        }
        for (int s = 0; s < 4; ++s) {
          __m512i codes[kPanelsHere];
          for (int p = 0; p < kPanelsHere; ++p) {
            codes[p] = _mm512_and_si512(s == 0 ? packed[p] : _mm512_srli_epi16(packed[p], 2 * s), mask);
          }
          for (int i = 0; i < kActive; ++i) {
            for (int p = 0; p < kPanelsHere; ++p) {
              sum[s % kSets][i][p] = add_products(sum[s % kSets][i][p], codes[p], q + i * ldq + 4 * s);
            }
          }
        }
      }
      for (int i = 0; i < kActive; ++i) {
        for (int p = 0; p < kPanelsHere; ++p) {
          _mm512_storeu_si512(sums + i * kColumns + 16 * p, total<kSets>(sum[0][i][p], sum[kSets - 1][i][p]));
        }
      }
      sums += step;
    }
  }

  /** Of two sets; of one, which is given twice, itself. */
  template <int kSets>
  static __m512i total(Sums first, Sums last) {
    const auto sums = reinterpret_cast<__m512i>(first);
    return kSets == 1 ? sums : _mm512_add_epi32(sums, reinterpret_cast<__m512i>(last));
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemm_a8_i2s_8x32__avx512vnni, InRegisters)
