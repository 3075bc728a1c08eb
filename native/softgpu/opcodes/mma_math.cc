#include "softgpu/opcodes/mma_math.h"

#include <emmintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "softgpu/exec/float_formats.h"

namespace ternary::softgpu {
namespace {

constexpr int kMaxRows = 16, kMaxColumns = 8, kMaxDepth = 32;

bool is_byte(MmaType type) { return type == MmaType::u8 || type == MmaType::s8 || type == MmaType::e4m3; }

/** Bits of element `e` of a register of four or two. */
uint32_t element(uint32_t word, int per, int e) {
  return per == 4 ? word >> (8 * e) & 0xff : word >> (16 * e) & 0xffff;
}

/** Calls take(row of A or column of B, k, bits) for every element of a fragment; `row_pairs`: 16 rows, 8 otherwise. */
template <typename Take>
void each_element(Fragment fragment, int registers, int per, bool row_pairs, Take take) {
  for (int r = 0; r < registers; ++r) {
    const int row = row_pairs ? 8 * (r & 1) : 0;
    const int step = row_pairs ? r >> 1 : r;
    for (int lane = 0; lane < 32; ++lane) {
      for (int e = 0; e < per; ++e) {
        take(row + (lane >> 2), 4 * per * step + per * (lane & 3) + e, element(fragment[r][lane], per, e));
      }
    }
  }
}

/** Calls take(lane, register, row, column) for every element of C or D with 32-bit elements. */
template <typename Take>
void each_output(MmaShape shape, Take take) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int r = 0; r < shape.rows / 4; ++r) take(lane, r, (lane >> 2) + 8 * (r >> 1), 2 * (lane & 3) + (r & 1));
  }
}

/** D until all of C has been read: a register may be in both. */
struct Results {
  uint32_t word[4][32] = {};

  void store(int registers, FragmentOut d) const {
    for (int r = 0; r < registers; ++r) std::memcpy(d[r], word[r], sizeof word[r]);
  }
};

/** Rows of A or columns of B of bytes, as pairs of 16 bits along k: what pmaddwd multiplies. */
struct Pairs {
  alignas(16) int32_t at[kMaxRows][kMaxDepth / 2];
};

/** A word of four bytes, two pairs. */
void widen(uint32_t word, MmaType type, int32_t* pairs) {
  const __m128i bytes = _mm_cvtsi32_si128(static_cast<int>(word)), zero = _mm_setzero_si128();
  const __m128i signs = type == MmaType::s8 ? _mm_cmpgt_epi8(zero, bytes) : zero;
  _mm_storel_epi64(reinterpret_cast<__m128i*>(pairs), _mm_unpacklo_epi8(bytes, signs));
}

void gather_pairs(Fragment fragment, int registers, bool row_pairs, MmaType type, Pairs* to) {
  for (int r = 0; r < registers; ++r) {
    const int row = row_pairs ? 8 * (r & 1) : 0, step = row_pairs ? r >> 1 : r;
    for (int lane = 0; lane < 32; ++lane) {
      widen(fragment[r][lane], type, &to->at[row + (lane >> 2)][8 * step + 2 * (lane & 3)]);
    }
  }
}

float float_value(MmaType type, uint32_t bits) {
  if (type == MmaType::e4m3) return static_cast<float>(decode(bits, kE4m3));
  return type == MmaType::f16 ? from_f16(static_cast<uint16_t>(bits)) : from_bf16(static_cast<uint16_t>(bits));
}

/** Cut off towards zero; a double of at most 32 significant bits. Overflow gives Inf, as tensor cores do. */
float cut_to_float(double value) {
  float rounded = static_cast<float>(value);
  if (std::isinf(rounded)) {
    if (std::fabs(value) >= std::ldexp(1.0, 128)) return rounded;
    return std::copysign(std::numeric_limits<float>::max(), rounded);
  }
  if (std::fabs(static_cast<double>(rounded)) > std::fabs(value)) rounded = float_of(bits_of(rounded) - 1);
  return rounded;
}

