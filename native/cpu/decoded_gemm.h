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
 *   kRows, kPanels, kChunkTiles     what its registers and the L1 cache hold
 *   decode(w, tiles, codes, stride) writes steps 0 ... 4 * tiles of one panel, `stride` bytes apart
 *   add<rows>(codes, tiles, q, ldq, sums)  adds the products of `rows` rows of X and all panels to sums [rows][columns]
 */
template <class Dot>
struct DecodedGemm {
  using Sum = int32_t;
  static constexpr int64_t kRows = 96, kColumns = 16 * Dot::kPanels;
  static constexpr int64_t kStepBytes = 64 * Dot::kPanels;
  static constexpr int64_t kDecodedBytes = 4 * kStepBytes * Dot::kChunkTiles;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto* codes = static_cast<uint8_t*>(decoded);
    const int64_t ldq = b.task.ldq, tiles = ceil_div(k_end - k_begin, kTile);
    for (int64_t first = 0; first < tiles; first += Dot::kChunkTiles) {
      const int64_t count = tiles - first < Dot::kChunkTiles ? tiles - first : Dot::kChunkTiles;
      const int64_t k = k_begin + first * kTile;
      for (int64_t p = 0; p < Dot::kPanels; ++p) {
        // Panels beyond the block repeat its last: their sums are not used.
        const int64_t panel = p < b.panels ? p : b.panels - 1;
        Dot::decode(tiles_at(b.task, b.n + 16 * panel, k), count, codes + 64 * p, kStepBytes);
      }
      for (int64_t i = 0; i < b.rows; i += Dot::kRows) {
        add_rows<Dot::kRows>(b.rows - i, codes, count, b.task.q + (b.m + i) * ldq + k, ldq, sums + i * kColumns);
      }
    }
  }

 private:
  /** Calls the instantiation for min(rows, kMost) rows. */
  template <int kMost>
  static void add_rows(int64_t rows, const uint8_t* codes, int64_t tiles, const int8_t* q, int64_t ldq, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(rows, codes, tiles, q, ldq, sums);
    }
    Dot::template add<kMost>(codes, tiles, q, ldq, sums);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_DECODED_GEMM_H_
