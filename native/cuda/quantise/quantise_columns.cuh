/**
 * @file quantise_columns.cuh
 * @brief x' as int8: by one scale a row, or one a block; sums of q by unit. Steps of oracle.h.
 */
#ifndef TERNARY_CUDA_QUANTISE_QUANTISE_COLUMNS_CUH_
#define TERNARY_CUDA_QUANTISE_QUANTISE_COLUMNS_CUH_

#include "cuda/quantise/row_source.cuh"

namespace ternary::cuda {

/** Where the quantised row goes: device or shared memory. */
struct QuantisedRow {
  int8_t* q;        ///< permuted: 4-byte aligned, columns beyond K up to `padded` are set to 0
  int padded;       ///< a multiple of 64 unless `plain`
  bool plain;       ///< in plain order and at any address
  float* s;         ///< one, or of each block one, s_step apart
  int32_t* q_sums;  ///< ceil(K / unit), or one where unit == 0; or null
  int64_t unit;
  uint16_t* bf16 = nullptr;  ///< not null: q goes here instead, as bf16 in plain order, 8-byte aligned
  int64_t s_step = 0;
  uint32_t* block_max =
      nullptr;  ///< with blocks: a word for each, block_max_step apart, in any memory; may be s itself
  int64_t block_max_step = 0;
};

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
 * a time, so for units its lanes add up 32 or 128 columns and add them to the unit's sum; integer sums are exact in any
 * order. No clamp to 127: |x'| <= a and 127 / a rounds by at most half a unit, so |x' * inverse| < 127.5; int8 X passes
 * with inverse 1. `inverse_of(k)`: of columns k ... k + 3.
 */
template <int kThreads, typename InverseOf>
__device__ inline void quantise_columns(const QuantisedRow& out, const InverseOf& inverse_of, bool finite, int begin,
                                        int count, int K, const float* v) {
  const bool by_warp = out.unit % 128 == 0;
  const int unit = static_cast<int>(out.unit);
  int row_sum = 0;
  const int lane_columns = 4 * static_cast<int>(threadIdx.x);
  for (int base = 0; base < count; base += 4 * kThreads) {  // the warp stays together for its sums
    const int k = base + lane_columns;
    uint32_t bytes = 0;
    if (k < count && finite) {
      const float4 value = *reinterpret_cast<const float4*>(v + k);
      const float inverse = inverse_of(begin + k);
      const int q0 = __float2int_rn(__fmul_rn(value.x, inverse)), q1 = __float2int_rn(__fmul_rn(value.y, inverse));
      const int q2 = __float2int_rn(__fmul_rn(value.z, inverse)), q3 = __float2int_rn(__fmul_rn(value.w, inverse));
      bytes = (q0 & 0xff) | (q1 & 0xff) << 8 | (q2 & 0xff) << 16 | static_cast<uint32_t>(q3) << 24;
    }
    if (k < count) store_q(out, begin + k, bytes);
    if (out.q_sums == nullptr) continue;
    const int sum = __dp4a(static_cast<int>(bytes), 0x01010101, 0);
    if (out.unit == 0) {
      row_sum += sum;
    } else if (by_warp) {
      const int total = __reduce_add_sync(~0u, sum);
      if ((threadIdx.x & 31) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / unit, total);
    } else {
      int total = sum + __shfl_down_sync(~0u, sum, 4);
      total += __shfl_down_sync(~0u, total, 2);
      total += __shfl_down_sync(~0u, total, 1);
      if ((threadIdx.x & 7) == 0 && begin + k < K) atomicAdd(out.q_sums + (begin + k) / unit, total);
    }
  }
  if (out.q_sums == nullptr || out.unit != 0) return;
  const int total = __reduce_add_sync(~0u, row_sum);
  if ((threadIdx.x & 31) == 0) atomicAdd(out.q_sums, total);
}

/** Which run of `length` columns, a multiple of 32, a column lies in. */
__device__ __forceinline__ int run_of(int k, int length) {
  return (length & (length - 1)) == 0 ? k >> (31 - __clz(length)) : k / length;
}

/** The largest magnitude of blocks' columns of a chunk, to those of other chunks. */
template <int kThreads>
__device__ inline void measure_blocks(const QuantisedRow& out, int block, int begin, int count, int K, const float* v) {
  const bool by_warp = block % 128 == 0;
  for (int base = 0; base < count; base += 4 * kThreads) {  // the warp stays together for its maxima
    const int k = base + 4 * static_cast<int>(threadIdx.x);
    uint32_t most = k < count ? largest_of(0, *reinterpret_cast<const float4*>(v + k)) : 0;
    if (by_warp) {
      most = __reduce_max_sync(~0u, most);
    } else {
#pragma unroll
      for (int distance = 4; distance >= 1; distance /= 2) {
        most = max(most, __shfl_down_sync(~0u, most, distance));
      }
    }
    const bool leads = (threadIdx.x & (by_warp ? 31 : 7)) == 0;
    if (leads && begin + k < K) atomicMax(out.block_max + run_of(begin + k, block) * out.block_max_step, most);
  }
}

/** Scales of a block by the bits of its largest |x'|: what x' is multiplied by, and s. Both are 0 where that is 0. */
__device__ __forceinline__ float block_base(uint32_t amax) { return fmaxf(__uint_as_float(amax), 0x1p-100f); }
__device__ __forceinline__ float block_inverse(uint32_t amax) {
  return amax == 0 ? 0.0f : __fdiv_rn(127.0f, block_base(amax));
}
__device__ __forceinline__ float block_scale(uint32_t amax) {
  return amax == 0 ? 0.0f : __fdiv_rn(block_base(amax), 127.0f);
}

/** make_row()'s int8; by_block: the task may have blocks. */
template <int kThreads, bool by_block>
struct QuantiseColumns {
  const ActivationTask& task;
  int64_t m;
  const QuantisedRow& out;
  float inverse;
  bool finite;