/** A power of two as a double; the exponents here stay far from its ends. */
double power_of_two(int exponent) {
  const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct FloatOperands {
  float a[kMaxRows][kMaxDepth];
  alignas(16) float b[kMaxDepth][kMaxColumns];
};

void gather_floats(MmaShape shape, MmaType type, Fragment a, Fragment b, FloatOperands* to) {
  const MmaRegisters registers = mma_registers(shape, type);
  const int per = is_byte(type) ? 4 : 2;
  each_element(a, registers.a, per, shape.rows == 16,
               [&](int row, int k, uint32_t bits) { to->a[row][k] = float_value(type, bits); });
  each_element(b, registers.b, per, false,
               [&](int column, int k, uint32_t bits) { to->b[k][column] = float_value(type, bits); });
}

/** tensor_sum() of a column; b goes down a column of operands. */
float plain_sum(float c, const float* a, const float (*b)[kMaxColumns], int column, int kept_bits) {
  float down[kTensorBlock];
  for (int k = 0; k < kTensorBlock; ++k) down[k] = b[k][column];
  return tensor_sum(c, a, down, kept_bits);
}

/**
 * tensor_sum() of four columns at once, 20 times as fast; in place. False, and nothing done, if a largest addend is not
 * from 2^-60 to 2^100: there every product that could lose bits as a float, or its scaled value, is below what is cut
 * off anyway.
 */
bool sum_four(float* sums, const float* a, const float (*b)[kMaxColumns], int first) {
  const __m128 magnitude = _mm_castsi128_ps(_mm_set1_epi32(0x7fffffff));
  __m128 addends[kTensorBlock + 1];
  addends[kTensorBlock] = _mm_loadu_ps(sums);
  for (int k = 0; k < kTensorBlock; ++k) addends[k] = _mm_mul_ps(_mm_set1_ps(a[k]), _mm_load_ps(b[k] + first));
  const __m128i too_large = _mm_set1_epi32((127 + 100) << 23);  // NaN and Inf too
  __m128 largest = _mm_setzero_ps();
  __m128i outside = _mm_setzero_si128();
  for (const __m128 addend : addends) {
    const __m128 size = _mm_and_ps(addend, magnitude);
    outside = _mm_or_si128(outside, _mm_cmpgt_epi32(_mm_castps_si128(size), too_large));
    largest = _mm_max_ps(largest, size);
  }
  const __m128i bits = _mm_castps_si128(largest);
  outside = _mm_or_si128(outside, _mm_cmplt_epi32(bits, _mm_set1_epi32((127 - 60) << 23)));
  if (_mm_movemask_epi8(outside)) return false;
  // 2^(24 - exponent) brings the last kept bit to 1.
  const __m128i exponent = _mm_and_si128(bits, _mm_set1_epi32(0x7f800000));
  const __m128 scale = _mm_castsi128_ps(_mm_sub_epi32(_mm_set1_epi32((2 * 127 + 24) << 23), exponent));
  __m128i sum = _mm_setzero_si128();
  for (const __m128 addend : addends) sum = _mm_add_epi32(sum, _mm_cvttps_epi32(_mm_mul_ps(addend, scale)));
  const __m128i negative = _mm_srai_epi32(sum, 31);
  const __m128i size = _mm_sub_epi32(_mm_xor_si128(sum, negative), negative);
  // To a float towards zero: one step down where the conversion went up.
  __m128i floats = _mm_castps_si128(_mm_cvtepi32_ps(size));
  floats = _mm_add_epi32(floats, _mm_cmpgt_epi32(_mm_cvttps_epi32(_mm_castsi128_ps(floats)), size));
  const __m128 back = _mm_castsi128_ps(_mm_sub_epi32(exponent, _mm_set1_epi32(24 << 23)));
  const __m128 result = _mm_mul_ps(_mm_castsi128_ps(floats), back);
  _mm_storeu_ps(sums, _mm_or_ps(result, _mm_castsi128_ps(_mm_slli_epi32(negative, 31))));
  return true;
}

/** All of A * B + C. */
void multiply(const FloatOperands& operands, MmaShape shape, float (*sums)[kMaxColumns], int kept_bits = kKeptBits) {
  for (int row = 0; row < shape.rows; ++row) {
    for (int k = 0; k < shape.depth; k += kTensorBlock) {
      for (int first = 0; first < kMaxColumns; first += 4) {
        if (kept_bits == kKeptBits && sum_four(sums[row] + first, operands.a[row] + k, operands.b + k, first)) continue;
        for (int column = first; column < first + 4; ++column) {
          sums[row][column] = plain_sum(sums[row][column], operands.a[row] + k, operands.b + k, column, kept_bits);
        }
      }
    }
  }
}

}  // namespace

MmaRegisters mma_registers(MmaShape shape, MmaType type) {
  const int bits = is_byte(type) ? 8 : 16;
  return {shape.rows * shape.depth * bits / 1024, shape.columns * shape.depth * bits / 1024,
          shape.rows * shape.columns / 32, shape.rows * shape.columns / 64};
}

