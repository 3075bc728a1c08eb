/**
 * @file stock_kernels.h
 * @brief Kernels of CUTLASS that nobody here wrote: what the software GPU must be able to execute exactly.
 */
#ifndef TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_
#define TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_

namespace ternary::softgpu {

/** A product on the device: A is m by k, B n by k, both row by row. */
struct StockProduct {
  int m, n, k;
  const void* a;
  const void* b;
  void* d;
};

/** What CUTLASS or CUDA says; empty if all went well. */
const char* dense_s8(const StockProduct& product);         ///< s8 by s8 into s32, D m by n, row by row
const char* dense_s8_pair(const StockProduct& product);    ///< the same by pairs of SMs
const char* mixed_int2(const StockProduct& product);       ///< int2b by bf16 into f32, D column by column
const char* mixed_int2_pair(const StockProduct& product);  ///< the same by pairs of SMs

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_ACCEPTANCE_STOCK_KERNELS_H_
