// ternary_predict() by device name, which needs no GPU and no CUDA.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "support/handles.h"

namespace ternary::test {
namespace {

TEST(Predict, EveryDeviceHasAKernelForEveryLayoutAndActivation) {
  for (const char* device : {"A100", "H100", "H200", "B200", "B300", "RTX 5090"}) {
    for (ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
        for (int64_t M : {1, 2, 4, 8, 9, 16, 17, 64, 512}) {
          ternary_prediction p = {};
          ASSERT_EQ(ternary_predict(nullptr, device, layout, activation, M, 2560, 6912, &p), TERNARY_OK)
              << ternary_last_error();
          EXPECT_TRUE(std::isfinite(p.microseconds) && p.microseconds > p.launch_microseconds) << p.microseconds;
          EXPECT_GT(p.instruction_microseconds, 0) << device << " " << p.kernel;
          EXPECT_GE(p.splits, 1);
          EXPECT_NE(std::string(p.kernel), "");
          EXPECT_STREQ(p.device, device);
        }
      }
    }
  }
}

TEST(Predict, WhatItRefuses) {
  ternary_prediction p = {};
  EXPECT_EQ(ternary_predict(nullptr, "V100", TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("\"V100\""), std::string::npos) << ternary_last_error();
  const std::string endless(100000, 'x');
  EXPECT_EQ(ternary_predict(nullptr, endless.c_str(), TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p),
            TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("must be A100"), std::string::npos) << "the rule is not cut off";
  EXPECT_EQ(ternary_predict(nullptr, nullptr, TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_predict(nullptr, "H100", TERNARY_LAYOUT_I2S, TERNARY_A8, 0, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_predict(nullptr, "H100", TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, nullptr),
            TERNARY_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ternary::test
