/**
 * @file cuda_layout.h
 * @brief Codes and rows of q as GPU kernels read them: arrangements, sizes, places.
 */
#ifndef TERNARY_ABI_CUDA_LAYOUT_H_
#define TERNARY_ABI_CUDA_LAYOUT_H_

#include <cstdint>

#include "abi/kernel.h"

namespace ternary {

/**
 * Arrangements of codes on a GPU, made once by core/cuda/copies/layout.cc. A tile has 16 rows of W and is 512 bytes, 16
 * for each lane of a warp; the tiles of 16 rows lie in ascending K one after the other. Lane `4 * g + t` (g = 0 ... 7,
 * t = 0 ... 3) holds bytes 16 * lane ... + 15 of a tile: four words i = 2 * h + r (h, r = 0, 1) of four bytes b each, and
 * byte b of word i holds, for each step d, the code of
 *
 *     row  n = 16 * panel + 8 * r + g         column  k = tile_columns * tile + 32 * d + 16 * h + 4 * t + b
 *
 *   i2s  d = 0 ... 3 at bits 2 * d: 128 columns a tile, 2.00 bits a weight
 *   t5   d = 0 ... 4, five base-3 digits as in TERNARY_LAYOUT_T5_TILED, c_d the code of step d: 160 columns, 1.60 bits
 *   dense  the fallback's: bf16 -1, 0, +1, row-major [N, round_up(K, 64)], zeros beyond K and no tiles
 *   top2  CUTLASS's: the two highest bits of 2 * w as bf16, which are those of f16 too: sign, and the exponent's highest bit.
 *         +2 is 01, -2 is 11, 0 is 00. Row-major [N, round_up(K, 128)], zeros beyond K and no tiles. A word has 16 columns
 *         k: of an even one at bits 14 - k and 15 - k, of an odd one at 31 - k and 32 - k. So (word << 2 * j) & 0xc000c000
 *         is the pair of columns 2 * j and 2 * j + 1.
 *
 * So word i is register a_i of the A operand of mma.m16n8k32 for every step d, and a lane that uses dp4a meets two rows
 * with one set of q. Rows beyond N and columns beyond K hold code 1.
 */
enum class CudaLayout : uint8_t { i2s, t5, dense, top2 };
inline constexpr int kCudaLayoutCount = 4;
inline constexpr const char* kCudaLayoutNames[kCudaLayoutCount] = {"i2s", "t5", "dense", "top2"};

inline constexpr int64_t kCudaTileBytes = 512;
/** Columns of K in a tile; of a layout without tiles: those that rows are padded to a multiple of. */
inline constexpr int64_t cuda_tile_columns(CudaLayout layout) {
  return layout == CudaLayout::t5 ? 160 : layout == CudaLayout::dense ? 64 : 128;
}

/** Rows of W one behind the other, without tiles. */
inline constexpr bool cuda_row_major(CudaLayout layout) {
  return layout == CudaLayout::dense || layout == CudaLayout::top2;
}

/** Bytes of a row of W of such a layout. */
inline constexpr int64_t cuda_row_bytes(CudaLayout layout, int64_t K) {
  const int64_t columns = round_up(K, cuda_tile_columns(layout));
  return layout == CudaLayout::dense ? 2 * columns : columns / 4;
}

/** Columns of a row of q (zeros beyond K) that kernels of a layout may read: whole tiles and whole lines of 64. */
inline constexpr int64_t cuda_padded_columns(CudaLayout layout, int64_t K) {
  return round_up(K, layout == CudaLayout::t5 ? 320 : 128);
}

/** Bytes of a panel: 16 rows of W, or as many as there are of a layout without tiles. */
inline constexpr int64_t cuda_panel_bytes(CudaLayout layout, int64_t rows, int64_t K) {
  return cuda_row_major(layout) ? rows * cuda_row_bytes(layout, K)
                                : ceil_div(K, cuda_tile_columns(layout)) * kCudaTileBytes;
}

/** Bytes of an [N, K] matrix. */
inline constexpr int64_t cuda_layout_bytes(CudaLayout layout, int64_t N, int64_t K) {
  return cuda_row_major(layout) ? cuda_panel_bytes(layout, N, K)
                                : ceil_div(N, kTile) * cuda_panel_bytes(layout, kTile, K);
}

/** What weights kept in a layout of the host become on a GPU. */
inline constexpr CudaLayout cuda_layout_of(ternary_layout layout) {
  return traits(layout).encoding == Encoding::t5 ? CudaLayout::t5 : CudaLayout::i2s;
}

/**
 * Where column k of a row of q lies in the permuted order that kernels of tiles read: within each line of 64 columns
 * k = 32 * j + 16 * h + 4 * t + b lies at 16 * t + 8 * j + 4 * h + b, so that a lane's 16 bytes are registers b0, b1 of
 * two successive steps of mma.m16n8k32, and the four operands of eight dp4a.
 */
inline constexpr int64_t cuda_q_position(int64_t k) {
  return (k & ~int64_t{63}) + 16 * (k >> 2 & 3) + 8 * (k >> 5 & 1) + 4 * (k >> 4 & 1) + (k & 3);
}

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_LAYOUT_H_
