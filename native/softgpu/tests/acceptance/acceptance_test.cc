// Stock CUTLASS kernels on the software GPU, against a product of doubles on the host: equal, to the bit. The suite runs
// one shape each; ACCEPTANCE_SHAPES=20 in the environment runs so many.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "softgpu/tests/acceptance/stock_problem.h"
#include "softgpu/tests/softgpu_function.h"

namespace ternary::softgpu {
namespace {

struct Shape {
  int m, n, k;
};

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

class Acceptance : public testing::TestWithParam<Shape> {
 protected:
  /** The kernel's tile has so many rows of A and of B. */
  static void check(const char* (*kernel)(const StockProduct&), StockProblem::Kind kind, int tile_m, int tile_n) {
    const StockProblem problem(kind, GetParam().m, GetParam().n, GetParam().k);
    const DeviceBytes a(problem.a()), b(problem.b()), scales(problem.scales());
    const DeviceBytes d(std::vector<uint8_t>(problem.d_bytes(), 0xff));
    ASSERT_EQ(SOFTGPU(softgpu_reset_counters)(), 0);
    ASSERT_STREQ(kernel(problem.product(a.as<void>(), b.as<void>(), scales.as<float>(), d.as<void>())), "");
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(problem.difference(d.as<void>()), "");
    // Tiles are multiplied whole; of operands and D only what is inside is copied.
    softgpu_counters counters = {};
    ASSERT_EQ(SOFTGPU(softgpu_read_counters)("cutlass", &counters), 1);
    const uint64_t tiles_m = (GetParam().m + tile_m - 1) / tile_m, tiles_n = (GetParam().n + tile_n - 1) / tile_n;
    EXPECT_EQ(counters.multiplied, tiles_m * tile_m * tiles_n * tile_n * GetParam().k);
    EXPECT_EQ(counters.copied, problem.a().size() * tiles_n + problem.b().size() * tiles_m + problem.d_bytes());
  }
};

TEST_P(Acceptance, DenseS8) { check(dense_s8, StockProblem::Kind::dense, 128, 128); }
TEST_P(Acceptance, MixedInt2) { check(mixed_int2, StockProblem::Kind::mixed_scaled, 128, 64); }
TEST_P(Acceptance, DenseS8ByPairs) { check(dense_s8_pair, StockProblem::Kind::dense, 256, 256); }
TEST_P(Acceptance, MixedInt2ByPairs) { check(mixed_int2_pair, StockProblem::Kind::mixed, 256, 128); }

INSTANTIATE_TEST_SUITE_P(Shapes, Acceptance, testing::ValuesIn(shapes()), [](const auto& one) {
  const Shape& shape = one.param;
  return std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k);
});

}  // namespace
}  // namespace ternary::softgpu
