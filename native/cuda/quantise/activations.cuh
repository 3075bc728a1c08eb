/**
 * @file activations.cuh
 * @brief What a CTA does with one row of X: load, residual, RMSNorm, column alpha, absmax, quantise. Steps of oracle.h.
 *
 * The row's fp32 values pass through shared memory, so that loads and stores are vectors of neighbouring columns while
 * partial i of RMSNorm meets columns i mod 256. A row longer than that memory is made in chunks, read again in each
 * pass; the bits do not depend on the chunk. activations_any_row runs it into device memory, fused products into shared
 * memory.
 */
#ifndef TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_
#define TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/scalar.cuh"

namespace ternary::cuda {

inline constexpr int kPartials = 256;

/** Shared memory that the work on a row needs; free again when it is done. */
struct RowScratch {
  float* v;            ///< `capacity` values, 16-byte aligned
  int capacity;        ///< a multiple of 256
  float* part;         ///< 256: partial sums of squares
  uint32_t* warp_max;  ///< one for each warp of the CTA
};

/** Where the quantised row goes: device or shared memory. */
struct QuantisedRow {
  int8_t* q;        ///< permuted: 4-byte aligned, columns beyond K up to `padded` are set to 0
  int padded;       ///< a multiple of 64 unless `plain`
  bool plain;       ///< in plain order and at any address
  float* s;         ///< one
  int32_t* q_sums;  ///< ceil(K / group), or one where group == 0; or null
  int64_t group;
  uint16_t* bf16 = nullptr;  ///< not null: q goes here instead, as bf16 in plain order, 8-byte aligned
};

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

/** part[i] += squares of columns i mod 256 of a chunk, ascending. */
template <int kThreads>
__device__ inline void add_squares(const float* v, int count, float* part) {
  for (int i = static_cast<int>(threadIdx.x); i < kPartials; i += kThreads) {
    float sum = part[i];
#pragma unroll 8
    for (int k = i; k < count; k += kPartials) sum = __fmaf_rn(v[k], v[k], sum);
    part[i] = sum;
  }
}

/** 1 / sqrt(mean of squares + eps) by the halving tree; every thread gets it. */
template <int kThreads>
__device__ inline float reciprocal_rms(float* part, int K, float eps) {
#pragma unroll
  for (int half = kPartials / 2; half >= 32; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) {
      part[threadIdx.x] = __fadd_rn(part[threadIdx.x], part[threadIdx.x + half]);
    }
  }
  __syncthreads();
  // The last five levels in every warp alike: lane 0 meets the same pairs as in memory.
  float sum = part[threadIdx.x & 31];
#pragma unroll
  for (int half = 16; half >= 1; half /= 2) sum = __fadd_rn(sum, __shfl_down_sync(~0u, sum, half));
  sum = __shfl_sync(~0u, sum, 0);
  if (abs_bits(sum) >= kInfinityPattern) return __uint_as_float(kNanPattern);
  const float mean = __fdiv_rn(sum, static_cast<float>(K));
  return __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(mean, eps)));
}

/** Norm and column alpha on columns begin ... begin + count in place; returns this thread's largest magnitude. */
template <int kThreads>
__device__ inline uint32_t scale_columns(const ActivationTask& t, float r, int begin, int count, float* v) {
  constexpr int kBatch = 8;
  const int end = min(count, static_cast<int>(t.K) - begin);
  uint32_t largest = 0;
  for (int first = static_cast<int>(threadIdx.x); first < end; first += kBatch * kThreads) {
    float weight[kBatch], alpha[kBatch];
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      const int k = first + b * kThreads;
      weight[b] = t.norm_weight != nullptr && k < end ? t.norm_weight[begin + k] : 1.0f;
      alpha[b] = t.alpha_column != nullptr && k < end ? t.alpha_column[begin + k] : 1.0f;
    }
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      const int k = first + b * kThreads;
      if (k >= end) break;
      float value = v[k];
      if (t.norm_weight != nullptr) value = __fmul_rn(__fmul_rn(value, r), weight[b]);
      value = __fmul_rn(value, alpha[b]);  // by 1 where there is none, which is exact
      largest = max(largest, abs_bits(value));
      v[k] = value;
    }
  }
  return largest;
}

