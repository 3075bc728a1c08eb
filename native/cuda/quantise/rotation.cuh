/**
 * @file rotation.cuh
 * @brief Columns in shared memory times Hadamard matrices: butterflies in registers, between lanes, then between warps.
 *
 * A warp has 512 neighbouring columns, four quads a lane: strides 1 and 2 lie in a quad, 4 to 64 between lanes, 128 and
 * 256 between a lane's quads. What is left of a run of up to 4096 columns pairs whole pieces of 512, through shared
 * memory. The order of strides is ascending throughout, so the roundings are the contract's (numerics.md section 8).
 */
#ifndef TERNARY_CUDA_QUANTISE_ROTATION_CUH_
#define TERNARY_CUDA_QUANTISE_ROTATION_CUH_

#include <cstdint>

#include "cuda/device/scalar.cuh"

namespace ternary::cuda {

inline constexpr int kMostRotation = 4096;
/** Columns that a warp rotates by itself, in quads of its lanes. */
inline constexpr int kWarpRun = 512, kWarpQuads = kWarpRun / 128;

/** 2^(-k / 2) of a run of 2^k columns, rounded once. */
__device__ __forceinline__ float rotation_factor(int run) {
  const int k = 31 - __clz(run);
  const float whole = __uint_as_float(static_cast<uint32_t>(127 - k / 2) << 23);
  return (k & 1) == 0 ? whole : __fmul_rn(whole, 0x1.6a09e6p-1f);  // a power of two, so exact
}

__device__ __forceinline__ void butterfly(float& a, float& b) {
  const float sum = __fadd_rn(a, b);
  b = __fsub_rn(a, b);
  a = sum;
}
__device__ __forceinline__ void butterfly(float4& a, float4& b) {
  butterfly(a.x, b.x);
  butterfly(a.y, b.y);
  butterfly(a.z, b.z);
  butterfly(a.w, b.w);
}

/** The pair of this lane's value and that of the lane `distance` away: of the upper one a - b = a + (-b). */
__device__ __forceinline__ float lane_butterfly(float own, int distance, uint32_t upper_sign) {
  const float other = __shfl_xor_sync(~0u, own, distance);
  return __fadd_rn(other, __uint_as_float(__float_as_uint(own) ^ upper_sign));
}

/** Strides 1 to 256, as far as they are in the run. */
__device__ __forceinline__ void rotate_in_warp(float4 (&v)[kWarpQuads], int run) {
  const int lane = static_cast<int>(threadIdx.x) & 31;
#pragma unroll
  for (int j = 0; j < kWarpQuads; ++j) {
    butterfly(v[j].x, v[j].y);
    butterfly(v[j].z, v[j].w);
    butterfly(v[j].x, v[j].z);
    butterfly(v[j].y, v[j].w);
  }
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    if (4 * distance >= run) break;
    const uint32_t upper_sign = (lane & distance) != 0 ? 0x80000000u : 0u;
#pragma unroll
    for (int j = 0; j < kWarpQuads; ++j) {
      v[j].x = lane_butterfly(v[j].x, distance, upper_sign);
      v[j].y = lane_butterfly(v[j].y, distance, upper_sign);
      v[j].z = lane_butterfly(v[j].z, distance, upper_sign);
      v[j].w = lane_butterfly(v[j].w, distance, upper_sign);
    }
  }
  if (run > 128) {
    butterfly(v[0], v[1]);
    butterfly(v[2], v[3]);
  }
  if (run > 256) {
    butterfly(v[0], v[2]);
    butterfly(v[1], v[3]);
  }
}

/** Strides of `stride` and, of four pieces, twice that, in place; finish(quad, k) of each quad if these are the last. */
template <int kThreads, int kPieces, typename Finish>
__device__ __forceinline__ void rotate_pieces(int stride, bool last, float* v, int count, const Finish& finish) {
  const int stride_quads = stride / 4;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x); i < count / (4 * kPieces); i += kThreads) {
    const int first = 4 * (i / stride_quads * stride_quads * kPieces + i % stride_quads);
    float4 piece[kPieces];
#pragma unroll
    for (int p = 0; p < kPieces; ++p) piece[p] = *reinterpret_cast<const float4*>(v + first + p * stride);
#pragma unroll
    for (int p = 0; p < kPieces; p += 2) butterfly(piece[p], piece[p + 1]);
#pragma unroll
    for (int p = 0; p < kPieces - 2; ++p) butterfly(piece[p], piece[p + 2]);
#pragma unroll
    for (int p = 0; p < kPieces; ++p) {
      const int k = first + p * stride;
      *reinterpret_cast<float4*>(v + k) = last ? finish(piece[p], k) : piece[p];
    }
  }
}

__device__ __forceinline__ float4 times(float4 v, float4 other) {
  return {__fmul_rn(v.x, other.x), __fmul_rn(v.y, other.y), __fmul_rn(v.z, other.z), __fmul_rn(v.w, other.w)};
}
__device__ __forceinline__ float4 times(float4 v, float c) { return times(v, float4{c, c, c, c}); }

/** Columns k ... k + 3 of a row of floats, at any multiple of 4 bytes; 1 where there is no row. A plain load. */
__device__ __forceinline__ float4 floats_at(const float* row, int k) {
  if (row == nullptr) return {1.0f, 1.0f, 1.0f, 1.0f};
  return {row[k], row[k + 1], row[k + 2], row[k + 3]};
}

/**
 * Rotates `count` columns of shared memory in place, a multiple of `run`: begin(quad, k) makes what is rotated, end(quad,
 * k) what is left there. Begins with columns that all threads see; a barrier must follow before others' are read.
 */
template <int kThreads, typename Begin, typename End>
__device__ inline void rotate_columns(int run, int count, float* v, const Begin& begin, const End& end) {
  const int lane = static_cast<int>(threadIdx.x) & 31, warp = static_cast<int>(threadIdx.x) / 32;
  const bool done = run <= kWarpRun;
#pragma unroll 1
  for (int first = warp * kWarpRun; first < count; first += kThreads / 32 * kWarpRun) {
    float4 quads[kWarpQuads] = {};
#pragma unroll
    for (int j = 0; j < kWarpQuads; ++j) {
      const int k = first + 128 * j + 4 * lane;
      if (k < count) quads[j] = begin(*reinterpret_cast<const float4*>(v + k), k);
    }
    rotate_in_warp(quads, run);
#pragma unroll
    for (int j = 0; j < kWarpQuads; ++j) {
      const int k = first + 128 * j + 4 * lane;
      if (k < count) *reinterpret_cast<float4*>(v + k) = done ? end(quads[j], k) : quads[j];
    }
  }
  if (done) return;
  __syncthreads();
  // At most four pieces at a time: eight are 32 registers, and the activations kernel has not as many left.
  const bool pair_left = run != 4 * kWarpRun;
  if (run >= 4 * kWarpRun) rotate_pieces<kThreads, 4>(kWarpRun, !pair_left, v, count, end);
  if (!pair_left) return;
  if (run > 4 * kWarpRun) __syncthreads();
  rotate_pieces<kThreads, 2>(run / 2, true, v, count, end);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_QUANTISE_ROTATION_CUH_
