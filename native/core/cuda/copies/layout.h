/**
 * @file layout.h
 * @brief Codes in the arrangements of GPU kernels: from the layouts of the host, and back for tests.
 */
#ifndef TERNARY_CORE_CUDA_COPIES_LAYOUT_H_
#define TERNARY_CORE_CUDA_COPIES_LAYOUT_H_

#include <cstdint>

#include "abi/cuda_layout.h"

namespace ternary {

/** The panel of up to 16 rows of checked I2S: every byte is written, code 1 beyond the rows and K. */
void cuda_panel_from_i2s(CudaLayout layout, const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel);

/** Undoes it. */
void i2s_from_cuda_panel(CudaLayout layout, const uint8_t* panel, int64_t rows, int64_t K, uint8_t* i2s);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COPIES_LAYOUT_H_
