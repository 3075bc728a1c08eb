/**
 * @file panel_gemv.h
 * @brief A8 products for few rows of X that multiply packed weights as they come; include a lanes header first.
 *
 * One panel of W at a time is one stream from memory. Two side by side read memory at 26 GB/s instead of 36 (AVX2 on an
 * AMD EPYC family 25 model 17, 2 threads).
 */
#ifndef TERNARY_CPU_FRAME_PANEL_GEMV_H_
#define TERNARY_CPU_FRAME_PANEL_GEMV_H_

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

/** A piece of a panel, and where its units begin. */
struct UnitStretch {
  const uint8_t* w;  ///< the tile that has the first column
  int64_t skipped;   ///< steps of four columns of that tile which come before it: 0 where units are whole tiles
  int64_t columns;   ///< of all units; the last may be shorter
  int64_t unit;
  int64_t stride;  ///< from the sums of a unit to those of the next

  /** Steps of the unit that comes next, and of which `left` columns are left. */
  int64_t steps(int64_t left) const { return ceil_div(left < unit ? left : unit, 4); }
};

/** Rows of X of which a Dot's set_units takes care at once; 0 if it has no such function. */
template <class Dot, class = void>
struct UnitRows {
  static constexpr int value = 0;
};
template <class Dot>
struct UnitRows<Dot, std::void_t<decltype(Dot::kUnitRows)>> {
  static constexpr int value = Dot::kUnitRows;
};

/**
 * A Micro. `Dot` has
 *   Tile, kRows   I2sTile or T5Tile; the most rows of X that its registers hold
 *   add<rows>(w, tiles, q, ldq, prefetch_bytes, sums)  adds the products of `rows` rows of X and up to kChunkTiles tiles
 *                                                      of a panel to sums [rows][16]
 * and, if a call costs much of a unit,
 *   kUnitRows     the most rows of X for
 *   set_units<rows>(stretch, q, ldq, prefetch_bytes, sums)  sets sums [unit][stretch.stride / 16 rows][16]
 */
template <class Dot>
struct PanelGemv {
  using Sum = int32_t;
  using Tile = typename Dot::Tile;
  static constexpr int64_t kRows = 2 * Dot::kRows, kColumns = 16, kDecodedBytes = 0;
  static constexpr int64_t kChunkTiles = 64;  ///< few enough that further rows of X find the weights in the L1 cache
  static constexpr int64_t kUnitColumns = kChunkTiles * Tile::kColumns;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void*) {
    int64_t k = k_begin;
    if (k % Tile::kColumns != 0) k = add_part(patch, k, k_end, sums);
    // The last tile is whole at the end of a row, where X is zero beyond K.
    const int64_t whole_end = k_end == patch.task.K ? round_up(k_end, Tile::kColumns) : k_end;
    for (int64_t tiles = (whole_end - k) / Tile::kColumns; tiles > 0; tiles -= kChunkTiles) {
      const int64_t count = tiles < kChunkTiles ? tiles : kChunkTiles;
      add_tiles(patch, k, count, patch.task.q + patch.m * patch.task.ldq + k, patch.task.ldq, sums);
      k += count * Tile::kColumns;
    }
    if (k < k_end) add_part(patch, k, k_end, sums);
  }

  static void accumulate_units(const Patch& patch, int64_t first, int64_t last, int32_t* sums) {
    const int64_t unit = patch.unit, cells = patch.rows * kColumns;
    if constexpr (UnitRows<Dot>::value > 0) {
      constexpr int kMost = UnitRows<Dot>::value;
      if (kMost > 1 || patch.rows == 1) {
        const int64_t k = first * unit, k_end = last * unit < patch.task.K ? last * unit : patch.task.K;
        const UnitStretch stretch = {tiles_at<Tile>(patch.task, patch.n, k), k % Tile::kColumns / 4, k_end - k, unit,
                                     cells};
        for (int64_t i = 0; i < patch.rows; i += kMost) {
          set_rows<kMost>(patch, i, stretch, patch.task.q + (patch.m + i) * patch.task.ldq + k, sums + i * kColumns);
        }
        return;
      }
    }
    std::memset(sums, 0, static_cast<size_t>((last - first) * cells) * sizeof *sums);
    for (int64_t u = first; u < last; ++u, sums += cells) {
      accumulate(patch, u * unit, (u + 1) * unit < patch.task.K ? (u + 1) * unit : patch.task.K, sums, nullptr);
    }
  }

 private:
  /** The columns k ... k_end that lie in one tile, whose others meet zeros: a unit's edge. Returns their end. */
  static int64_t add_part(const Patch& patch, int64_t k, int64_t k_end, int32_t* sums) {
    constexpr int64_t kLdq = round_up(Tile::kColumns, 16);
    const int64_t tile_k = k / Tile::kColumns * Tile::kColumns, tile_end = tile_k + Tile::kColumns;
    const int64_t end = tile_end < k_end ? tile_end : k_end;
    int8_t q[kRows * kLdq] = {};
    for (int64_t i = 0; i < patch.rows; ++i) {
      std::memcpy(q + i * kLdq + k - tile_k, patch.task.q + (patch.m + i) * patch.task.ldq + k,
                  static_cast<size_t>(end - k));
    }
    add_tiles(patch, k, 1, q, kLdq, sums);
    return end;
  }

  static void add_tiles(const Patch& patch, int64_t k, int64_t tiles, const int8_t* q, int64_t ldq, int32_t* sums) {
    const uint8_t* w = tiles_at<Tile>(patch.task, patch.n, k);
    for (int64_t i = 0; i < patch.rows; i += Dot::kRows) {
      add_rows<Dot::kRows>(patch.rows - i, w, tiles, q + i * ldq, ldq, patch.task.prefetch_bytes, sums + i * kColumns);
    }
  }

  /** Calls the instantiation for as many rows from i as there are, of which it takes up to kMost. */
  template <int kMost>
  static void set_rows(const Patch& patch, int64_t i, const UnitStretch& stretch, const int8_t* q, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (patch.rows - i < kMost) return set_rows<kMost - 1>(patch, i, stretch, q, sums);
    }
    Dot::template set_units<kMost>(stretch, q, patch.task.ldq, patch.task.prefetch_bytes, sums);
  }

  /** Calls the instantiation for min(rows, kMost) rows. */
  template <int kMost>
  static void add_rows(int64_t rows, const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                       int64_t prefetch_bytes, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(rows, w, tiles, q, ldq, prefetch_bytes, sums);
    }
    Dot::template add<kMost>(w, tiles, q, ldq, prefetch_bytes, sums);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_PANEL_GEMV_H_