/** The largest of all threads' values; the CTA passes a barrier. */
template <int kThreads>
__device__ inline uint32_t cta_max(uint32_t value, uint32_t* warp_max) {
  const uint32_t mine = __reduce_max_sync(~0u, value);
  if ((threadIdx.x & 31) == 0) warp_max[threadIdx.x / 32] = mine;
  __syncthreads();
  uint32_t largest = warp_max[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / 32; ++warp) largest = max(largest, warp_max[warp]);
  return largest;
}

/** Column k, a multiple of 4, in the permuted order: cuda_q_position() in 32 bits. */
__device__ __forceinline__ int q_position(int k) {
  return (k & ~63) + 16 * (k >> 2 & 3) + 8 * (k >> 5 & 1) + 4 * (k >> 4 & 1);
}

/** bf16 of byte i, an int8: its eight bits fit. */
__device__ __forceinline__ uint16_t bf16_of(uint32_t bytes, int i) {
  return static_cast<uint16_t>(__float_as_uint(static_cast<float>(static_cast<int8_t>(bytes >> 8 * i))) >> 16);
}

/** Bytes of q of columns k ... k + 3; beyond `padded` nothing is written. */
__device__ inline void store_q(const QuantisedRow& out, int k, uint32_t bytes) {
  if (out.bf16 != nullptr) {
    *reinterpret_cast<ushort4*>(out.bf16 + k) = {bf16_of(bytes, 0), bf16_of(bytes, 1), bf16_of(bytes, 2),
                                                 bf16_of(bytes, 3)};
  } else if (!out.plain) {
    *reinterpret_cast<uint32_t*>(out.q + q_position(k)) = bytes;
  } else if (k + 4 <= out.padded && (reinterpret_cast<uintptr_t>(out.q) & 3) == 0) {
    *reinterpret_cast<uint32_t*>(out.q + k) = bytes;
  } else {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (k + i < out.padded) out.q[k + i] = static_cast<int8_t>(bytes >> 8 * i);
    }
  }
}

/**
 * Quantises columns begin ... begin + count of a chunk, count a multiple of 4. Sums of q: a warp covers 128 columns at
 * a time, so for groups of alpha its lanes add up 32 or 128 columns and add them to the group's sum; integer sums are
 * exact in any order. No clamp to 127: |x'| <= a and 127 / a rounds by at most half a unit, so |x' * inverse| < 127.5;
 * int8 X passes with inverse 1.
 */
template <int kThreads>
__device__ inline void quantise_columns(const QuantisedRow& out, float inverse, bool finite, int begin, int count,
                                        int K, const float* v) {
  const bool by_warp = out.group % 128 == 0;
  const int group = static_cast<int>(out.group);
  int row_sum = 0;
  const int lane_columns = 4 * static_cast<int>(threadIdx.x);
  for (int base = 0; base < count; base += 4 * kThreads) {  // the warp stays together for its sums
    const int k = base + lane_columns;
    uint32_t bytes = 0;
    if (k < count && finite) {
      const float4 value = *reinterpret_cast<const float4*>(v + k);
      const int q0 = __float2int_rn(__fmul_rn(value.x, inverse)), q1 = __float2int_rn(__fmul_rn(value.y, inverse));
      const int q2 = __float2int_rn(__fmul_rn(value.z, inverse)), q3 = __float2int_rn(__fmul_rn(value.w, inverse));
      bytes = (q0 & 0xff) | (q1 & 0xff) << 8 | (q2 & 0xff) << 16 | static_cast<uint32_t>(q3) << 24;
    }
    if (k < count) store_q(out, begin + k, bytes);
    if (out.q_sums == nullptr) continue;
    const int sum = __dp4a(static_cast<int>(bytes), 0x01010101, 0);
    if (out.group == 0) {
      row_sum += sum;
    } else if (by_warp) {
      const int total = __reduce_add_sync(~0u, sum);
      if ((threadIdx.x & 31) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / group, total);
    } else {
      int total = sum + __shfl_down_sync(~0u, sum, 4);
      total += __shfl_down_sync(~0u, total, 2);
      total += __shfl_down_sync(~0u, total, 1);
      if ((threadIdx.x & 7) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / group, total);
    }
  }
  if (out.q_sums == nullptr || out.group != 0) return;
  const int total = __reduce_add_sync(~0u, row_sum);
  if ((threadIdx.x & 31) == 0) atomicAdd(out.q_sums, total);
}

