/**
 * @file epilogue.cuh
 * @brief From a sum to an element of Y: scales, bias, one rounding. The same for every product, so the same bits.
 */
#ifndef TERNARY_CUDA_DEVICE_EPILOGUE_CUH_
#define TERNARY_CUDA_DEVICE_EPILOGUE_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/scalar.cuh"

namespace ternary::cuda {

/** A8 without groups: y = t * c with c = s[m] * alpha[n], in this order. */
__device__ __forceinline__ float a8_output(int32_t acc, float s, float alpha, bool biased, float bias) {
  const float t = __int2float_rn(acc), c = __fmul_rn(s, alpha);
  return biased ? __fmaf_rn(t, c, bias) : __fmul_rn(t, c);
}

/** A8 with alpha by group: p is the sum of the super-blocks. */
__device__ __forceinline__ float a8_group_output(float p, float s, bool biased, float bias) {
  return biased ? __fmaf_rn(p, s, bias) : __fmul_rn(p, s);
}

__device__ __forceinline__ float a16_output(float acc, float alpha, bool biased, float bias) {
  return biased ? __fmaf_rn(acc, alpha, bias) : __fmul_rn(acc, alpha);
}

__device__ __forceinline__ float a16_group_output(float p, bool biased, float bias) {
  return biased ? __fadd_rn(p, bias) : p;
}

/** A8 with blocks of X: p is the sum of the super-blocks; alpha went into it where it has groups. */
__device__ __forceinline__ float a8_block_output(float p, bool groups, float alpha, bool biased, float bias) {
  return groups ? a16_group_output(p, biased, bias) : a16_output(p, alpha, biased, bias);
}

/** Units in a super-block, whose sums are added in ascending order (numerics.md sections 3.3 and 7.2). */
__host__ __device__ constexpr int units_in_super_block(int64_t unit) {
  return unit >= 2048 ? 1 : static_cast<int>(2048 / unit);
}

/** A row of a product: one number, or where its rows are gathered the row of X and that of Y. */
struct OutputRow {
  int64_t x, y;

  __device__ __forceinline__ OutputRow(int64_t m) : x(m), y(m) {}
  __device__ __forceinline__ OutputRow(int64_t of_x, int64_t of_y) : x(of_x), y(of_y) {}
};

/** The operands of a product's epilogue. All are read after pdl_wait() but alpha. */
struct Epilogue {
  const float* s;
  const float* alpha;
  const float* bias;
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;

  __device__ explicit Epilogue(const CudaGemmTask& t)
      : s(t.s), alpha(t.alpha), bias(t.bias), y(t.y), y_dtype(t.y_dtype), ldy(t.ldy) {}

  __device__ float bias_of(int64_t n) const { return bias == nullptr ? 0.0f : bias[n]; }
  __device__ void store(const OutputRow& row, int64_t n, float value) const {
    store_element(y, y_dtype, row.y * ldy + n, value);
  }

  /** Element n of a row of an A8 product without groups. */
  __device__ void finish(int32_t acc, const OutputRow& row, int64_t n) const {
    store(row, n, a8_output(acc, s[row.x], alpha[n], bias != nullptr, bias_of(n)));
  }
  /** Element n of a row of an A8 product with groups. */
  __device__ void finish_groups(float p, const OutputRow& row, int64_t n) const {
    store(row, n, a8_group_output(p, s[row.x], bias != nullptr, bias_of(n)));
  }
  /** Element n of a row of an A8 product with blocks, with or without groups. */
  __device__ void finish_blocks(float p, bool groups, const OutputRow& row, int64_t n) const {
    store(row, n, a8_block_output(p, groups, groups ? 0.0f : alpha[n], bias != nullptr, bias_of(n)));
  }
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_EPILOGUE_CUH_
