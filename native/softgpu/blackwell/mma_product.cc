#include "softgpu/blackwell/mma_product.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "softgpu/code/fault.h"
#include "softgpu/exec/float_formats.h"

namespace ternary::softgpu {
namespace {

constexpr double kExactIntegers = 1 << 24;  ///< of f32: up to here each has its own bits
constexpr double kMostInt8 = 128;

double value_of(const uint8_t* bytes, MmaType type) {
  uint16_t half;
  switch (type) {
    case MmaType::u8: return *bytes;
    case MmaType::s8: return static_cast<int8_t>(*bytes);
    default: std::memcpy(&half, bytes, 2);
  }
  return type == MmaType::f16 ? from_f16(half) : from_bf16(half);
}

std::vector<double> values_of(const std::vector<uint8_t>& bytes, MmaType type, uint32_t element_bytes) {
  std::vector<double> values(bytes.size() / element_bytes);
  for (size_t i = 0; i < values.size(); ++i) values[i] = value_of(&bytes[i * element_bytes], type);
  return values;
}

bool all_int8(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return std::fabs(value) <= kMostInt8 && value == std::trunc(value); });
}

/** The largest power of two that divides all of these int8; 128 of zeros. */
double unit_of(const std::vector<double>& values) {
  int bits = 128;
  for (double value : values) bits |= static_cast<int>(value);
  return bits & -bits;
}

uint32_t rounded(double sum) {
  const float value = static_cast<float>(sum);
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

double f32_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

uint32_t integer_result(double sum, bool saturates) {
  if (saturates) sum = std::min(std::max(sum, -2147483648.0), 2147483647.0);
  return static_cast<uint32_t>(static_cast<int64_t>(sum));  // else it wraps
}

// What chooses between clones runs before ThreadSanitizer can.
#ifdef __SANITIZE_THREAD__
#define TERNARY_CLONES
#else
#define TERNARY_CLONES __attribute__((target_clones("avx2", "default")))
#endif

/** One row of A by all of B, which lies k by k, added to `sums`. */
TERNARY_CLONES void add_row(const double* a, const double* b, uint32_t k, uint32_t columns, double* sums) {
  for (uint32_t i = 0; i < k; ++i) {
    const double factor = a[i];
    const double* row = b + size_t{i} * columns;
    for (uint32_t n = 0; n < columns; ++n) sums[n] += factor * row[n];
  }
}

/**
 * What was added to an f32 accumulator, in any order, must have fitted: multiples of `unit`, or of the smaller one that the
 * sum before is a multiple of. A sum beyond those is none of int8-valued operands, or a step before had met the edge.
 */
void check_exact(double before, const double* a, const double* b, uint32_t k, uint32_t columns, double unit) {
  while (unit > 1 && before / unit != std::trunc(before / unit)) unit /= 2;
  if (before != std::trunc(before) || std::fabs(before) > unit * kExactIntegers) return;
  double most = std::fabs(before);
  for (uint32_t i = 0; i < k; ++i) most += std::fabs(a[i] * b[size_t{i} * columns]);
  if (most <= unit * kExactIntegers) return;
  throw Fault(FaultKind::illegal, "an accumulator of integers may reach " + std::to_string(std::llround(most)) +
                                      ", which has no room in 24 bits");
}

}  // namespace

void add_product(const MmaShape& shape, const std::vector<uint8_t>& a, uint32_t rows, const std::vector<uint8_t>& b,
                 uint32_t columns, uint32_t* d) {
  const uint32_t k = shape.k();
  const std::vector<double> left = values_of(a, shape.a, shape.element_bytes());
  const std::vector<double> right = values_of(b, shape.b, shape.element_bytes());
  std::vector<double> by_k(right.size());
  for (uint32_t n = 0; n < columns; ++n) {
    for (uint32_t i = 0; i < k; ++i) by_k[size_t{i} * columns + n] = right[size_t{n} * k + i];
  }
  const bool must_fit = !shape.integers && all_int8(left) && all_int8(right);
  const double unit = must_fit ? unit_of(left) * unit_of(right) : 1;
  std::vector<double> sums(columns), before(columns);
  for (uint32_t row = 0; row < rows; ++row) {
    uint32_t* out = d + size_t{row} * columns;
    for (uint32_t n = 0; n < columns; ++n) {
      sums[n] = before[n] = shape.integers ? static_cast<int32_t>(out[n]) : f32_of(out[n]);
    }
    const double* of_row = &left[size_t{row} * k];
    add_row(of_row, by_k.data(), k, columns, sums.data());
    for (uint32_t n = 0; n < columns; ++n) {
      // Far from the edge nothing need be looked at more closely.
      const bool near_edge = std::fabs(before[n]) + k * kMostInt8 * kMostInt8 > kExactIntegers;
      if (must_fit && near_edge) check_exact(before[n], of_row, &by_k[n], k, columns, unit);
      out[n] = shape.integers ? integer_result(sums[n], shape.saturates) : rounded(sums[n]);
    }
  }
}

}  // namespace ternary::softgpu
