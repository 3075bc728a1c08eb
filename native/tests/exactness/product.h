/**
 * @file product.h
 * @brief A product by one matrix instruction, on the GPU and exactly on the host.
 */
#ifndef TERNARY_TESTS_EXACTNESS_PRODUCT_H_
#define TERNARY_TESTS_EXACTNESS_PRODUCT_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "exactness/mma_kinds.h"
#include "support/cuda/device_memory.h"

namespace ternary::test {

inline const char* name_of(MmaKind kind) {
  constexpr const char* kNames[] = {"s8_s8", "u8_s8", "bf16", "f16", "e4m3", "dp4a"};
  return kNames[static_cast<int>(kind)];
}

inline bool device_has(MmaKind kind) {
  int major = 0, minor = 0;
  require_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "capability");
  require_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0), "capability");
  return kind != MmaKind::e4m3 || 10 * major + minor >= 89;
}

/** A binary float of so many bits as a number; `e4m3`: no infinities. By powers of two, as the formats are defined. */
inline double float_value(uint32_t bits, int exponent_bits, int mantissa_bits, bool e4m3) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1), ones = (1u << exponent_bits) - 1;
  const uint32_t exponent = bits >> mantissa_bits & ones;
  const double sign = bits >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == ones && (!e4m3 || mantissa == (1u << mantissa_bits) - 1)) return std::nan("");  // or Inf: no number
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  return sign *
         (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, static_cast<int>(exponent) - bias));
}

/** A whole number from -256 to 256 as bf16 or f16. */
inline uint16_t half_of(MmaKind kind, int value) {
  if (value == 0) return 0;
  const int mantissa_bits = kind == MmaKind::bf16 ? 7 : 10, bias = kind == MmaKind::bf16 ? 127 : 15;
  int exponent;
  const double fraction = std::frexp(std::abs(value), &exponent);  // in [1/2, 1)
  const auto mantissa = static_cast<uint32_t>(std::ldexp(2 * fraction - 1, mantissa_bits));
  return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (exponent - 1 + bias) << mantissa_bits | mantissa);
}

/** D[16][8] = C + A[16][K] . B[8][K]^T. Sum: int32_t, or float for bf16, f16 and e4m3. */
template <typename Sum>
class Product {
 public:
  Product(MmaKind kind, int steps) : kind_(kind), steps_(steps), K_(steps * kMmaStepBytes / bytes_of_element()) {}

  /** Each is called with row and column, and gives an element's bits, or C's value. */
  template <typename A, typename B, typename C>
  void fill(A a, B b, C c) {
    a_ = matrix(kMmaRows, a);
    b_ = matrix(kMmaColumns, b);
    c_.clear();
    for (int row = 0; row < kMmaRows; ++row) {
      for (int column = 0; column < kMmaColumns; ++column) c_.push_back(c(row, column));
    }
  }

  /** 0 or 1 as an element. */
  uint32_t element_of(int value) const {
    if (kind_ == MmaKind::e4m3) return value == 0 ? 0 : 0x38;
    return half_of(kind_, value);
  }

  bool finite() const {
    for (const uint32_t bits : a_) {
      if (std::isnan(value(bits, true))) return false;
    }
    return true;
  }

  std::vector<Sum> run() const {
    const DeviceMemory a = bytes(a_), b = bytes(b_);
    DeviceMemory d(c_.data(), static_cast<int64_t>(c_.size() * sizeof(Sum)));
    require_cuda(start_mma(kind_, a.as<uint8_t>(), b.as<uint8_t>(), steps_, d.data()), name_of(kind_));
    std::vector<Sum> found(c_.size());
    d.read(found.data());
    return found;
  }

  /** Of whole numbers modulo 2^32; of floats where the sum, and all on the way to it, is one. */
  std::vector<Sum> exact() const {
    std::vector<Sum> sums;
    for (int row = 0; row < kMmaRows; ++row) {
      for (int column = 0; column < kMmaColumns; ++column) {
        double sum = c_[row * kMmaColumns + column];  // below 2^53: exact
        for (int k = 0; k < K_; ++k) sum += value(a_[row * K_ + k], true) * value(b_[column * K_ + k], false);
        if constexpr (std::is_same_v<Sum, float>) {
          sums.push_back(static_cast<float>(sum));
        } else {
          sums.push_back(static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(sum))));
        }
      }
    }
    return sums;
  }

 private:
  int bytes_of_element() const { return kind_ == MmaKind::bf16 || kind_ == MmaKind::f16 ? 2 : 1; }

  template <typename Element>
  std::vector<uint32_t> matrix(int rows, Element element) const {
    std::vector<uint32_t> elements;
    for (int row = 0; row < rows; ++row) {
      for (int k = 0; k < K_; ++k) elements.push_back(element(row, k));
    }
    return elements;
  }

  DeviceMemory bytes(const std::vector<uint32_t>& elements) const {
    std::vector<uint8_t> all;
    for (const uint32_t bits : elements) {
      for (int byte = 0; byte < bytes_of_element(); ++byte) all.push_back(static_cast<uint8_t>(bits >> 8 * byte));
    }
    return DeviceMemory(all.data(), static_cast<int64_t>(all.size()));
  }

  double value(uint32_t bits, bool of_a) const {
    switch (kind_) {
      case MmaKind::bf16: return float_value(bits, 8, 7, false);
      case MmaKind::f16: return float_value(bits, 5, 10, false);
      case MmaKind::e4m3: return float_value(bits, 4, 3, true);
      case MmaKind::u8_s8:
      case MmaKind::dp4a:
        if (of_a) return bits;
        [[fallthrough]];
      case MmaKind::s8_s8: return static_cast<int8_t>(bits);
    }
    return 0;
  }

  const MmaKind kind_;
  const int steps_, K_;
  std::vector<uint32_t> a_, b_;
  std::vector<Sum> c_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_EXACTNESS_PRODUCT_H_
