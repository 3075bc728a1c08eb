#include "softgpu/exec/mma_math.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/dtype.h"

namespace ternary::softgpu {
namespace {

constexpr int kMaxRows = 16, kMaxColumns = 8, kMaxDepth = 32;

bool is_byte(MmaType type) { return type == MmaType::u8 || type == MmaType::s8; }
int per_register(MmaType type) { return is_byte(type) ? 4 : 2; }

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

int16_t byte_value(MmaType type, uint32_t bits) {
  return type == MmaType::s8 ? static_cast<int8_t>(bits) : static_cast<int16_t>(bits);
}

float half_value(MmaType type, uint32_t bits) {
  return type == MmaType::f16 ? f16_to_float(static_cast<uint16_t>(bits)) : bf16_to_float(static_cast<uint16_t>(bits));
}

/** Cut off towards zero; a double of at most 32 significant bits. Overflow gives Inf, as tensor cores do. */
float cut_to_float(double value) {
  float rounded = static_cast<float>(value);
  if (std::isinf(rounded)) {
    if (std::fabs(value) >= std::ldexp(1.0, 128)) return rounded;
    return std::copysign(std::numeric_limits<float>::max(), rounded);
  }
  if (std::fabs(static_cast<double>(rounded)) > std::fabs(value)) rounded = bits_float(float_bits(rounded) - 1);
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
  float b[kMaxColumns][kMaxDepth];
};

void gather_floats(MmaShape shape, MmaType type, Fragment a, Fragment b, FloatOperands* to) {
  const MmaRegisters registers = mma_registers(shape, type);
  each_element(a, registers.a, 2, shape.rows == 16,
               [&](int row, int k, uint32_t bits) { to->a[row][k] = half_value(type, bits); });
  each_element(b, registers.b, 2, false,
               [&](int column, int k, uint32_t bits) { to->b[column][k] = half_value(type, bits); });
}

float dot_in_blocks(float sum, const float* a, const float* b, int depth) {
  for (int k = 0; k < depth; k += kTensorBlock) sum = tensor_sum(sum, a + k, b + k);
  return sum;
}

}  // namespace

MmaRegisters mma_registers(MmaShape shape, MmaType type) {
  const int bits = is_byte(type) ? 8 : 16;
  return {shape.rows * shape.depth * bits / 1024, shape.columns * shape.depth * bits / 1024,
          shape.rows * shape.columns / 32, shape.rows * shape.columns / 64};
}

void mma_s32(MmaShape shape, MmaType a_type, MmaType b_type, bool satfinite, Fragment a, Fragment b, Fragment c,
             FragmentOut d) {
  // 16-bit elements so that the compiler makes the dots of multiply-and-add-pairs: 255 * 127 * 2 fits int32.
  int16_t rows[kMaxRows][kMaxDepth], columns[kMaxColumns][kMaxDepth];
  const MmaRegisters registers = mma_registers(shape, a_type);
  each_element(a, registers.a, per_register(a_type), shape.rows == 16,
               [&](int row, int k, uint32_t bits) { rows[row][k] = byte_value(a_type, bits); });
  each_element(b, registers.b, per_register(b_type), false,
               [&](int column, int k, uint32_t bits) { columns[column][k] = byte_value(b_type, bits); });
  Results results;
  each_output(shape, [&](int lane, int r, int row, int column) {
    int32_t dot = 0;
    for (int k = 0; k < shape.depth; ++k) dot += rows[row][k] * columns[column][k];
    int64_t sum = static_cast<int64_t>(static_cast<int32_t>(c[r][lane])) + dot;
    if (satfinite) {
      sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
    }
    results.word[r][lane] = static_cast<uint32_t>(sum);
  });
  results.store(shape.rows / 4, d);
}

float tensor_sum(float c, const float* a, const float* b) {
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
    return std::isnan(sum) ? bits_float(0x7fffffff) : static_cast<float>(sum);
  }
  if (exponent == 0) return 0.0f;  // doubles hold every product and float as normal numbers: all are zeros
  const int last_bit = exponent - 1023 - 24;  // one bit below the 24 of a float
  const double scale = power_of_two(-last_bit);
  int32_t sum = 0;  // 9 addends below 2^25
  for (const double addend : addends) sum += static_cast<int32_t>(addend * scale);
  return cut_to_float(sum * power_of_two(last_bit));
}

void mma_f32(MmaShape shape, MmaType type, Fragment a, Fragment b, Fragment c, FragmentOut d) {
  FloatOperands operands;
  gather_floats(shape, type, a, b, &operands);
  Results results;
  each_output(shape, [&](int lane, int r, int row, int column) {
    results.word[r][lane] = float_bits(
        dot_in_blocks(bits_float(c[r][lane]), operands.a[row], operands.b[column], shape.depth));
  });
  results.store(shape.rows / 4, d);
}

void mma_f16(MmaShape shape, Fragment a, Fragment b, Fragment c, FragmentOut d) {
  FloatOperands operands;
  gather_floats(shape, MmaType::f16, a, b, &operands);
  Results results;
  each_output(shape, [&](int lane, int r, int row, int column) {
    const int word = r >> 1, shift = 16 * (r & 1);
    const float start = f16_to_float(static_cast<uint16_t>(c[word][lane] >> shift));
    const float sum = dot_in_blocks(start, operands.a[row], operands.b[column], shape.depth);
    const uint16_t bits = std::isnan(sum) ? 0x7fff : float_to_f16(sum);
    results.word[word][lane] |= static_cast<uint32_t>(bits) << shift;
  });
  results.store(shape.rows / 8, d);
}

}  // namespace ternary::softgpu
