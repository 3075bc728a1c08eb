/**
 * @file dtype.h
 * @brief Scalar conversions between fp32 and the narrow float types, exact or rounded once to nearest even.
 *
 * Integer arithmetic only, so neither FTZ/DAZ nor F16C matters: _mm_cvtps_ph and these agree, but a compiler's
 * (_Float16) cast may call a libgcc routine that old runtimes lack.
 */
#ifndef TERNARY_ABI_DTYPE_H_
#define TERNARY_ABI_DTYPE_H_

#include <cstdint>
#include <cstring>

#include "ternary/ternary.h"

namespace ternary {

inline uint32_t float_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float bits_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline constexpr uint32_t kAbsMask = 0x7fffffffu;
inline constexpr uint32_t kInfinityBits = 0x7f800000u;

/** True for everything but NaN and the infinities. */
inline bool is_finite(float value) { return (float_bits(value) & kAbsMask) < kInfinityBits; }

inline float bf16_to_float(uint16_t bits) { return bits_float(static_cast<uint32_t>(bits) << 16); }

inline uint16_t float_to_bf16(float value) {
  const uint32_t bits = float_bits(value);
  if ((bits & kAbsMask) > kInfinityBits) return static_cast<uint16_t>((bits >> 16) | 0x40);  // stays NaN
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float f16_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 31) return bits_float(sign | kInfinityBits | (mantissa << 13));
  if (exponent != 0) return bits_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
  if (mantissa == 0) return bits_float(sign);
  uint32_t shift = 0;
  while (!(mantissa & 0x400)) {
    mantissa <<= 1;
    ++shift;
  }
  return bits_float(sign | ((113 - shift) << 23) | ((mantissa & 0x3ff) << 13));
}

inline uint16_t float_to_f16(float value) {
  const uint32_t bits = float_bits(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & kAbsMask;
  if (magnitude > kInfinityBits) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and more round to infinity
  if (magnitude >= 0x38800000) {                                             // normal: 2^-14 and more
    const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
    return static_cast<uint16_t>(sign | ((rounded - 0x38000000) >> 13));
  }
  if (magnitude <= 0x33000000) return sign;   // 2^-25 is a tie with 0, which is even
  const uint32_t exponent = magnitude >> 23;  // 102 ... 112: denormal
  const uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t shift = 126 - exponent;  // 14 ... 24
  const uint32_t half = 1u << (shift - 1);
  const uint32_t rounded = mantissa + half - 1 + ((mantissa >> shift) & 1);
  return static_cast<uint16_t>(sign | (rounded >> shift));
}

/** OCP e4m3fn: bias 7, no infinities, 0x7f and 0xff NaN. */
inline float f8_e4m3_to_float(uint8_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x80) << 24;
  const uint32_t exponent = (bits >> 3) & 15;
  const uint32_t mantissa = bits & 7;
  if (exponent == 15 && mantissa == 7) return bits_float(sign | 0x7fc00000u);
  if (exponent != 0) return bits_float(sign | ((exponent + 120) << 23) | (mantissa << 20));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;
  return bits_float(sign | float_bits(magnitude));
}

/** A row of dtypes.inc. */
struct DtypeTraits {
  ternary_dtype value;
  const char* name;  ///< "BF16"
  int64_t bytes;     ///< of an element
  bool result;       ///< whether products may write it
};

inline constexpr DtypeTraits kDtypeTraits[] = {
#define DTYPE(value, element, to_float, result) {TERNARY_##value, #value, sizeof(element), result},
#include "abi/dtypes.inc"
#undef DTYPE
};
inline constexpr int kDtypeCount = sizeof kDtypeTraits / sizeof kDtypeTraits[0];

/** Bytes of one element; 0 for a value outside the enum. */
inline constexpr int64_t dtype_bytes(ternary_dtype dtype) {
  switch (dtype) {
#define DTYPE(value, element, to_float, result) \
  case TERNARY_##value: return sizeof(element);
#include "abi/dtypes.inc"
#undef DTYPE
  }
  return 0;
}

/** Element `index` as fp32, exact. */
inline float load_float(const void* data, ternary_dtype dtype, int64_t index) {
  switch (dtype) {
#define DTYPE(value, element, to_float, result) \
  case TERNARY_##value: return to_float(static_cast<const element*>(data)[index]);
#include "abi/dtypes.inc"
#undef DTYPE
  }
  return 0.0f;
}

/** Stores fp32 as F32, F16 or BF16, rounded once to nearest even. */
inline void store_float(void* data, ternary_dtype dtype, int64_t index, float value) {
  switch (dtype) {
    case TERNARY_F16: static_cast<uint16_t*>(data)[index] = float_to_f16(value); break;
    case TERNARY_BF16: static_cast<uint16_t*>(data)[index] = float_to_bf16(value); break;
    default: static_cast<float*>(data)[index] = value; break;
  }
}

/** fp32 rounded once to F32 (itself), F16 or BF16, and widened again. */
inline float round_float(float value, ternary_dtype dtype) {
  switch (dtype) {
    case TERNARY_F16: return f16_to_float(float_to_f16(value));
    case TERNARY_BF16: return bf16_to_float(float_to_bf16(value));
    default: return value;
  }
}

}  // namespace ternary

#endif  // TERNARY_ABI_DTYPE_H_
