// The cost model: I2S products of few rows are bound by memory on every device, with room to spare; its choices.
#include "core/cost/cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/cost/figures.h"
#include "core/cuda/arch.h"
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
    if (std::string(device.name) == "B300") continue;  // its int8 is a thirtieth; see below
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

const CostKernel* find(const std::vector<CostKernel>& kernels, const std::string& file) {
  const auto found = std::find_if(kernels.begin(), kernels.end(), [&](const CostKernel& k) { return k.file == file; });
  return found == kernels.end() ? nullptr : &*found;
}

TEST(CostModel, SmallMatricesAreSplitAndLargeOnesAreNot) {
  const CudaCost h100("H100");
  const CostKernel* gemv = find(h100.kernels(), "gemv_a8_i2s_dp4a_16x128");
  ASSERT_NE(gemv, nullptr);
  const auto time = [&](int64_t N, int64_t K, int splits) {
    return estimate_cost(h100.device(), true, *gemv, {1, N, K, 2, 2, 1, false}, splits).us;
  };
  EXPECT_LT(time(256, 23040, 8), time(256, 23040, 1));
  EXPECT_GT(time(13824, 2560, 8), time(13824, 2560, 1));
}

TEST(CostModel, EveryKernelOfEveryArchitectureIsCounted) {
  for (const char* arch : kCudaArchs) {
    const std::vector<CostKernel> kernels = cost_kernels(arch);
    EXPECT_EQ(kernels.size(), 18u);
    for (const CostKernel& kernel : kernels) {
      for (bool groups : {false, true}) {
        for (int variant = 0; variant < kCostVariants; ++variant) {
          // Of a GEMV: by mma for 8 and 16 rows, by dp4a for 1 or, of I2S, 4. Of A16 for one plane and three.
          const bool exists = kernel.m_max == 16                    ? variant >= 2
                              : kernel.m_max == 4                   ? variant == 1
                              : kernel.stage == CudaStage::gemm_a16 ? variant <= 1
                                                                    : variant == 0;
          const CostCode& code = kernel.codes[groups][variant];
          const std::string name =
              std::string(arch) + " " + kernel.file + (groups ? " groups " : " ") + std::to_string(variant);
          EXPECT_EQ(code.rows > 0, exists) << name;
          if (!exists) continue;
          EXPECT_GT(code.slots, 1) << name;
          EXPECT_GT(code.idp + code.imma + code.hmma, 0.99) << name;
          EXPECT_GE(code.registers, 32) << name;
          EXPECT_GE(code.threads, 64) << name;
        }
      }
    }
  }
}

/** The line of the budget, by hand: 147 instructions for 16 weights a lane sixteen times, four dp4a each. */
TEST(CostModel, FiguresAreThoseOfTheMachineCode) {
  const KernelFigures* line = nullptr;
  for (int i = 0; i < kKernelFiguresCount; ++i) {
    const KernelFigures& f = kKernelFigures[i];
    const std::string name = std::string(f.arch) + " " + f.file + " " + f.kernel;
    if (name == "sm90a gemv_a8_i2s_dp4a_16x128 gemv_slabs_kernel<Dp4aDots<I2sCodes<4>,1>,StagedRows,4>") line = &f;
  }
  ASSERT_NE(line, nullptr);
  const std::vector<CostKernel> kernels = cost_kernels("sm90a");
  const CostCode& dp4a = find(kernels, "gemv_a8_i2s_dp4a_16x128")->codes[0][0];
  EXPECT_DOUBLE_EQ(dp4a.slots, line->value[kPer16]);
  EXPECT_DOUBLE_EQ(dp4a.idp, 4);
  EXPECT_EQ(dp4a.registers, static_cast<int>(line->value[kRegisters]));
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_dp4a_4x16x128")->code_for(3, 1, false).idp, 16);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_mma_16x128")->code_for(2, 1, false).imma, 1);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_mma_16x128")->code_for(9, 1, false).imma, 2);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_t5_mma_16x160")->code_for(8, 1, false).imma,
                   1.8);  // four steps of five by heads
  const CostCode& tile = find(kernels, "gemm_a8_i2s_mma_128x128")->codes[0][0];
  EXPECT_EQ(tile.tile_n, 128);
  EXPECT_EQ(tile.tile_m, 128);
  EXPECT_EQ(tile.threads, 256);
  EXPECT_EQ(tile.stage_bytes, 4 * 128 * 128);
  EXPECT_DOUBLE_EQ(find(kernels, "gemm_a16_i2s_mma_64x64")->codes[0][1].hmma, 6);  // three planes of two halves
  EXPECT_EQ(find(kernels, "gemm_a16_i2s_mma_64x64")->codes[0][0].tile_m, 64);
  EXPECT_EQ(find(kernels, "gemm_a16_i2s_mma_64x64")->codes[0][1].tile_m, 32);
}

