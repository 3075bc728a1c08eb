// The rows of a GPU backend that go row by row and have no product: rotations and norms of heads, against the oracle with
// ==; nothing written outside; chains behind each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "core/product/oracle.h"
#include "support/cuda/device_memory.h"
#include "support/cuda/rows.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

constexpr ternary_dtype kFloats[] = {TERNARY_F32, TERNARY_F16, TERNARY_BF16};

DeviceMemory on_device(const OutputMatrix& matrix, int64_t shift = 0) {
  const int64_t elements = (matrix.rows() - 1) * matrix.ld() + matrix.columns();
  return DeviceMemory(matrix.data(), elements * dtype_bytes(matrix.dtype()), shift * dtype_bytes(matrix.dtype()));
}

struct RotateCase {
  int64_t rotation, K, M;
  ternary_dtype x_dtype, y_dtype;
  bool inverse, signs, in_place;
  int64_t gap;  ///< between rows; and rows begin so many elements from an aligned address
};

/** Empty if the row wrote the oracle's bits and nothing else. */
std::string rotate(const CudaKernel& kernel, const RotateCase& c, uint64_t seed) {
  ProblemSpec spec;
  spec.M = c.M;
  spec.K = c.K;
  spec.x_dtype = c.x_dtype;
  spec.x_scale = c.x_dtype == TERNARY_F8_E4M3;
  spec.x_gap = c.gap;
  spec.rotation = c.rotation;
  spec.signs = true;
  spec.seed = seed;
  const Problem p(spec);
  set_crash_note(spec.text());
  const int64_t ldy = c.in_place ? p.ldx() : c.K + c.gap;
  RotateTask task = {p.x.data(), c.x_dtype,
                     p.ldx(),    p.x_scale.empty() ? nullptr : p.x_scale.as<float>(),
                     c.rotation, c.signs ? p.signs.as<float>() : nullptr,
                     c.inverse,  c.K,
                     nullptr,    c.y_dtype,
                     ldy};
  OutputMatrix expected(c.y_dtype, c.M, c.K, ldy), got(c.y_dtype, c.M, c.K, ldy);
  task.y = expected.data();
  oracle::rotate(task, c.M);
  const DeviceMemory x(p.x.data(), p.x.bytes(), c.gap * dtype_bytes(c.x_dtype)), y = on_device(got, c.gap);
  const DeviceMemory scale(p.x_scale.data(), p.x_scale.bytes()), signs(p.signs.data(), p.signs.bytes(), 4);
  task.x = x.data();
  task.y = c.in_place ? x.data() : y.data();
  if (task.x_scale != nullptr) task.x_scale = scale.as<float>();
  if (task.signs != nullptr) task.signs = signs.as<float>();
  require_cuda(kernel.rows.rotate({task, c.M}, {nullptr, cuda_backend().pdl}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), spec.text().c_str());
  (c.in_place ? x : y).read(got.data());
  std::string what = c.in_place ? "" : got.outside_written(got.whole());
  if (what.empty()) what = got.difference(expected, got.whole());
  return what.empty() ? "" : what + (c.inverse ? ", inverse" : "") + " in " + spec.text();
}

TEST(CudaRotate, EveryRunForwardAndBack) {
  const CudaKernel& kernel = *cuda_rows(CudaStage::rotate).at(0);
  uint64_t seed = 1;
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    for (const int64_t K : {rotation, 3 * rotation, 8192 + rotation}) {
      for (const bool inverse : {false, true}) {
        const auto i = static_cast<int64_t>(seed);
        const RotateCase c = {rotation,           K,       3,          static_cast<ternary_dtype>(i % 4),
                              kFloats[i / 4 % 3], inverse, i % 3 != 0, false,
                              i % 2 * 5};
        ASSERT_EQ(rotate(kernel, c, seed++), "");
        const RotateCase in_place = {rotation, K, 2, kFloats[i % 3], kFloats[i % 3], inverse, true, true, i % 3};
        ASSERT_EQ(rotate(kernel, in_place, seed++), "");
      }
    }
  }
}

struct HeadCase {
  int64_t M, head_dim, q_heads, k_heads;  ///< of heads 0: there is no such side
  ternary_dtype q_dtype, k_dtype;
  int64_t gap;
};

std::string normalise(const CudaKernel& kernel, const HeadCase& c, uint64_t seed) {
  Random random(seed);
  CudaHeadNormTask task = {};
  task.M = c.M;
  std::vector<OutputMatrix> expected;
  std::vector<DeviceMemory> memory;
  std::vector<int64_t> heads;
  std::vector<float> row(c.head_dim), weight(c.head_dim);
  const auto add = [&](int64_t count, ternary_dtype dtype) {
    if (count == 0) return;
    OutputMatrix matrix(dtype, c.M, count * c.head_dim, count * c.head_dim + c.gap);
    for (int64_t m = 0; m < c.M; ++m) {
      for (int64_t head = 0; head < count; ++head) {
        fill_row(random, static_cast<int>(random.integer(0, 9)), c.head_dim, row.data());
        for (int64_t i = 0; i < c.head_dim; ++i) {
          store_any(matrix.data(), dtype, m * matrix.ld() + head * c.head_dim + i, row[i]);
        }
      }
    }
    for (float& w : weight) w = random.bell();
    HeadNormTask& side = task.sides[expected.size()];
    side = {matrix.data(), dtype, matrix.ld(), count, c.head_dim, weight.data(), dtype == TERNARY_F32 ? 1e-6f : 1e-5f};
    memory.push_back(on_device(matrix, c.gap));
    memory.emplace_back(weight.data(), c.head_dim * 4, 4);
    oracle::head_norm(side, c.M);
    side.data = memory[memory.size() - 2].data();
    side.weight = memory.back().as<float>();
    expected.push_back(std::move(matrix));
  };
  memory.reserve(4);
  add(c.q_heads, c.q_dtype);
  add(c.k_heads, c.k_dtype);
  require_cuda(kernel.rows.head_norm(task, {nullptr, cuda_backend().pdl}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), kernel.file);
  for (size_t side = 0; side < expected.size(); ++side) {
    OutputMatrix got = expected[side].copy();
    memory[2 * side].read(got.data());
    const std::string what = got.difference(expected[side], got.whole());
    if (!what.empty()) return what + ", side " + std::to_string(side) + ", head_dim " + std::to_string(c.head_dim);
  }
  return "";
}

TEST(CudaHeadNorm, EverySizeOfHead) {
  const CudaKernel& kernel = *cuda_rows(CudaStage::head_norm).at(0);
  uint64_t seed = 1;
  for (const int64_t head_dim : {1, 5, 31, 32, 33, 64, 80, 96, 127, 128, 129, 255, 256, 257, 513, 1000, 4097}) {
    const auto i = static_cast<int64_t>(seed);
    ASSERT_EQ(normalise(kernel, {3, head_dim, 5, 2, kFloats[i % 3], kFloats[i / 2 % 3], i % 4}, seed++), "");
    ASSERT_EQ(normalise(kernel, {2, head_dim, 3, 0, kFloats[i % 3], TERNARY_F32, 0}, seed++), "");
    ASSERT_EQ(normalise(kernel, {40, head_dim, 0, 1, TERNARY_F32, kFloats[i % 3], 1}, seed++), "");
  }
}

}  // namespace
}  // namespace ternary::test
