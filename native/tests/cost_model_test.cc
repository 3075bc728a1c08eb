// The cost model: I2S products of few rows are bound by memory on every device, with room to spare; its choices.
#include "core/cuda_cost.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/cuda_cost_tables.h"
#include "support/handles.h"
#include "support/test_data.h"

namespace ternary::test {
namespace {

struct Shape {
  int64_t N, K;
};

std::vector<Shape> large_shapes() {
  std::vector<Shape> shapes;
  for (const auto& entry : std::filesystem::directory_iterator(test_data("shapes"))) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      Shape shape;
      if (words >> shape.N >> shape.K && shape.N * shape.K >= 6000000) shapes.push_back(shape);
    }
  }
  return shapes;
}

ternary_prediction predict(const char* device, ternary_layout layout, int64_t M, const Shape& shape) {
  ternary_prediction prediction = {};
  EXPECT_EQ(ternary_predict(nullptr, device, layout, TERNARY_A8, M, shape.N, shape.K, &prediction), TERNARY_OK)
      << ternary_last_error();
  return prediction;
}

TEST(CostModel, I2sProductsOfFewRowsWaitForMemoryOnEveryDevice) {
  const std::vector<Shape> shapes = large_shapes();
  ASSERT_GE(shapes.size(), 15u);
  for (const CostDevice& device : kCostDevices) {
    double worst = 0;
    for (const Shape& shape : shapes) {
      for (int64_t M = 1; M <= 8; ++M) {
        const ternary_prediction p = predict(device.name, TERNARY_LAYOUT_I2S_TILED, M, shape);
        EXPECT_STREQ(p.device, device.name);
        worst = std::max(worst, p.instruction_microseconds / p.byte_microseconds);
        EXPECT_LE(p.instruction_microseconds, 0.8 * p.byte_microseconds)
            << device.name << " " << p.kernel << " M " << M << " N " << shape.N << " K " << shape.K;
      }
    }
    RecordProperty(std::string("worst_") + std::to_string(device.major), std::to_string(worst));
  }
}

TEST(CostModel, AByteTimeIsTheDataSheets) {
  // H100: 13824 x 2560 codes of 2 bits (8,847,360 bytes), alpha, x and y of f16, at 3350 GB/s.
  const ternary_prediction p = predict("H100", TERNARY_LAYOUT_I2S_TILED, 1, {13824, 2560});
  EXPECT_NEAR(p.byte_microseconds, (8847360.0 + 4 * 13824 + 2 * 2560 + 2 * 13824) / 3350e3, 1e-6);
  EXPECT_GT(p.microseconds, p.launch_microseconds + std::max(p.byte_microseconds, p.instruction_microseconds));
}

TEST(CostModel, ATileKernelServesManyRowsAndAGemvOne) {
  for (const CostDevice& device : kCostDevices) {
    const std::string few = predict(device.name, TERNARY_LAYOUT_I2S_TILED, 1, {6912, 2560}).kernel;
    const std::string many = predict(device.name, TERNARY_LAYOUT_I2S_TILED, 512, {6912, 2560}).kernel;
    EXPECT_EQ(few.rfind("gemv_", 0), 0u) << few;
    EXPECT_EQ(many, "gemm_a8_i2s");
  }
}

TEST(CostModel, T5IsInstructionBoundOnB200AndShorterToReadEverywhere) {
  const Shape shape = {13824, 2560};
  const ternary_prediction b200 = predict("B200", TERNARY_LAYOUT_T5_TILED, 1, shape);
  EXPECT_GT(b200.instruction_microseconds, 0.8 * b200.byte_microseconds);
  for (const CostDevice& device : kCostDevices) {
    EXPECT_LT(predict(device.name, TERNARY_LAYOUT_T5_TILED, 1, shape).byte_microseconds,
              0.82 * predict(device.name, TERNARY_LAYOUT_I2S_TILED, 1, shape).byte_microseconds);
  }
}

TEST(CostModel, SmallMatricesAreSplitAndLargeOnesAreNot) {
  const CostKernel* gemv = nullptr;
  for (const CostKernel& kernel : kCostKernels) {
    if (std::string(kernel.name) == "gemv_a8_i2s_dp4a") gemv = &kernel;
  }
  ASSERT_NE(gemv, nullptr);
  const CostDevice& h100 = kCostDevices[1];
  const auto time = [&](int64_t N, int64_t K, int splits) {
    return estimate_cost(h100, true, *gemv, {1, N, K, 2, 2, 1}, splits).us;
  };
  EXPECT_LT(time(256, 23040, 8), time(256, 23040, 1));
  EXPECT_GT(time(13824, 2560, 8), time(13824, 2560, 1));
}

TEST(CostModel, WhatPredictRefuses) {
  ternary_prediction p = {};
  EXPECT_EQ(ternary_predict(nullptr, "H200", TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("\"H200\""), std::string::npos) << ternary_last_error();
  EXPECT_EQ(ternary_predict(nullptr, nullptr, TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_predict(nullptr, "H100", TERNARY_LAYOUT_I2S, TERNARY_A8, 0, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_predict(nullptr, "H100", TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, nullptr),
            TERNARY_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ternary::test
