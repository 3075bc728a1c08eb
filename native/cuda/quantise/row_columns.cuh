/**
 * @file row_columns.cuh
 * @brief A row of X or of what experts make, ready for a product in device memory: int8, or planes of 16-bit floats.
 */
#ifndef TERNARY_CUDA_QUANTISE_ROW_COLUMNS_CUH_
#define TERNARY_CUDA_QUANTISE_ROW_COLUMNS_CUH_

#include "cuda/quantise/activations.cuh"

namespace ternary::cuda {

/** Threads of a CTA that makes a row and does nothing else. */
inline constexpr int kRowThreads = 256;
/** 96 KiB of values: rows of every model we know in one piece, and within what each architecture lets a CTA have. */
inline constexpr int kMostColumns = 24576;

/** Shared memory of a CTA for a row. */
struct RowMemory {
  int capacity;        ///< columns at a time
  bool shared_maxima;  ///< those of blocks lie behind the values, else where the scales will be
  int bytes;
};

/** Of up to `most` floats: a multiple of 4096, so that a row in pieces has whole runs of any rotation. */
__host__ __device__ inline RowMemory row_memory(const CudaActivationTask& task, int most) {
  const int64_t width = round_up(task.padded > task.rows.K ? task.padded : task.rows.K, kPartials);
  const int64_t blocks = task.rows.block == 0 ? 0 : ceil_div(task.rows.K, task.rows.block);
  const int capacity = static_cast<int>(width < most ? width : most);
  const bool shared_maxima = width + blocks <= most;
  return {capacity, shared_maxima, 4 * static_cast<int>(capacity + (shared_maxima ? blocks : 0))};
}

/**
 * x' in planes, columns k ... k + 3. Three bf16 planes take 8 bits of the significand each, by truncation, which unlike
 * rounding cannot overflow: their sum is exactly x', except that what lies below bf16's smallest denormal is lost, less
 * than 2^-133 where |x'| < 2^-110.
 */
__device__ inline void store_planes(const CudaActivationTask& t, uint16_t* row, int k, float4 v) {
  ushort4 parts[3] = {};
  if (t.plane_count == 1) {
    parts[0] = t.plane_f16 ? ushort4{fp32_to_f16(v.x), fp32_to_f16(v.y), fp32_to_f16(v.z), fp32_to_f16(v.w)}
                           : ushort4{fp32_to_bf16(v.x), fp32_to_bf16(v.y), fp32_to_bf16(v.z), fp32_to_bf16(v.w)};
  } else {
#pragma unroll
    for (int plane = 0; plane < 3; ++plane) {
      const auto take = [](float& rest) {
        const uint32_t head = __float_as_uint(rest) & 0xffff0000u;
        rest = __fadd_rn(rest, -__uint_as_float(head));
        return static_cast<uint16_t>(head >> 16);
      };
      parts[plane] = {take(v.x), take(v.y), take(v.z), take(v.w)};
    }
  }
#pragma unroll
  for (int plane = 0; plane < 3; ++plane) {
    if (plane < t.plane_count) *reinterpret_cast<ushort4*>(row + plane * t.M * t.ld_plane + k) = parts[plane];
  }
}

/** NaN up to K of a row that is not finite. */
__device__ inline float4 nan_quad(int k, int K) {
  const float nan = __uint_as_float(kNanPattern);
  return {k < K ? nan : 0.0f, k + 1 < K ? nan : 0.0f, k + 2 < K ? nan : 0.0f, k + 3 < K ? nan : 0.0f};
}

/** make_row()'s planes. */
template <int kThreads>
struct PlaneColumns {
  const CudaActivationTask& task;
  uint16_t* row;
  bool finite;

  __device__ void begin(uint32_t amax) { finite = amax < kInfinityPattern; }
  __device__ void columns(int begin, int count, const float* v) {
    const int K = static_cast<int>(task.rows.K);
    for (int k = 4 * static_cast<int>(threadIdx.x); k < count; k += 4 * kThreads) {
      const float4 value = *reinterpret_cast<const float4*>(v + k);
      store_planes(task, row, begin + k, finite ? value : nan_quad(begin + k, K));
    }
  }
};

/** A row of either kind, so that the code which makes it is there once. */
template <int kThreads, bool by_block>
struct RowColumns {
  PlaneColumns<kThreads> planes;
  QuantiseColumns<kThreads, by_block> quantise;
  bool a16;

  __device__ void begin(uint32_t amax) { a16 ? planes.begin(amax) : quantise.begin(amax); }
  __device__ void columns(int begin, int count, const float* v) {
    a16 ? planes.columns(begin, count, v) : quantise.columns(begin, count, v);
  }
  __device__ void measure(int begin, int count, const float* v) {
    if (!a16) quantise.measure(begin, count, v);
  }
  __device__ void end() {
    if (!a16) quantise.end();
  }
  __device__ bool measures() const { return !a16 && quantise.measures(); }
};

/**
 * Output row m of the task from `source`, by the CTA. `rows` is the task's, or a copy with the row's own column alpha.
 * `blocks`: the task may have blocks, or be rotated. `values`: shared memory of so many bytes as row_memory() says.
 */
template <int kThreads, bool blocks, typename Source>
__device__ __forceinline__ void make_output_row(const CudaActivationTask& t, const ActivationTask& rows, int64_t m,
                                                const Source& source, void* values, int capacity, bool shared_maxima) {
  __shared__ float part[kPartials];
  __shared__ uint32_t warp_max[kThreads / 32];
  const RowScratch scratch = {static_cast<float*>(values), capacity, part, warp_max};
  const int64_t units = t.unit == 0 ? 1 : ceil_div(t.rows.K, t.unit);
  const bool a16 = t.s == nullptr;
  const QuantisedRow q = {t.q + m * t.ldq,
                          static_cast<int>(t.padded),
                          t.plain,
                          t.s + m * t.s_row,
                          t.q_sums == nullptr ? nullptr : t.q_sums + m * units,
                          t.unit,
                          t.planes == nullptr ? nullptr : t.planes + m * t.ld_plane,
                          t.s_block,
                          reinterpret_cast<uint32_t*>(shared_maxima ? scratch.v + capacity : t.s + m * t.s_row),
                          shared_maxima ? 1 : t.s_block};
  if (!a16) clear_sums<kThreads, blocks>(q, t.rows);
  RowColumns<kThreads, blocks> out = {{t, t.planes + m * t.ld_plane, true}, {t.rows, m, q, 1.0f, true}, a16};
  make_row<kThreads, blocks>(rows, source, scratch, row_width(t.rows, static_cast<int>(t.padded)), out);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_ROW_COLUMNS_CUH_