/** By hand from "CUDA C++ Programming Guide", compute capabilities: registers go to warps by 256. */
TEST(CostModel, CtasOfAnSmFollowFromRegistersThreadsAndSharedMemory) {
  const CudaCost h100("H100"), rtx5090("RTX 5090");
  CostKernel kernel = *find(h100.kernels(), "gemm_a8_i2s_mma_128x128");
  CostCode& code = kernel.codes[0][0];
  code.threads = 256;
  code.static_shared = 1024;
  const CostProblem problem = {512, 6912, 2560, 2, 2, 1, false};
  const auto ctas = [&](const CudaCost& cost, int registers, int64_t stage_bytes) {
    code.registers = registers;
    code.stage_bytes = stage_bytes;
    return resident_ctas(cost.device(), kernel, problem);
  };
  EXPECT_EQ(ctas(h100, 32, 0), 8);            // 65536 / (32 * 256) registers, 2048 / 256 threads
  EXPECT_EQ(ctas(rtx5090, 32, 0), 6);         // 1536 threads
  EXPECT_EQ(ctas(h100, 65, 0), 3);            // 65 * 32 is 9 times 256: 65536 / (2304 * 8)
  EXPECT_EQ(ctas(h100, 32, 64 << 10), 3);     // of 228 KB
  EXPECT_EQ(ctas(rtx5090, 32, 64 << 10), 1);  // of 100 KB
}

TEST(CostModel, Dp4aServesFourRowsWhereInt8MmaIsSlow) {
  for (int64_t M = 1; M <= 16; ++M) {
    const std::string b300 = predict("B300", TERNARY_LAYOUT_I2S_TILED, M, {6912, 2560}).kernel;
    EXPECT_EQ(b300.find("dp4a") != std::string::npos, M <= 4) << M << " " << b300;
    for (const char* device : {"A100", "H100", "B200", "RTX 5090"}) {
      const std::string kernel = predict(device, TERNARY_LAYOUT_I2S_TILED, M, {6912, 2560}).kernel;
      EXPECT_EQ(kernel.find("dp4a") != std::string::npos, M == 1) << device << " " << M << " " << kernel;
    }
  }
}

/** Tiles and kernels change places where work suffices to fill the device with the larger ones. */
TEST(CostModel, LargeTilesServeWhatFillsTheDevice) {
  const CudaCost h100("H100");
  const auto time = [&](const char* file, int64_t M, int64_t N) {
    return estimate_cost(h100.device(), true, *find(h100.kernels(), file), {M, N, 2560, 2, 2, 1, false}, 1).us;
  };
  EXPECT_LT(time("gemm_a8_i2s_mma_128x128", 4096, 13824), time("gemm_a8_i2s_mma_32x64", 4096, 13824));
  EXPECT_GT(time("gemm_a8_i2s_mma_128x128", 32, 2560), time("gemm_a8_i2s_mma_32x64", 32, 2560));
}

TEST(CostModel, WhatPredictRefuses) {
  ternary_prediction p = {};
  EXPECT_EQ(ternary_predict(nullptr, "H200", TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 64, 64, &p), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("\"H200\""), std::string::npos) << ternary_last_error();
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
