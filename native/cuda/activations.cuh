/**
 * @file activations.cuh
 * @brief What a CTA does with one row of X: load, residual, RMSNorm, column alpha, absmax, quantise. Steps of oracle.h.
 *
 * The row's fp32 values pass through shared memory, so that loads and stores are vectors of neighbouring columns while
 * partial i of RMSNorm meets columns i mod 256. A row longer than that memory is made in chunks, read again in each pass;
 * the bits do not depend on the chunk. activations_any_row runs it into device memory, fused products into shared memory.
 */
#ifndef TERNARY_CUDA_ACTIVATIONS_CUH_
#define TERNARY_CUDA_ACTIVATIONS_CUH_

#include "core/cuda_kernel.h"
#include "cuda/scalar.cuh"

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
__device__ inline void store_residual(const RowSource& row, bool aligned, int k, float4 v) {
  if (aligned && k + 4 <= row.K) {
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

__device__ __forceinline__ uint32_t largest_of(uint32_t largest, float4 v) {
  return max(max(max(largest, abs_bits(v.x)), abs_bits(v.y)), max(abs_bits(v.z), abs_bits(v.w)));
}

/**
 * Columns begin ... begin + count of v into `v`, zeros beyond K; count is a multiple of 4. Returns the largest magnitude
 * among this thread's. Four quads of X and of the residual are on their way before the first is used.
 */
template <int kThreads>
__device__ inline uint32_t load_columns(const RowSource& row, int begin, int count, float* v) {
  constexpr int kBatch = 4, kStep = 4 * kThreads;
  const int bytes = element_bytes(row.dtype), residual_bytes = element_bytes(row.residual_dtype);
  const bool aligned = quad_aligned(row.x, bytes);
  const bool residual_aligned = quad_aligned(row.residual, residual_bytes);
  const bool out_aligned = quad_aligned(row.residual_out, residual_bytes);
  uint32_t largest = 0;
  for (int first = 4 * static_cast<int>(threadIdx.x); first < count; first += kBatch * kStep) {
    RawQuad x[kBatch], residual[kBatch];
#pragma unroll
    for (int b = 0; b < kBatch; ++b) x[b] = load_quad(row.x, bytes, aligned, begin + first + b * kStep, row.K);
    if (row.residual != nullptr) {
#pragma unroll
      for (int b = 0; b < kBatch; ++b) {
        residual[b] = load_quad(row.residual, residual_bytes, residual_aligned, begin + first + b * kStep, row.K);
      }
    }
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      const int k = first + b * kStep;
      if (k >= count) break;
      float4 value = quad_to_fp32(x[b], row.dtype);
      if (row.scaled && begin + k < row.K) {  // a NaN scale must not reach the zeros beyond K
        value.x = __fmul_rn(value.x, row.scale);
        value.y = begin + k + 1 < row.K ? __fmul_rn(value.y, row.scale) : 0.0f;
        value.z = begin + k + 2 < row.K ? __fmul_rn(value.z, row.scale) : 0.0f;
        value.w = begin + k + 3 < row.K ? __fmul_rn(value.w, row.scale) : 0.0f;
      }
      if (row.residual != nullptr) {
        const float4 other = quad_to_fp32(residual[b], row.residual_dtype);
        value.x = add_rounded(value.x, other.x, row.residual_dtype);
        value.y = add_rounded(value.y, other.y, row.residual_dtype);
        value.z = add_rounded(value.z, other.z, row.residual_dtype);
        value.w = add_rounded(value.w, other.w, row.residual_dtype);
        if (row.residual_out != nullptr) store_residual(row, out_aligned, begin + k, value);
      }
      largest = largest_of(largest, value);
      *reinterpret_cast<float4*>(v + k) = value;
    }
  }
  return largest;
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

/** Norm and column alpha on columns begin ... begin + count in place; returns the largest magnitude of this thread's. */
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

/** Bytes of q of columns k ... k + 3; beyond `padded` nothing is written. */
__device__ inline void store_q(const QuantisedRow& out, int k, uint32_t bytes) {
  if (!out.plain) {
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
 * Quantises columns begin ... begin + count of a chunk, count a multiple of 4. Sums of q: a warp covers 128 columns at a
 * time, so for groups of alpha its lanes add up 32 or 128 columns and add them to the group's sum; integer sums are exact
 * in any order. No clamp to 127: |x'| <= a and 127 / a rounds by at most half a unit, so |x' * inverse| < 127.5; int8 X
 * passes with inverse 1.
 */
template <int kThreads>
__device__ inline void quantise_columns(const QuantisedRow& out, float inverse, bool finite, int begin, int count, int K,
                                        const float* v) {
  const bool by_warp = out.group % 128 == 0;
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
      if ((threadIdx.x & 31) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / static_cast<int>(out.group), total);
    } else {
      int total = sum + __shfl_down_sync(~0u, sum, 4);
      total += __shfl_down_sync(~0u, total, 2);
      total += __shfl_down_sync(~0u, total, 1);
      if ((threadIdx.x & 7) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / static_cast<int>(out.group), total);
    }
  }
  if (out.q_sums == nullptr || out.group != 0) return;
  const int total = __reduce_add_sync(~0u, row_sum);
  if ((threadIdx.x & 31) == 0) atomicAdd(out.q_sums, total);
}

/** A row's x', chunk by chunk. `width`: columns to make, at least K and a multiple of 4. */
template <int kThreads>
class RowPasses {
 public:
  __device__ RowPasses(const ActivationTask& task, const RowSource& row, const RowScratch& scratch, int width)
      : task_(task), row_(row), scratch_(scratch), width_(width) {}

  /** Loads the row, writes its residual, and returns the bits of the largest |x'|. Ends with a barrier. */
  __device__ uint32_t first() {
    const bool norm = task_.norm_weight != nullptr;
    if (norm) {
      for (int i = static_cast<int>(threadIdx.x); i < kPartials; i += kThreads) scratch_.part[i] = 0.0f;
    }
    uint32_t largest = 0;
    for (int begin = 0; begin < width_; begin += scratch_.capacity) {
      if (begin > 0) __syncthreads();
      largest = max(largest, load_columns<kThreads>(row_, begin, columns(begin), scratch_.v));
      if (!norm) continue;
      __syncthreads();
      add_squares<kThreads>(scratch_.v, columns(begin), scratch_.part);
    }
    if (norm) r_ = reciprocal_rms<kThreads>(scratch_.part, row_.K, task_.eps);
    if (scales()) {
      largest = 0;
      for (int begin = 0; begin < width_; begin += scratch_.capacity) largest = max(largest, scaled(begin));
    }
    return cta_max<kThreads>(largest, scratch_.warp_max);
  }

  /** Makes x' of the chunk from `begin` in the scratch's v, once first() has returned. Ends with a barrier. */
  __device__ void chunk(int begin) {
    if (width_ <= scratch_.capacity) return;
    if (scales()) {
      scaled(begin);
    } else {
      __syncthreads();
      load_columns<kThreads>(reread_source(row_), begin, columns(begin), scratch_.v);
    }
    __syncthreads();
  }

  __device__ int columns(int begin) const { return min(scratch_.capacity, width_ - begin); }

 private:
  __device__ bool scales() const { return task_.norm_weight != nullptr || task_.alpha_column != nullptr; }

  __device__ uint32_t scaled(int begin) {
    __syncthreads();
    if (width_ > scratch_.capacity) {
      load_columns<kThreads>(reread_source(row_), begin, columns(begin), scratch_.v);
      __syncthreads();
    }
    return scale_columns<kThreads>(task_, r_, begin, columns(begin), scratch_.v);
  }

  const ActivationTask& task_;
  const RowSource row_;
  const RowScratch scratch_;
  const int width_;
  float r_ = 1.0f;
};

/**
 * Row m of the task as int8, by all kThreads threads of the CTA; begins and ends with a barrier. `own_residual`: this CTA
 * writes residual_out, else another does and residual_out must not be residual.
 */
template <int kThreads>
__device__ inline void quantise_row(const ActivationTask& task, int64_t m, bool own_residual, const RowScratch& scratch,
                                    const QuantisedRow& out) {
  static_assert(kThreads == 128 || kThreads == 256 || kThreads == 512, "whole warps, and a tree of 256 partials");
  const int K = static_cast<int>(task.K);
  const int width = (max(K, out.padded) + 3) & ~3;
  __syncthreads();
  if (out.q_sums != nullptr) {
    const int64_t sums = out.group == 0 ? 1 : ceil_div(K, out.group);
    for (int64_t i = threadIdx.x; i < sums; i += kThreads) out.q_sums[i] = 0;
  }
  RowPasses<kThreads> passes(task, row_source(task, m, own_residual), scratch, width);
  const uint32_t amax = passes.first();
  const bool given = task.x_dtype == TERNARY_I8, finite = given || amax < kInfinityPattern;
  const float a = __uint_as_float(max(amax, __float_as_uint(1e-5f)));
  const float inverse = given ? 1.0f : __fdiv_rn(127.0f, a);
  if (threadIdx.x == 0) {
    *out.s = given ? task.x_scale[m] : finite ? __fdiv_rn(a, 127.0f) : __uint_as_float(kNanPattern);
  }
  for (int begin = 0; begin < width; begin += scratch.capacity) {
    passes.chunk(begin);
    quantise_columns<kThreads>(out, inverse, finite, begin, passes.columns(begin), K, scratch.v);
  }
  __syncthreads();
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_ACTIVATIONS_CUH_