/**
 * Makes a row's x' and hands it on: out.begin(bits of the largest |x'|), then out.columns(begin, count, v) chunk by
 * chunk, `width` columns in all, at least K and a multiple of 4. One loop of three passes, so that each step's code is
 * there once.
 */
template <int kThreads, typename Out>
__device__ inline void make_row(const ActivationTask& task, const RowSource& row, const RowScratch& scratch, int width,
                                Out& out) {
  const bool norm = task.norm_weight != nullptr, scales = norm || task.alpha_column != nullptr;
  const bool chunked = width > scratch.capacity;
  if (norm) {
    for (int i = static_cast<int>(threadIdx.x); i < kPartials; i += kThreads) scratch.part[i] = 0.0f;
  }
  uint32_t largest = 0;
  float r = 1.0f;
#pragma unroll 1
  for (int pass = 0; pass < 3; ++pass) {  // load; norm and column alpha; hand on
    if (pass == 1) {
      if (!scales) continue;
      largest = 0;
      if (norm) r = reciprocal_rms<kThreads>(scratch.part, row.K, task.eps);
    }
    if (pass == 2) out.begin(cta_max<kThreads>(largest, scratch.warp_max));
#pragma unroll 1
    for (int begin = 0; begin < width; begin += scratch.capacity) {
      const int count = min(scratch.capacity, width - begin);
      if (pass == 0 || chunked) {
        __syncthreads();  // everyone has left the chunk before
        const uint32_t loaded = load_columns<kThreads>(pass == 0 ? row : reread_source(row), begin, count, scratch.v);
        if (pass == 0) largest = max(largest, loaded);
        __syncthreads();
      }
      if (pass == 0) {
        if (norm) add_squares<kThreads>(scratch.v, count, scratch.part);
        continue;
      }
      if (scales && (pass == 1 || chunked)) {
        const uint32_t scaled = scale_columns<kThreads>(task, r, begin, count, scratch.v);
        if (pass == 1) largest = max(largest, scaled);
        if (pass == 2) __syncthreads();
      }
      if (pass == 2) out.columns(begin, count, scratch.v);
    }
  }
}

/** make_row()'s int8. */
template <int kThreads>
struct QuantiseColumns {
  const ActivationTask& task;
  int64_t m;
  const QuantisedRow& out;
  float inverse;
  bool finite;

  __device__ void begin(uint32_t amax) {
    const bool given = task.x_dtype == TERNARY_I8;
    finite = given || amax < kInfinityPattern;
    const float a = __uint_as_float(max(amax, __float_as_uint(1e-5f)));
    inverse = given ? 1.0f : __fdiv_rn(127.0f, a);
    if (threadIdx.x != 0) return;
    *out.s = given ? task.x_scale[m] : finite ? __fdiv_rn(a, 127.0f) : __uint_as_float(kNanPattern);
  }
  __device__ void columns(int begin, int count, const float* v) {
    quantise_columns<kThreads>(out, inverse, finite, begin, count, static_cast<int>(task.K), v);
  }
};

/** Sums of q begin at 0. */
template <int kThreads>
__device__ inline void clear_sums(const QuantisedRow& out, int64_t K) {
  if (out.q_sums == nullptr) return;
  const int64_t sums = out.group == 0 ? 1 : ceil_div(K, out.group);
  for (int64_t i = threadIdx.x; i < sums; i += kThreads) out.q_sums[i] = 0;
}

/** Columns to make, padding included, in whole quads. */
__device__ inline int row_width(const ActivationTask& task, int padded) {
  return (max(static_cast<int>(task.K), padded) + 3) & ~3;
}

/**
 * Row m of the task as int8, by all kThreads threads of the CTA; begins and ends with a barrier. `own_residual`: this
 * CTA writes residual_out, else another does and residual_out must not be residual.
 */
template <int kThreads>
__device__ inline void quantise_row(const ActivationTask& task, int64_t m, bool own_residual, const RowScratch& scratch,
                                    const QuantisedRow& out) {
  static_assert(kThreads == 128 || kThreads == 256 || kThreads == 512, "whole warps, and a tree of 256 partials");
  __syncthreads();
  clear_sums<kThreads>(out, task.K);
  QuantiseColumns<kThreads> quantise = {task, m, out, 1.0f, true};
  make_row<kThreads>(task, row_source(task, m, own_residual), scratch, row_width(task, out.padded), quantise);
  __syncthreads();
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_
