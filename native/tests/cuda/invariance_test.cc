// A16 on a GPU gives one path the same bits for any M and batch position, though tensor cores add in an order of their
// own: patches of few rows and of many, which dispatch chooses by M under one name, must add in the same one.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "abi/dtype.h"
#include "support/cuda/device_problem.h"
#include "support/cuda/softgpu_property.h"

namespace ternary::test {
namespace {

constexpr int64_t kM = 200;

/** Names of the kernels of A16 products that were launched since the last call; none on a GPU. */
std::set<std::string> a16_kernels() {
  const auto visit = softgpu<decltype(softgpu_visit_lines)>("softgpu_visit_lines");
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  std::set<std::string> names;
  if (visit == nullptr || reset == nullptr) return names;
  visit(
      "gemm_a16_kernel",
      [](void* into, const softgpu_line* line) {
        if (line->issued > 0) static_cast<std::set<std::string>*>(into)->insert(line->kernel);
      },
      &names);
  EXPECT_EQ(reset(), 0);
  return names;
}

class CudaInvariance : public testing::TestWithParam<std::tuple<ternary_dtype, ternary_layout>> {};

TEST_P(CudaInvariance, A16RowsAloneHaveTheBitsOfTheBatch) {
  // With eight SMs 140 rows of W give each a patch of 64 by 64 for kM rows of X, and do not for 33. A GPU is as it is:
  // there 2900 rows of W do.
  const SoftgpuProperty small("sm_count", cudaDevAttrMultiProcessorCount, 8);
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  for (const bool groups : {false, true}) {
    ProblemSpec spec;
    spec.activation = TERNARY_A16;
    spec.M = kM;
    spec.N = small.is_set() ? 140 : 2900;
    spec.K = groups ? 100 : 77;
    spec.x_dtype = std::get<0>(GetParam());
    spec.kind = groups ? TERNARY_ALPHA_GROUP : TERNARY_ALPHA_ROW;
    spec.group = groups ? 32 : 0;
    spec.bias = true;
    spec.norm = groups && spec.x_dtype == TERNARY_BF16;
    spec.x_gap = 3;
    spec.values = Values::mixed;  // rows that are not finite stay alone, too
    const Problem problem(spec);
    const LayerHandle layer = problem.layer(std::get<1>(GetParam()));
    a16_kernels();
    Output batch = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), batch), TERNARY_OK) << ternary_last_error();
    std::set<std::string> kernels = a16_kernels();
    for (const int64_t rows : {1, 7, 8, 9, 33, 65}) {
      for (const int64_t first : {int64_t{0}, kM / 2 - 3, kM - rows}) {
        if (rows > 9 && first != kM - rows) continue;
        Output got = problem.output(first, rows);
        ASSERT_EQ(problem.run(runtime.get(), layer.get(), got, first, rows), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(got.y.outside_written(got.y.whole()), "");
        ASSERT_EQ(got.y.difference(batch.y, got.y.whole(), first), "")
            << rows << " rows from " << first << " of " << spec.text();
      }
    }
    EXPECT_EQ(counters_of(runtime.get()).paths.size(), spec.norm ? 2u : 1u) << "one path a layout and op";
    kernels.merge(a16_kernels());
    EXPECT_NE(kernels.size(), 1u) << "dispatch never chose another patch";
  }
}

// Numerics.md section 5.5. In the first stretch all terms are lost beside the first, in the second none is: of other
// stretches, or of none, the sum would be another.
TEST_P(CudaInvariance, A16SumsAreOfStretchesOf2048Columns) {
  constexpr float kLarge = 0x1p15f, kSmall = 0x1p-15f;  // f16 has both
  constexpr int64_t kRows = 20, kN = 40, kK = 4096;
  const ternary_dtype dtype = std::get<0>(GetParam());
  std::vector<float> x(kRows * kK), y(kRows * kN);  // of any type, which is no wider
  for (int64_t i = 0; i < kRows * kK; ++i) store_float(x.data(), dtype, i, i % kK == 0 ? kLarge : kSmall);
  const std::vector<uint8_t> codes(kN * kK / 4, 0xaa);  // +1
  const float alpha = 1;
  ternary_weights* made = nullptr;
  ASSERT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, std::get<1>(GetParam()),
                                   TERNARY_ALPHA_TENSOR, &alpha, 1, 0, &made),
            TERNARY_OK);
  const WeightsHandle weights(made);
  const LayerHandle layer = make_layer(plain_layer(weights.get(), TERNARY_A16));
  for (const char* splits : {"0", "1", "2"}) {
    const RuntimeHandle runtime = make_runtime(std::string("TERNARY_DEVICE=cuda\nTERNARY_I2S_SPLITS=") + splits);
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    for (const int64_t M : {int64_t{1}, kRows}) {
      const ternary_operands o = product_of(x.data(), dtype, kK, y.data(), TERNARY_F32, kN, M);
      ASSERT_EQ(ternary_apply(runtime.get(), layer.get(), &o), TERNARY_OK) << ternary_last_error();
      for (int64_t i = 0; i < M * kN; ++i)
        ASSERT_EQ(y[i], kLarge + 2048 * kSmall) << "splits " << splits << ", M " << M;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TypesAndLayouts, CudaInvariance,
                         testing::Combine(testing::Values(TERNARY_F32, TERNARY_F16, TERNARY_BF16),
                                          testing::Values(TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED)));

}  // namespace
}  // namespace ternary::test
