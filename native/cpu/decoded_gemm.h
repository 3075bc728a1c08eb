/**
 * @file decoded_gemm.h
 * @brief A8 products that decode weights once for many rows of X; include a lanes header first.
 *
 * A chunk of K of a few panels of W is decoded to bytes in scratch, 64 bytes a step of four columns: dword n of a step
 * holds the codes of row n of the panel. Broadcast four activations, multiply, add: what dpbusd and maddubs want.
 */
#ifndef TERNARY_CPU_DECODED_GEMM_H_
#define TERNARY_CPU_DECODED_GEMM_H_

#include "cpu/gemm.h"

namespace ternary::cpu {
namespace {

/**
 * A Micro. `Dot` has
 *   kRows, kPanels, kChunkSteps    what its registers, its sums and the L1 cache hold
 *   add<rows>(codes, steps, q, ldq, sums)  adds the products of `rows` rows of X and all panels to sums [rows][columns]
 * and `Codes`, the layout of W, has
 *   Tile                           I2sTile or T5Tile
 *   decode(w, tiles, codes, stride)  writes the steps of `tiles` tiles of one panel, `stride` bytes apart
 */
template <class Dot, class Codes>
struct DecodedGemm {
  using Sum = int32_t;
  using Tile = typename Codes::Tile;
  static constexpr int64_t kRows = 96, kColumns = 16 * Dot::kPanels;
  static constexpr int64_t kStepBytes = 64 * Dot::kPanels;
  static constexpr int64_t kChunkTiles = Dot::kChunkSteps / Tile::kSteps;
  static constexpr int64_t kDecodedBytes = kStepBytes * Tile::kSteps * kChunkTiles;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto* codes = static_cast<uint8_t*>(decoded);
    const int64_t ldq = b.task.ldq;
    for (int64_t k = k_begin; k < k_end;) {
      // A group may begin and end inside a tile, but never inside a step.
      const int64_t skipped = k % Tile::kColumns / 4, tile_k = k - 4 * skipped;
      const int64_t left = ceil_div(k_end - tile_k, Tile::kColumns);
      const int64_t tiles = left < kChunkTiles ? left : kChunkTiles;
      const int64_t tiles_end = tile_k + tiles * Tile::kColumns, end = tiles_end < k_end ? tiles_end : k_end;
      for (int64_t p = 0; p < Dot::kPanels; ++p) {
        // Panels beyond the block repeat its last: their sums are not used.
        const int64_t panel = p < b.panels ? p : b.panels - 1;
        Codes::decode(tiles_at<Tile>(b.task, b.n + 16 * panel, k), tiles, codes + 64 * p, kStepBytes);
      }
      const int64_t steps = ceil_div(end - k, 4);
      for (int64_t i = 0; i < b.rows; i += Dot::kRows) {
        add_rows<Dot::kRows>(b.rows - i, codes + skipped * kStepBytes, steps, b.task.q + (b.m + i) * ldq + k, ldq,
                             sums + i * kColumns);
      }
      k = end;
    }
  }

 private:
  /** Calls the instantiation for min(rows, kMost) rows. */
  template <int kMost>
  static void add_rows(int64_t rows, const uint8_t* codes, int64_t steps, const int8_t* q, int64_t ldq, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(rows, codes, steps, q, ldq, sums);
    }
    Dot::template add<kMost>(codes, steps, q, ldq, sums);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_DECODED_GEMM_H_
