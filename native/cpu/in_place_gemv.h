/**
 * @file in_place_gemv.h
 * @brief A8 products for few rows of X, which multiply codes where they lie in their bytes; include a lanes header first.
 *
 * Masked in place, the codes of columns 4s ... 4s + 3 are 4^s times too large, and so are their sums: these are kept
 * apart by s and divided at the end, exactly. That spares the shifts that decoding costs.
 */
#ifndef TERNARY_CPU_IN_PLACE_GEMV_H_
#define TERNARY_CPU_IN_PLACE_GEMV_H_

#include "cpu/gemm.h"

namespace ternary::cpu {
namespace {

/**
 * A Micro. `Dot` has kPanels (a power of two) and
 *   add<panels>(w, tiles, q, sums)  adds the products of a row of X with up to 1024 columns of `panels` panels of W,
 *                                   w[panel], to sums [16 * panels]
 */
template <class Dot>
struct InPlaceGemv {
  using Sum = int32_t;
  static constexpr int64_t kRows = 4, kColumns = 16 * Dot::kPanels, kDecodedBytes = 0;
  static constexpr int64_t kChunkTiles = 64;  ///< few enough that further rows of X find the weights in the L1 cache

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, int32_t* sums, void*) {
    const int64_t tiles = ceil_div(k_end - k_begin, kTile);
    for (int64_t first = 0; first < tiles; first += kChunkTiles) {
      const int64_t count = tiles - first < kChunkTiles ? tiles - first : kChunkTiles;
      for (int64_t i = 0; i < b.rows; ++i) {
        add_panels<Dot::kPanels>(b, i, 0, k_begin + first * kTile, count, sums + i * kColumns);
      }
    }
  }

 private:
  /** The panels from `panel`: kPanels at a time, then the rest. */
  template <int kPanels>
  static void add_panels(const Block& b, int64_t i, int64_t panel, int64_t k, int64_t tiles, int32_t* sums) {
    for (; panel + kPanels <= b.panels; panel += kPanels) {
      const uint8_t* w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = tiles_at(b.task, b.n + 16 * (panel + p), k);
      Dot::template add<kPanels>(w, tiles, b.task.q + (b.m + i) * b.task.ldq + k, sums + 16 * panel);
    }
    if constexpr (kPanels > 1) {
      if (panel < b.panels) add_panels<kPanels / 2>(b, i, panel, k, tiles, sums);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_IN_PLACE_GEMV_H_