void mma_s32(MmaShape shape, MmaType a_type, MmaType b_type, bool satfinite, Fragment a, Fragment b, Fragment c,
             FragmentOut d) {
  Pairs a_pairs, b_pairs;
  const MmaRegisters registers = mma_registers(shape, a_type);
  gather_pairs(a, registers.a, shape.rows == 16, a_type, &a_pairs);
  gather_pairs(b, registers.b, false, b_type, &b_pairs);
  const int pairs = shape.depth / 2;
  alignas(16) int32_t b_columns[kMaxDepth / 2][kMaxColumns];
  for (int k = 0; k < pairs; ++k) {
    for (int column = 0; column < kMaxColumns; ++column) b_columns[k][column] = b_pairs.at[column][k];
  }
  alignas(16) int32_t dots[kMaxRows][kMaxColumns];
  for (int row = 0; row < shape.rows; ++row) {
    __m128i left = _mm_setzero_si128(), right = left;
    for (int k = 0; k < pairs; ++k) {
      const __m128i pair = _mm_set1_epi32(a_pairs.at[row][k]);
      const auto* columns = reinterpret_cast<const __m128i*>(b_columns[k]);
      left = _mm_add_epi32(left, _mm_madd_epi16(pair, columns[0]));
      right = _mm_add_epi32(right, _mm_madd_epi16(pair, columns[1]));
    }
    _mm_store_si128(reinterpret_cast<__m128i*>(dots[row]), left);
    _mm_store_si128(reinterpret_cast<__m128i*>(dots[row] + 4), right);
  }
  Results results;
  each_output(shape, [&](int lane, int r, int row, int column) {
    int64_t sum = static_cast<int64_t>(static_cast<int32_t>(c[r][lane])) + dots[row][column];
    if (satfinite) {
      sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
    }
    results.word[r][lane] = static_cast<uint32_t>(sum);
  });
  results.store(shape.rows / 4, d);
}

float tensor_sum(float c, const float* a, const float* b, int kept_bits) {
  double addends[kTensorBlock + 1];
  int exponent = 0;  // biased, of the largest addend
  for (int k = 0; k < kTensorBlock; ++k) addends[k] = static_cast<double>(a[k]) * b[k];  // exact: at most 22 bits
  addends[kTensorBlock] = c;
  for (const double addend : addends) {
    uint64_t bits;
    std::memcpy(&bits, &addend, sizeof bits);
    exponent = std::max(exponent, static_cast<int>(bits >> 52 & 0x7ff));
  }
  if (exponent == 0x7ff) {  // NaN or Inf among them: IEEE's rules for any order
    double sum = 0;
    for (const double addend : addends) sum += addend;
    return std::isnan(sum) ? float_of(0x7fffffff) : static_cast<float>(sum);
  }
  if (exponent == 0) return 0.0f;  // doubles hold every product and float as normal numbers: all are zeros
  const int last_bit = exponent - 1023 - kept_bits;  // of 24: one bit below those of a float
  const double scale = power_of_two(-last_bit);
  int32_t sum = 0;  // 9 addends below 2^25
  for (const double addend : addends) sum += static_cast<int32_t>(addend * scale);
  return cut_to_float(sum * power_of_two(last_bit));
}

void mma_f32(MmaShape shape, MmaType type, Fragment a, Fragment b, Fragment c, FragmentOut d) {
  FloatOperands operands;
  gather_floats(shape, type, a, b, &operands);
  float sums[kMaxRows][kMaxColumns];
  each_output(shape, [&](int lane, int r, int row, int column) { sums[row][column] = float_of(c[r][lane]); });
  multiply(operands, shape, sums, type == MmaType::e4m3 ? kKeptBitsOfE4m3 : kKeptBits);
  each_output(shape, [&](int lane, int r, int row, int column) { d[r][lane] = bits_of(sums[row][column]); });
}

void mma_f16(MmaShape shape, Fragment a, Fragment b, Fragment c, FragmentOut d) {
  FloatOperands operands;
  gather_floats(shape, MmaType::f16, a, b, &operands);
  float sums[kMaxRows][kMaxColumns];
  each_output(shape, [&](int lane, int r, int row, int column) {
    sums[row][column] = from_f16(static_cast<uint16_t>(c[r >> 1][lane] >> (16 * (r & 1))));
  });
  multiply(operands, shape, sums);
  Results results;
  each_output(shape, [&](int lane, int r, int row, int column) {
    const float sum = sums[row][column];
    const uint16_t bits = to_f16(sum);
    results.word[r >> 1][lane] |= static_cast<uint32_t>(bits) << (16 * (r & 1));
  });
  results.store(shape.rows / 8, d);
}

}  // namespace ternary::softgpu
