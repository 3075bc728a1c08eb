/**
 * @file scalar.cuh
 * @brief Conversions between fp32 and the narrow element types on a GPU, exact or rounded once to nearest even:
 * dtype.h's.
 *
 * In PTX of our own, so that no instruction flushes denormals and the toolkit's large headers need no compiling.
 */
#ifndef TERNARY_CUDA_DEVICE_SCALAR_CUH_
#define TERNARY_CUDA_DEVICE_SCALAR_CUH_

#include <cstdint>

#include "ternary/ternary.h"

namespace ternary::cuda {

inline constexpr uint32_t kInfinityPattern = 0x7f800000u;
inline constexpr uint32_t kNanPattern = 0x7fc00000u;

__device__ __forceinline__ uint32_t abs_bits(float value) { return __float_as_uint(value) & 0x7fffffffu; }

__device__ __forceinline__ float f16_to_fp32(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

__device__ __forceinline__ float bf16_to_fp32(uint16_t bits) {
  return __uint_as_float(static_cast<uint32_t>(bits) << 16);
}

/** e4m3fn's bits are those of an f16 with 8 less in the exponent, denormals too; only its NaN needs a word. */
__device__ __forceinline__ float e4m3_to_fp32(uint8_t bits) {
  const uint32_t magnitude = bits & 0x7fu;
  const uint16_t half = static_cast<uint16_t>((bits & 0x80u) << 8 | magnitude << 7);
  const float value = __fmul_rn(f16_to_fp32(half), 256.0f);
  return magnitude == 0x7fu ? __uint_as_float(kNanPattern) : value;
}

__device__ __forceinline__ uint16_t fp32_to_f16(float value) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

__device__ __forceinline__ uint16_t fp32_to_bf16(float value) {
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

/** An element of F32, F16 or BF16 as fp32, exactly. */
__device__ __forceinline__ float load_element(const void* data, ternary_dtype dtype, int64_t index) {
  if (dtype == TERNARY_F32) return static_cast<const float*>(data)[index];
  const uint16_t half = static_cast<const uint16_t*>(data)[index];
  return dtype == TERNARY_F16 ? f16_to_fp32(half) : bf16_to_fp32(half);
}

/** The same, past the first-level cache: what another CTA of this launch has written. */
__device__ __forceinline__ float load_fresh_element(const void* data, ternary_dtype dtype, int64_t index) {
  if (dtype == TERNARY_F32) return __ldcg(static_cast<const float*>(data) + index);
  const uint16_t half = __ldcg(static_cast<const uint16_t*>(data) + index);
  return dtype == TERNARY_F16 ? f16_to_fp32(half) : bf16_to_fp32(half);
}

/** fp32 rounded once to F32, which leaves it, F16 or BF16. */
__device__ __forceinline__ float rounded(float value, ternary_dtype dtype) {
  if (dtype == TERNARY_F32) return value;
  return dtype == TERNARY_F16 ? f16_to_fp32(fp32_to_f16(value)) : bf16_to_fp32(fp32_to_bf16(value));
}

/** Stores fp32 as F32, F16 or BF16, rounded once. */
__device__ __forceinline__ void store_element(void* data, ternary_dtype dtype, int64_t index, float value) {
  if (dtype == TERNARY_F32) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<uint16_t*>(data)[index] = dtype == TERNARY_F16 ? fp32_to_f16(value) : fp32_to_bf16(value);
  }
}

__host__ __device__ constexpr int element_bytes(ternary_dtype dtype) {
  return dtype == TERNARY_F32 ? 4 : dtype == TERNARY_F16 || dtype == TERNARY_BF16 ? 2 : 1;
}

/** Four neighbouring elements as they lie in memory, the first in the lowest bits of x. */
using RawQuad = uint4;

/**
 * Elements k ... k + 3 of a row of K, zeros beyond its end, which is not touched. `whole`: there are four, at a
 * multiple of four elements. A plain load: rows may have been written by the previous kernel of a PDL chain.
 */
template <bool whole>
__device__ __forceinline__ RawQuad load_quad(const void* row, int bytes, int k, int K) {
  RawQuad raw = {0, 0, 0, 0};
  const char* p = static_cast<const char*>(row) + static_cast<int64_t>(k) * bytes;
  if (whole) {
    if (bytes == 4) {
      raw = *reinterpret_cast<const uint4*>(p);
    } else if (bytes == 2) {
      const uint2 pair = *reinterpret_cast<const uint2*>(p);
      raw.x = pair.x;
      raw.y = pair.y;
    } else {
      raw.x = *reinterpret_cast<const uint32_t*>(p);
    }
    return raw;
  }
  const int count = K - k < 4 ? K - k : 4;
  if (bytes == 4) {
    const uint32_t* elements = reinterpret_cast<const uint32_t*>(p);
    if (count > 0) raw.x = elements[0];
    if (count > 1) raw.y = elements[1];
    if (count > 2) raw.z = elements[2];
    if (count > 3) raw.w = elements[3];
  } else if (bytes == 2) {
    const uint16_t* elements = reinterpret_cast<const uint16_t*>(p);
    if (count > 0) raw.x = elements[0];
    if (count > 1) raw.x |= static_cast<uint32_t>(elements[1]) << 16;
    if (count > 2) raw.y = elements[2];
    if (count > 3) raw.y |= static_cast<uint32_t>(elements[3]) << 16;
  } else {
    const uint8_t* elements = reinterpret_cast<const uint8_t*>(p);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (i < count) raw.x |= static_cast<uint32_t>(elements[i]) << 8 * i;
    }
  }
  return raw;
}

/** The quad as fp32, exact. */
__device__ __forceinline__ float4 quad_to_fp32(RawQuad raw, ternary_dtype dtype) {
  float4 v;
  if (dtype == TERNARY_F32) {
    v = {__uint_as_float(raw.x), __uint_as_float(raw.y), __uint_as_float(raw.z), __uint_as_float(raw.w)};
  } else if (dtype == TERNARY_F16) {
    v = {f16_to_fp32(static_cast<uint16_t>(raw.x)), f16_to_fp32(static_cast<uint16_t>(raw.x >> 16)),
         f16_to_fp32(static_cast<uint16_t>(raw.y)), f16_to_fp32(static_cast<uint16_t>(raw.y >> 16))};
  } else if (dtype == TERNARY_BF16) {
    v = {__uint_as_float(raw.x << 16), __uint_as_float(raw.x & 0xffff0000u), __uint_as_float(raw.y << 16),
         __uint_as_float(raw.y & 0xffff0000u)};
  } else if (dtype == TERNARY_F8_E4M3) {
    v = {e4m3_to_fp32(static_cast<uint8_t>(raw.x)), e4m3_to_fp32(static_cast<uint8_t>(raw.x >> 8)),
         e4m3_to_fp32(static_cast<uint8_t>(raw.x >> 16)), e4m3_to_fp32(static_cast<uint8_t>(raw.x >> 24))};
  } else {
    v = {static_cast<float>(static_cast<int8_t>(raw.x)), static_cast<float>(static_cast<int8_t>(raw.x >> 8)),
         static_cast<float>(static_cast<int8_t>(raw.x >> 16)), static_cast<float>(static_cast<int8_t>(raw.x >> 24))};
  }
  return v;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_SCALAR_CUH_
