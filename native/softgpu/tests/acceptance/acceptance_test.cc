// Stock CUTLASS kernels on the software GPU, against a product of doubles on the host: equal, to the bit. The suite runs
// one shape each; ACCEPTANCE_SHAPES=20 in the environment runs so many.
#include "softgpu/tests/acceptance/stock_kernels.h"

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace ternary::softgpu {
namespace {

struct Shape {
  int m, n, k;
};

/** M and N multiples of 8, K of 128: what the kernels take. */
std::vector<Shape> shapes() {
  const char* wanted = std::getenv("ACCEPTANCE_SHAPES");
  const int count = wanted ? std::atoi(wanted) : 1;
  std::vector<Shape> found = {{264, 200, 384}};
  if (count > 1) found.push_back({2048, 1664, 128});  // more tiles than SMs: clusters cancel others
  std::mt19937 random(11);
  while (static_cast<int>(found.size()) < count) {
    found.push_back({8 * static_cast<int>(1 + random() % 90), 8 * static_cast<int>(1 + random() % 60),
                     128 * static_cast<int>(1 + random() % 10)});
  }
  return found;
}

struct DeviceBytes {
  explicit DeviceBytes(size_t bytes) { EXPECT_EQ(cudaMalloc(&at, bytes), cudaSuccess); }
  ~DeviceBytes() { cudaFree(at); }
  void* at = nullptr;
};

using Values = std::vector<int>;

std::vector<uint8_t> bytes_of_s8(const Values& values) { return {values.begin(), values.end()}; }

std::vector<uint8_t> bytes_of_int2(const Values& values) {
  std::vector<uint8_t> bytes(values.size() / 4);
  for (size_t i = 0; i < values.size(); ++i) bytes[i / 4] |= static_cast<uint8_t>((values[i] & 3) << (2 * (i % 4)));
  return bytes;
}

std::vector<uint8_t> bytes_of_bf16(const Values& values) {
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

void check(const char* (*kernel)(const StockProduct&), bool mixed, const Shape& shape) {
  std::mt19937 random(static_cast<uint32_t>(shape.m + shape.n + shape.k));
  Values a(static_cast<size_t>(shape.m) * shape.k), b(static_cast<size_t>(shape.n) * shape.k);
  for (int& one : a) one = mixed ? static_cast<int>(random() % 3) - 1 : static_cast<int>(random() % 256) - 128;
  for (int& one : b) one = static_cast<int>(random() % 256) - 128;
  const std::vector<uint8_t> a_bytes = mixed ? bytes_of_int2(a) : bytes_of_s8(a);
  const std::vector<uint8_t> b_bytes = mixed ? bytes_of_bf16(b) : bytes_of_s8(b);
  const size_t count = static_cast<size_t>(shape.m) * shape.n;
  const DeviceBytes device_a(a_bytes.size()), device_b(b_bytes.size()), device_d(count * 4);
  ASSERT_EQ(cudaMemcpy(device_a.at, a_bytes.data(), a_bytes.size(), cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(device_b.at, b_bytes.data(), b_bytes.size(), cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_STREQ(kernel({shape.m, shape.n, shape.k, device_a.at, device_b.at, device_d.at}), "");
  std::vector<uint32_t> d(count);
  ASSERT_EQ(cudaMemcpy(d.data(), device_d.at, count * 4, cudaMemcpyDeviceToHost), cudaSuccess);
  for (int m = 0; m < shape.m; ++m) {
    for (int n = 0; n < shape.n; ++n) {
      double sum = 0;
      for (int k = 0; k < shape.k; ++k) {
        sum += static_cast<double>(a[static_cast<size_t>(m) * shape.k + k]) * b[static_cast<size_t>(n) * shape.k + k];
      }
      const uint32_t bits = mixed ? d[static_cast<size_t>(n) * shape.m + m] : d[static_cast<size_t>(m) * shape.n + n];
      float real;
      std::memcpy(&real, &bits, 4);
      ASSERT_EQ(mixed ? real : static_cast<double>(static_cast<int32_t>(bits)), sum) << m << ' ' << n;
    }
  }
}

class Acceptance : public testing::TestWithParam<Shape> {};

TEST_P(Acceptance, DenseS8) { check(dense_s8, false, GetParam()); }
TEST_P(Acceptance, DenseS8ByPairs) { check(dense_s8_pair, false, GetParam()); }
TEST_P(Acceptance, MixedInt2) { check(mixed_int2, true, GetParam()); }
TEST_P(Acceptance, MixedInt2ByPairs) { check(mixed_int2_pair, true, GetParam()); }

INSTANTIATE_TEST_SUITE_P(Shapes, Acceptance, testing::ValuesIn(shapes()), [](const auto& one) {
  const Shape& shape = one.param;
  return std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k);
});

}  // namespace
}  // namespace ternary::softgpu
