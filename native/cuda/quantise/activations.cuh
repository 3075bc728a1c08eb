/**
 * @file activations.cuh
 * @brief What a CTA does with one row of X: load, residual, RMSNorm, rotation, column alpha, absmax, quantise. Steps of
 * oracle.h.
 *
 * The row's fp32 values pass through shared memory, so that loads and stores are vectors of neighbouring columns while
 * partial i of RMSNorm meets columns i mod 256. A row longer than that memory is made in chunks, read again in each
 * pass; the bits do not depend on the chunk. activations_any_row runs it into device memory, fused products into shared
 * memory.
 */
#ifndef TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_
#define TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_

#include "cuda/device/halving_sum.cuh"
#include "cuda/quantise/quantise_columns.cuh"
#include "cuda/quantise/rotation.cuh"
#include "cuda/quantise/row_source.cuh"

namespace ternary::cuda {

inline constexpr int kPartials = 256;

/** Shared memory that the work on a row needs; free again when it is done. */
struct RowScratch {
  float* v;            ///< `capacity` values, 16-byte aligned
  int capacity;        ///< a multiple of 256
  float* part;         ///< 256: partial sums of squares
  uint32_t* warp_max;  ///< one for each warp of the CTA
};

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
  const float sum = halving_sum_for_all(part[threadIdx.x & 31]);  // in every warp alike
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

/** Norm, rotation and column alpha on columns begin ... begin + count in place; returns this thread's largest magnitude. */
template <int kThreads>
__device__ inline uint32_t rotate_and_scale(const ActivationTask& t, float r, int begin, int count, float* v) {
  const int run = static_cast<int>(t.rotation);
  const float factor = rotation_factor(run);
  uint32_t largest = 0;
  rotate_columns<kThreads>(
      run, min(count, static_cast<int>(t.K) - begin), v,
      [&](float4 x, int k) {
        if (t.norm_weight != nullptr) x = times(times(x, r), floats_at(t.norm_weight, begin + k));
        return times(x, floats_at(t.signs, begin + k));
      },
      [&](float4 x, int k) {
        x = times(times(x, factor), floats_at(t.alpha_column, begin + k));
        largest = largest_of(largest, x);
        return x;
      });
  return largest;
}

/**
 * Makes a row's x' and hands it on: out.measure(begin, count, v) chunk by chunk, out.begin(bits of the largest |x'|), then
 * out.columns(begin, count, v) chunk by chunk, `width` columns in all, at least K and a multiple of 4, and out.end(). One
 * loop of three passes, so that each step's code is there once. With rotation chunks are whole runs.
 */
template <int kThreads, bool kRotates, typename Source, typename Out>
__device__ inline void make_row(const ActivationTask& task, const Source& row, const RowScratch& scratch, int width,
                                Out& out) {
  const bool norm = task.norm_weight != nullptr, rotates = kRotates && task.rotation != 0;
  const bool scales = norm || rotates || task.alpha_column != nullptr;
  const bool chunked = width > scratch.capacity;
  if (norm) {
    for (int i = static_cast<int>(threadIdx.x); i < kPartials; i += kThreads) scratch.part[i] = 0.0f;
  }
  uint32_t largest = 0;
  float r = 1.0f;
#pragma unroll 1
  for (int pass = 0; pass < 3; ++pass) {  // load; norm, rotation and column alpha; hand on
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
        if (!scales) out.measure(begin, count, scratch.v);
        continue;
      }
      if (scales && (pass == 1 || chunked)) {
        const uint32_t scaled = rotates ? rotate_and_scale<kThreads>(task, r, begin, count, scratch.v)
                                        : scale_columns<kThreads>(task, r, begin, count, scratch.v);
        if (pass == 1) largest = max(largest, scaled);
        if (pass == 2 || out.measures()) __syncthreads();
        if (pass == 1) out.measure(begin, count, scratch.v);
      }
      if (pass == 2) out.columns(begin, count, scratch.v);
    }
  }
  out.end();
}

/** Columns to make, padding included, in whole quads. */
__device__ inline int row_width(const ActivationTask& task, int padded) {
  return (max(static_cast<int>(task.K), padded) + 3) & ~3;
}

/**
 * Row m of the task as int8, by all kThreads threads of the CTA; begins and ends with a barrier. `own_residual`: this
 * CTA writes residual_out, else another does and residual_out must not be residual. The task has no rotation: who makes
 * q for itself refuses it.
 */
template <int kThreads, bool by_block>
__device__ inline void quantise_row(const ActivationTask& task, int64_t m, bool own_residual, const RowScratch& scratch,
                                    const QuantisedRow& out) {
  static_assert(kThreads == 128 || kThreads == 256 || kThreads == 512, "whole warps, and a tree of 256 partials");
  __syncthreads();
  clear_sums<kThreads, by_block>(out, task);
  QuantiseColumns<kThreads, by_block> quantise = {task, m, out, 1.0f, true};
  make_row<kThreads, false>(task, row_source(task, m, own_residual), scratch, row_width(task, out.padded), quantise);
  __syncthreads();
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_ACTIVATIONS_CUH_
