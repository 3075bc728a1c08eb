/**
 * @file float_formats.h
 * @brief Floats as bits: what they are worth, and how a number is rounded to them.
 *
 * Written apart from the conversions of the kernels under test (abi/dtype.h), by other methods: encode() and decode()
 * work on values, by powers of two, from_f16() scales, to_bf16() rounds by what is cut off. NaN becomes the one that PTX
 * calls canonical where a number is converted to a narrower format, and keeps its payload where to a wider one.
 */
#ifndef TERNARY_SOFTGPU_EXEC_FLOAT_FORMATS_H_
#define TERNARY_SOFTGPU_EXEC_FLOAT_FORMATS_H_

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ternary::softgpu {

inline constexpr uint32_t kMagnitudeF32 = 0x7fffffff;  ///< the bits that are not the sign
inline constexpr uint32_t kInfinityF32 = 0x7f800000;

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

enum class Rounding : uint8_t { nearest_even, nearest_away, zero, down, up };

/** A binary format narrower than double. */
struct Format {
  int exponent_bits;
  int mantissa_bits;
  bool has_infinity;  ///< false: e4m3, whose largest exponent holds numbers and one NaN
  uint32_t nan;       ///< the NaN that conversions give
};
inline constexpr Format kF16{5, 10, true, 0x7fff};
inline constexpr Format kBf16{8, 7, true, 0x7fff};
inline constexpr Format kE4m3{4, 3, false, 0x7f};
inline constexpr Format kE5m2{5, 2, true, 0x7f};
inline constexpr Format kF32{8, 23, true, 0x7fffffff};
inline constexpr Format kTf32{8, 10, true, 0x7fffffff};  ///< to be shifted up by 13

/** The largest finite value's bits. */
inline constexpr uint32_t largest(const Format& format) {
  uint32_t mantissas = 1u << format.mantissa_bits;
  uint32_t top = ((1u << format.exponent_bits) - 1) * mantissas;  // infinity, or e4m3's last binade
  return format.has_infinity ? top - 1 : top + mantissas - 2;
}

/** Rounds to the format. `saturate`: numbers too large, infinities too, become the largest finite one. */
inline uint32_t encode(double value, const Format& format, Rounding rounding, bool saturate) {
  uint64_t raw;
  std::memcpy(&raw, &value, 8);
  uint32_t sign_bit = static_cast<uint32_t>(raw >> 63) << (format.exponent_bits + format.mantissa_bits);
  bool negative = raw >> 63;
  if (value != value) return format.nan;
  uint32_t most = largest(format);
  uint32_t overflow = saturate ? most : format.has_infinity ? most + 1 : format.nan;
  if (std::isinf(value)) return sign_bit | overflow;
  if (value == 0) return sign_bit;
  int exponent;
  double fraction = std::frexp(std::fabs(value), &exponent);  // in [1/2, 1)
  // 53 bits, value = significand * 2^(exponent - 53).
  uint64_t significand = static_cast<uint64_t>(std::ldexp(fraction, 53));
  int bias = (1 << (format.exponent_bits - 1)) - 1;
  int biased = exponent - 1 + bias;
  int drop = 53 - (format.mantissa_bits + 1) + (biased < 1 ? 1 - biased : 0);  // bits that do not fit
  if (drop > 60) drop = 60;
  uint64_t kept = significand >> drop, lost = significand & ((uint64_t{1} << drop) - 1);
  uint64_t half = uint64_t{1} << (drop - 1);
  bool up = false;
  switch (rounding) {
    case Rounding::nearest_even: up = lost > half || (lost == half && (kept & 1)); break;
    case Rounding::nearest_away: up = lost >= half; break;
    case Rounding::zero: break;
    case Rounding::down: up = negative && lost; break;
    case Rounding::up: up = !negative && lost; break;
  }
  kept += up;
  // `kept` has the hidden bit unless it is subnormal, so adding it to the exponent below carries as it should.
  uint64_t magnitude = biased < 1 ? kept : (static_cast<uint64_t>(biased - 1) << format.mantissa_bits) + kept;
  if (magnitude > most) {
    bool towards_zero = rounding == Rounding::zero || (rounding == Rounding::down && !negative) ||
                        (rounding == Rounding::up && negative);
    return sign_bit | (towards_zero ? most : overflow);
  }
  return sign_bit | static_cast<uint32_t>(magnitude);
}

/** What the bits are worth: exact for every format up to f32. */
inline double decode(uint32_t bits, const Format& format) {
  int sign_place = format.exponent_bits + format.mantissa_bits;
  bool negative = bits >> sign_place & 1;
  uint32_t magnitude = bits & ((1u << sign_place) - 1);
  uint32_t exponent = magnitude >> format.mantissa_bits, mantissa = magnitude & ((1u << format.mantissa_bits) - 1);
  int bias = (1 << (format.exponent_bits - 1)) - 1;
  double value;
  if (magnitude > largest(format) && (!format.has_infinity || mantissa)) {
    value = std::nan("");
  } else if (magnitude > largest(format)) {
    value = HUGE_VAL;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<double>(mantissa), 1 - bias - format.mantissa_bits);
  } else {
    value = std::ldexp(static_cast<double>(mantissa + (1u << format.mantissa_bits)),
                       static_cast<int>(exponent) - bias - format.mantissa_bits);
  }
  return negative ? -value : value;
}

/** bf16 is the upper half of f32. */
inline float from_bf16(uint16_t bits) { return float_of(static_cast<uint32_t>(bits) << 16); }
inline uint16_t to_bf16(float value) {
  if (std::isnan(value)) return static_cast<uint16_t>(kBf16.nan);
  const uint32_t bits = bits_of(value), lost = bits & 0xffff;
  uint16_t rounded = static_cast<uint16_t>(bits >> 16);
  if (lost > 0x8000 || (lost == 0x8000 && rounded % 2 == 1)) ++rounded;  // carries into the exponent as it should
  return rounded;
}
inline float from_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13;
  if (magnitude >= 0x7c00u << 13) return float_of(sign | kInfinityF32 | magnitude);
  return float_of(sign | magnitude) * 0x1p112f;  // the difference of the biases; exact, subnormals too
}
inline uint16_t to_f16(double value) {
  return static_cast<uint16_t>(encode(value, kF16, Rounding::nearest_even, false));
}

/** a + b rounded to odd, so that rounding it again to a narrow format is right. */
inline double add_to_odd(double a, double b) {
  double sum = a + b;
  if (!std::isfinite(sum)) return sum;
  double b_part = sum - a;
  double error = (a - (sum - b_part)) + (b - b_part);
  uint64_t bits;
  std::memcpy(&bits, &sum, 8);
  if (error == 0 || (bits & 1)) return sum;
  bits += (error > 0) == (sum > 0) ? 1 : -1;
  std::memcpy(&sum, &bits, 8);
  return sum;
}

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_FLOAT_FORMATS_H_
