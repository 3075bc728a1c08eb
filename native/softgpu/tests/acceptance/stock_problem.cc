#include "softgpu/tests/acceptance/stock_problem.h"

#include <cmath>
#include <cstring>
#include <random>

namespace ternary::softgpu {
namespace {

constexpr int kScales[] = {-3, 2};  ///< the least and the greatest exponent

std::vector<uint8_t> bytes_of_int2(const std::vector<int>& values) {
  std::vector<uint8_t> bytes(values.size() / 4);
  for (size_t i = 0; i < values.size(); ++i) bytes[i / 4] |= static_cast<uint8_t>((values[i] & 3) << (2 * (i % 4)));
  return bytes;
}

std::vector<uint8_t> bytes_of_bf16(const std::vector<int>& values) {
  std::vector<uint8_t> bytes(values.size() * 2);
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = static_cast<float>(values[i]);  // below 256, so the upper half has all of it
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    bytes[2 * i] = static_cast<uint8_t>(bits >> 16);
    bytes[2 * i + 1] = static_cast<uint8_t>(bits >> 24);
  }
  return bytes;
}

}  // namespace

DeviceBytes::DeviceBytes(const std::vector<uint8_t>& bytes) {
  if (cudaMalloc(&at_, bytes.size()) != cudaSuccess) return;
  cudaMemcpy(at_, bytes.data(), bytes.size(), cudaMemcpyHostToDevice);
  cudaDeviceSynchronize();
}

StockProblem::StockProblem(Kind kind, int m, int n, int k)
    : kind_(kind), m_(m), n_(n), k_(k), a_(static_cast<size_t>(m) * k), b_(static_cast<size_t>(n) * k) {
  std::mt19937 random(static_cast<uint32_t>(m + n + k));
  const bool dense = kind == Kind::dense;
  for (int& one : a_) one = dense ? static_cast<int>(random() % 256) - 128 : static_cast<int>(random() % 3) - 1;
  for (int& one : b_) one = static_cast<int>(random() % 256) - 128;
  std::uniform_int_distribution<int> exponent(kScales[0], kScales[1]);
  for (int i = 0; i < m + n; ++i) {
    scales_.push_back(kind == Kind::mixed_scaled ? std::ldexp(1.0f, exponent(random)) : 1.0f);
  }
}

std::vector<uint8_t> StockProblem::a() const {
  return kind_ == Kind::dense ? std::vector<uint8_t>(a_.begin(), a_.end()) : bytes_of_int2(a_);
}

std::vector<uint8_t> StockProblem::b() const {
  return kind_ == Kind::dense ? std::vector<uint8_t>(b_.begin(), b_.end()) : bytes_of_bf16(b_);
}

std::vector<uint8_t> StockProblem::scales() const {
  std::vector<uint8_t> bytes(scales_.size() * sizeof(float));
  std::memcpy(bytes.data(), scales_.data(), bytes.size());
  return bytes;
}

StockProduct StockProblem::product(const void* a, const void* b, const float* scales, void* d) const {
  return {m_, n_, k_, a, b, d, scales, scales + m_, nullptr, false};
}

double StockProblem::expected(int m, int n) const {
  double sum = 0;
  for (int k = 0; k < k_; ++k) {
    sum += static_cast<double>(a_[static_cast<size_t>(m) * k_ + k]) * b_[static_cast<size_t>(n) * k_ + k];
  }
  return sum * static_cast<double>(scales_[m]) * static_cast<double>(scales_[m_ + n]);
}

std::string StockProblem::difference(const void* device_d) const {
  std::vector<uint32_t> d(d_bytes() / 4);
  if (cudaMemcpy(d.data(), device_d, d_bytes(), cudaMemcpyDeviceToHost) != cudaSuccess) return "D cannot be read";
  for (int m = 0; m < m_; ++m) {
    for (int n = 0; n < n_; ++n) {
      const bool dense = kind_ == Kind::dense;
      const uint32_t bits = dense ? d[static_cast<size_t>(m) * n_ + n] : d[static_cast<size_t>(n) * m_ + m];
      float real;
      std::memcpy(&real, &bits, 4);
      const double got = dense ? static_cast<double>(static_cast<int32_t>(bits)) : static_cast<double>(real);
      if (got == expected(m, n)) continue;
      return "row " + std::to_string(m) + ", column " + std::to_string(n) + ": " + std::to_string(got) + ", not " +
             std::to_string(expected(m, n));
    }
  }
  return "";
}

}  // namespace ternary::softgpu