  __device__ void begin(uint32_t amax) {
    const bool given = task.x_dtype == TERNARY_I8;
    finite = given || amax < kInfinityPattern;
    if (measures()) return;
    const float a = __uint_as_float(max(amax, __float_as_uint(1e-5f)));
    inverse = given ? 1.0f : __fdiv_rn(127.0f, a);
    if (threadIdx.x != 0 || (by_block && task.block != 0)) return;
    *out.s = given ? task.x_scale[m] : finite ? __fdiv_rn(a, 127.0f) : __uint_as_float(kNanPattern);
  }
  __device__ void columns(int begin, int count, const float* v) {
    const int K = static_cast<int>(task.K);
    const auto inverse_of = [&](int k) {
      return !measures() || k >= K ? inverse : block_inverse(largest_of_block(run_of(k, static_cast<int>(task.block))));
    };
    quantise_columns<kThreads>(out, inverse_of, finite, begin, count, K, v);
  }
  __device__ void measure(int begin, int count, const float* v) {
    if (measures()) {
      measure_blocks<kThreads>(out, static_cast<int>(task.block), begin, count, static_cast<int>(task.K), v);
    }
  }
  /** Scales of blocks take the place of their maxima, which all threads have read by now. */
  __device__ void end() {
    if (!by_block || task.block == 0) return;
    __syncthreads();
    const int blocks = static_cast<int>(ceil_div(task.K, task.block));
    for (int b = static_cast<int>(threadIdx.x); b < blocks; b += kThreads) {
      const bool given = task.x_dtype == TERNARY_I8;
      out.s[b * out.s_step] = given    ? task.x_scale[m * blocks + b]
                              : finite ? block_scale(largest_of_block(b))
                                       : __uint_as_float(kNanPattern);
    }
  }
  /** Whether maxima of blocks are needed: int8 X brings its scales. */
  __device__ bool measures() const { return by_block && task.block != 0 && task.x_dtype != TERNARY_I8; }

 private:
  /** Volatile: atomics made it, which pass the first-level cache. */
  __device__ uint32_t largest_of_block(int b) const {
    return *static_cast<const volatile uint32_t*>(out.block_max + b * out.block_max_step);
  }
};

/** Sums of q and maxima of blocks begin at 0. */
template <int kThreads, bool by_block>
__device__ inline void clear_sums(const QuantisedRow& out, const ActivationTask& task) {
  if (by_block && task.block != 0) {
    const int64_t blocks = ceil_div(task.K, task.block);
    for (int64_t b = threadIdx.x; b < blocks; b += kThreads) out.block_max[b * out.block_max_step] = 0;
  }
  if (out.q_sums == nullptr) return;
  const int64_t sums = out.unit == 0 ? 1 : ceil_div(task.K, out.unit);
  for (int64_t i = threadIdx.x; i < sums; i += kThreads) out.q_sums[i] = 0;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_QUANTISE_COLUMNS_CUH_
