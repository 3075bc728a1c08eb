/**
 * @file stock_kernels.h
 * @brief Kernels of CUTLASS that nobody here wrote: what the software GPU must be able to execute exactly.
 */
#ifndef TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_
#define TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

namespace ternary::softgpu {

/** A product on the device: A is m by k, B n by k, both row by row. */
struct StockProduct {
  int m, n, k;
  const void* a;
  const void* b;
  void* d;
  const float* row_scales;     ///< m of them; mixed_int2 alone has scales
  const float* column_scales;  ///< n
  cudaStream_t stream;
  bool programmatic;  ///< it may begin before the launch before it has ended
};

// Each is launched; what CUTLASS says is returned, empty if all went well.
const char* dense_s8(const StockProduct& product);         ///< s8 by s8 into s32, D m by n, row by row
const char* dense_s8_pair(const StockProduct& product);    ///< the same by pairs of SMs
const char* mixed_int2(const StockProduct& product);       ///< int2b by bf16 into f32, times scales; D column by column
const char* mixed_int2_pair(const StockProduct& product);  ///< the same by pairs of SMs, without scales

/** A kernel that copies words, and lets the launch behind it begin at once. */
cudaError_t copy_words(const uint32_t* from, uint32_t* to, int count, cudaStream_t stream);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_
