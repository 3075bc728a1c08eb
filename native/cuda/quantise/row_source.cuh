/**
 * @file row_source.cuh
 * @brief A row of X on its way to shared memory as fp32: loads, the scale of fp8, residual. Steps of oracle.h.
 *
 * Loads and stores are vectors of neighbouring columns, where the row's address allows it.
 */
#ifndef TERNARY_CUDA_QUANTISE_ROW_SOURCE_CUH_
#define TERNARY_CUDA_QUANTISE_ROW_SOURCE_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/scalar.cuh"

namespace ternary::cuda {

/** A row in memory. */
struct RowSource {
  const void* x;
  ternary_dtype dtype;
  float scale;
  bool scaled;
  const void* residual;  ///< null: none
  void* residual_out;    ///< null: not written
  ternary_dtype residual_dtype;
  int K;
};

__device__ inline RowSource row_source(const ActivationTask& t, int64_t m, bool own_residual) {
  RowSource row = {};
  row.x = static_cast<const char*>(t.x) + m * t.ldx * element_bytes(t.x_dtype);
  row.dtype = t.x_dtype;
  row.K = static_cast<int>(t.K);
  row.scaled = t.x_scale != nullptr && t.x_dtype != TERNARY_I8;
  row.scale = row.scaled ? t.x_scale[m] : 1.0f;
  if (t.residual != nullptr) {
    const int64_t offset = m * t.ld_residual * element_bytes(t.residual_dtype);
    row.residual = static_cast<const char*>(t.residual) + offset;
    row.residual_out = own_residual ? static_cast<char*>(t.residual_out) + offset : nullptr;
    row.residual_dtype = t.residual_dtype;
  }
  return row;
}

/** Where v is read again once residual_out holds it, which may by now be all that is left of `residual`. */
__device__ inline RowSource reread_source(const RowSource& row) {
  if (row.residual_out == nullptr) return row;
  RowSource again = {};
  again.x = row.residual_out;
  again.dtype = row.residual_dtype;
  again.K = row.K;
  return again;
}

__device__ __forceinline__ bool quad_aligned(const void* row, int bytes) {
  return (reinterpret_cast<uintptr_t>(row) & (4 * bytes - 1)) == 0;
}

__device__ __forceinline__ float add_rounded(float v, float residual, ternary_dtype dtype) {
  const float sum = __fadd_rn(v, residual);
  if (dtype == TERNARY_F16) return f16_to_fp32(fp32_to_f16(sum));
  if (dtype == TERNARY_BF16) return bf16_to_fp32(fp32_to_bf16(sum));
  return sum;
}

/** Columns k ... k + 3 of v into residual_out, whose type holds them exactly. */
template <bool whole>
__device__ __forceinline__ void store_residual(const RowSource& row, int k, float4 v) {
  if (whole) {
    char* p = static_cast<char*>(row.residual_out) + static_cast<int64_t>(k) * element_bytes(row.residual_dtype);
    if (row.residual_dtype == TERNARY_F32) {
      *reinterpret_cast<float4*>(p) = v;
    } else if (row.residual_dtype == TERNARY_F16) {
      *reinterpret_cast<ushort4*>(p) = {fp32_to_f16(v.x), fp32_to_f16(v.y), fp32_to_f16(v.z), fp32_to_f16(v.w)};
    } else {
      *reinterpret_cast<ushort4*>(p) = {fp32_to_bf16(v.x), fp32_to_bf16(v.y), fp32_to_bf16(v.z), fp32_to_bf16(v.w)};
    }
    return;
  }
  if (k < row.K) store_element(row.residual_out, row.residual_dtype, k, v.x);
  if (k + 1 < row.K) store_element(row.residual_out, row.residual_dtype, k + 1, v.y);
  if (k + 2 < row.K) store_element(row.residual_out, row.residual_dtype, k + 2, v.z);
  if (k + 3 < row.K) store_element(row.residual_out, row.residual_dtype, k + 3, v.w);
}

/** v of columns k ... k + 3 from what was loaded; writes residual_out. */
template <bool whole>
__device__ __forceinline__ float4 add_residual(const RowSource& row, RawQuad x, RawQuad residual, int k) {
  float4 value = quad_to_fp32(x, row.dtype);
  if (row.scaled) {  // a NaN scale must not reach the zeros beyond K
    value.x = whole || k < row.K ? __fmul_rn(value.x, row.scale) : 0.0f;
    value.y = whole || k + 1 < row.K ? __fmul_rn(value.y, row.scale) : 0.0f;
    value.z = whole || k + 2 < row.K ? __fmul_rn(value.z, row.scale) : 0.0f;
    value.w = whole || k + 3 < row.K ? __fmul_rn(value.w, row.scale) : 0.0f;
  }
  if (row.residual == nullptr) return value;
  const float4 other = quad_to_fp32(residual, row.residual_dtype);
  value.x = add_rounded(value.x, other.x, row.residual_dtype);
  value.y = add_rounded(value.y, other.y, row.residual_dtype);
  value.z = add_rounded(value.z, other.z, row.residual_dtype);
  value.w = add_rounded(value.w, other.w, row.residual_dtype);
  if (row.residual_out != nullptr) store_residual<whole>(row, k, value);
  return value;
}

__device__ __forceinline__ uint32_t largest_of(uint32_t largest, float4 v) {
  return max(max(max(largest, abs_bits(v.x)), abs_bits(v.y)), max(abs_bits(v.z), abs_bits(v.w)));
}

/**
 * Quads from `first`, kThreads apart, of columns begin ... begin + end of v into `v`, zeros beyond K; `whole`: all lie
 * in the row at multiples of four elements. So many quads of X and of the residual are on their way before the first is
 * used.
 */
template <int kThreads, int kBatch, bool whole>
__device__ __forceinline__ uint32_t load_quads(const RowSource& row, int begin, int first, int end, float* v) {
  constexpr int kStep = 4 * kThreads;
  const int bytes = element_bytes(row.dtype), residual_bytes = element_bytes(row.residual_dtype);
  uint32_t largest = 0;
#pragma unroll 1
  for (; first < end; first += kBatch * kStep) {
    RawQuad x[kBatch], residual[kBatch];
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      const int k = first + b * kStep;
      if (k < end) x[b] = load_quad<whole>(row.x, bytes, begin + k, row.K);
    }
    if (row.residual != nullptr) {
#pragma unroll
      for (int b = 0; b < kBatch; ++b) {
        const int k = first + b * kStep;
        if (k < end) residual[b] = load_quad<whole>(row.residual, residual_bytes, begin + k, row.K);
      }
    }
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      const int k = first + b * kStep;
      if (k >= end) break;
      const float4 value = add_residual<whole>(row, x[b], residual[b], begin + k);
      largest = largest_of(largest, value);
      *reinterpret_cast<float4*>(v + k) = value;
    }
  }
  return largest;
}

/** Columns begin ... begin + count of v into `v`; returns the largest magnitude among this thread's. */
template <int kThreads>
__device__ inline uint32_t load_columns(const RowSource& row, int begin, int count, float* v) {
  const int bytes = element_bytes(row.residual_dtype);
  const bool aligned = quad_aligned(row.x, element_bytes(row.dtype)) && quad_aligned(row.residual, bytes) &&
                       quad_aligned(row.residual_out, bytes);  // null is
  const int whole = aligned ? max(0, min(count, row.K - begin)) & ~3 : 0, thread = 4 * static_cast<int>(threadIdx.x);
  const uint32_t largest = load_quads<kThreads, 4, true>(row, begin, thread, whole, v);
  return max(largest, load_quads<kThreads, 1, false>(row, begin, whole + thread, count, v));
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_ROW_SOURCE_CUH_
