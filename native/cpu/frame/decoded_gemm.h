/**
 * @file decoded_gemm.h
 * @brief Products that decode weights once for many rows of X; include a lanes header first.
 *
 * A chunk of K of a few panels of W is decoded to bytes in scratch, 64 bytes a step of four columns: dword n of a step
 * holds the codes of row n of the panel. Broadcast four activations, multiply, add: what dpbusd and maddubs want.
 */
#ifndef TERNARY_CPU_FRAME_DECODED_GEMM_H_
#define TERNARY_CPU_FRAME_DECODED_GEMM_H_

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

/** X as sums of this type take it: q for exact ones, f for fp32. */
template <class Sum>
struct RowsOfX;

template <>
struct RowsOfX<int32_t> {
  using Element = int8_t;
  explicit RowsOfX(const GemmTask& t) : rows(t.q), stride(t.ldq) {}
  const int8_t* rows;
  int64_t stride;
};

template <>
struct RowsOfX<float> {
  using Element = float;
  explicit RowsOfX(const GemmTask& t) : rows(t.f), stride(t.ldf) {}
  const float* rows;
  int64_t stride;
};

/**
 * A Micro. `Dot` has
 *   kRows, kPanels, kChunkSteps    what its registers, its sums and the L1 cache hold
 *   Sum                            int32_t for A8, float for A16
 *   add<rows>(codes, steps, x, ldx, sums)  adds the products of `rows` rows of X, q or f, and all panels to sums
 *                                  [rows][columns]
 * and `Codes`, the layout of W, has
 *   Tile                           I2sTile, T5Tile or T3Tile
 *   decode(w, tiles, codes, stride)  writes the steps of `tiles` tiles of one panel, `stride` bytes apart
 */
template <class Dot, class Codes>
struct DecodedGemm {
  using Sum = typename Dot::Sum;
  using Tile = typename Codes::Tile;
  using X = typename RowsOfX<Sum>::Element;
  static constexpr int64_t kRows = 96, kColumns = 16 * Dot::kPanels;
  static constexpr int64_t kStepBytes = 64 * Dot::kPanels;
  static constexpr int64_t kChunkTiles = Dot::kChunkSteps / Tile::kSteps;
  static constexpr int64_t kDecodedBytes = kStepBytes * Tile::kSteps * kChunkTiles;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, Sum* sums, void* decoded) {
    auto* codes = static_cast<uint8_t*>(decoded);
    const RowsOfX<Sum> x(patch.task);
    for (int64_t k = k_begin; k < k_end;) {
      // A group may begin and end inside a tile, but never inside a step.
      const int64_t skipped = k % Tile::kColumns / 4, tile_k = k - 4 * skipped;
      const int64_t left = ceil_div(k_end - tile_k, Tile::kColumns);
      const int64_t tiles = left < kChunkTiles ? left : kChunkTiles;
      const int64_t tiles_end = tile_k + tiles * Tile::kColumns, end = tiles_end < k_end ? tiles_end : k_end;
      for (int64_t p = 0; p < Dot::kPanels; ++p) {
        // Panels beyond the patch repeat its last: their sums are not used.
        const int64_t panel = p < patch.panels ? p : patch.panels - 1;
        Codes::decode(tiles_at<Tile>(patch.task, patch.n + 16 * panel, k), tiles, codes + 64 * p, kStepBytes);
      }
      const int64_t steps = ceil_div(end - k, 4);
      int64_t rows = 0;
      for (int64_t i = 0; i < patch.rows; i += rows) {
        rows = like_rows(patch.rows - i, Dot::kRows);
        add_rows<Dot::kRows>(rows, codes + skipped * kStepBytes, steps, x.rows + (patch.m + i) * x.stride + k, x.stride,
                             sums + i * kColumns);
      }
      k = end;
    }
  }

 private:
  /** Calls the instantiation for min(rows, kMost) rows. */
  template <int kMost>
  static void add_rows(int64_t rows, const uint8_t* codes, int64_t steps, const X* x, int64_t ldx, Sum* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(rows, codes, steps, x, ldx, sums);
    }
    Dot::template add<kMost>(codes, steps, x, ldx, sums);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_DECODED_GEMM_H_
