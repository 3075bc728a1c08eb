/**
 * @file layout.h
 * @brief Codes in the arrangements of GPU kernels: from the layouts of the host, and back for tests.
 */
#ifndef TERNARY_CORE_CUDA_LAYOUT_H_
#define TERNARY_CORE_CUDA_LAYOUT_H_

#include <cstdint>

#include "abi/cuda_kernel.h"

namespace ternary {

/** Bytes of a panel: 16 rows of W, or as many as there are for `dense`, which has no tiles. */
inline constexpr int64_t cuda_panel_bytes(CudaLayout layout, int64_t rows, int64_t K) {
  return layout == CudaLayout::dense ? rows * round_up(K, 64) * 2
                                     : ceil_div(K, cuda_tile_columns(layout)) * kCudaTileBytes;
}

/** Bytes of an [N, K] matrix. */
inline constexpr int64_t cuda_layout_bytes(CudaLayout layout, int64_t N, int64_t K) {
  return layout == CudaLayout::dense ? cuda_panel_bytes(layout, N, K)
                                     : ceil_div(N, kTile) * cuda_panel_bytes(layout, kTile, K);
}

/** What weights kept in a layout of the host become on a GPU. */
inline constexpr CudaLayout cuda_layout_of(ternary_layout layout) {
  return traits(layout).encoding == Encoding::t5 ? CudaLayout::t5 : CudaLayout::i2s;
}

/** The panel of up to 16 rows of checked I2S: every byte is written, code 1 beyond the rows and K. */
void cuda_panel_from_i2s(CudaLayout layout, const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel);

/** Undoes it. */
void i2s_from_cuda_panel(CudaLayout layout, const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_LAYOUT_H_
