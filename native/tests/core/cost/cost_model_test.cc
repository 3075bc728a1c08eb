// The cost model: I2S products of few rows are bound by memory on every device, with room to spare; its choices.
#include "core/cost/cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "abi/cuda_rows.h"
#include "core/cost/figures.h"
#include "core/cuda/device/arch.h"
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
        // Where its splits win: patches of X that are mostly empty cost instructions, as CostShapes sees in its time.
        if (std::string(p.kernel).rfind("gemm_", 0) == 0) continue;
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

TEST(CostModel, AGemmServesManyRowsAndAGemvOne) {
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
  const auto found =
      std::find_if(kernels.begin(), kernels.end(), [&](const CostKernel& k) { return k.row->file == file; });
  return found == kernels.end() ? nullptr : &*found;
}

/** A variant of a row of the committed budget; it must be there. */
CostCode code(const std::vector<CostKernel>& kernels, const std::string& file, const char* variant) {
  const CostKernel* kernel = find(kernels, file);
  return kernel->codes[find_cuda_variant(*kernel->row, variant)];
}

TEST(CostModel, SmallMatricesAreSplitAndLargeOnesAreNot) {
  const CudaCost h100("H100");
  const CostCode gemv = code(h100.kernels(), "gemv_a8_i2s_dp4a_16x128", "plain_m1");
  const auto time = [&](int64_t N, int64_t K, int splits) {
    return estimate_cost(h100.device(), true, gemv, {1, N, K, 2, 2, 1, false}, splits).us;
  };
  EXPECT_LT(time(256, 23040, 8), time(256, 23040, 1));
  EXPECT_GT(time(151936, 4096, 8), time(151936, 4096, 1));
}

/** The first library is made for every architecture, another for some: those that the budget has lines of. */
bool made_for(const CudaRow& row, const char* arch) {
  const auto is_its_line = [&](const CudaFigures& line) {
    return std::strcmp(line.arch, arch) == 0 && std::strcmp(line.row, row.file) == 0;
  };
  return std::strcmp(row.library, kCudaRows[0].library) == 0 ||
         std::any_of(kCommittedFigures.begin(), kCommittedFigures.end(), is_its_line);
}

TEST(CostModel, EveryVariantOfEveryRowIsCountedOnEveryArchitectureOfItsLibrary) {
  const auto products =
      std::count_if(std::begin(kCudaRows), std::end(kCudaRows), [](const CudaRow& row) { return row.product(); });
  for (const char* arch : kCudaArchs) {
    const std::vector<CostKernel> kernels = cost_kernels(arch, kCommittedFigures);
    EXPECT_EQ(kernels.size(), static_cast<size_t>(products)) << "all that have a product";
    for (const CostKernel& kernel : kernels) {
      if (!made_for(*kernel.row, arch)) continue;
      ASSERT_NE(kernel.row->variants[0].name, nullptr) << kernel.row->file;
      for (int i = 0; kernel.row->variants[i].name != nullptr; ++i) {
        const std::string name = std::string(arch) + " " + kernel.row->file + " " + kernel.row->variants[i].name;
        const CostCode& code = kernel.codes[i];
        EXPECT_GT(code.slots, 1) << name;
        EXPECT_GT(code.idp + code.imma + code.hmma, 0.99) << name;
        EXPECT_GE(code.registers, 32) << name;
        EXPECT_GE(code.shape.threads, 64) << name;
      }
    }
  }
}

TEST(CostModel, PredictsByTheKernelsThatAreKept) {
  CudaCost h100("H100");
  const auto predicted = [&] {
    return h100.predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, 1, 2560, 2560).value_or(ternary_prediction{});
  };
  const ternary_prediction best = predicted();
  ASSERT_STRNE(best.kernel, "");
  h100.keep([&](const CostKernel& kernel) { return std::string(kernel.row->name) != best.kernel; });
  const ternary_prediction next = predicted();
  ASSERT_STRNE(next.kernel, "");
  EXPECT_STRNE(next.kernel, best.kernel);
  EXPECT_GE(kSameCost * next.microseconds, best.microseconds);
}

TEST(CostModel, EveryLineOfTheBudgetBelongsToAVariant) {
  for (const CudaFigures& line : kCommittedFigures) {
    const int row = find_cuda_row(line.row);
    ASSERT_GE(row, 0) << line.row;
    EXPECT_GE(find_cuda_variant(kCudaRows[row], line.variant), 0) << line.row << " " << line.variant;
  }
}

/** Of each row for every number of rows, of planes, without units, with groups and blocks: the variant that its name promises. */
TEST(CostModel, EveryProblemOfARowHasAVariant) {
  constexpr const char* kWords[] = {"plain", "groups", "blocks"};
  for (const CostKernel& kernel : cost_kernels("sm90a", kCommittedFigures)) {
    if (!made_for(*kernel.row, "sm90a")) continue;
    for (int64_t M = kernel.row->m_min; M <= std::min<int64_t>(kernel.row->m_max, 64); ++M) {
      for (int planes : {1, 3}) {
        for (const CudaUnits units : {CudaUnits::none, CudaUnits::groups, CudaUnits::blocks}) {
          if (units == CudaUnits::blocks && kernel.row->stage == CudaStage::gemm_a16) continue;
          const CostCode* code = kernel.code_for(M, planes, units);
          ASSERT_NE(code, nullptr) << kernel.row->file << " " << M;
          EXPECT_EQ(std::string(code->shape.name).rfind(kWords[static_cast<int>(units)], 0), 0u) << code->shape.name;
          EXPECT_TRUE(!kernel.row->gemv() || (M <= code->shape.rows && (M > 8) == (code->shape.rows == 16))) << M;
          EXPECT_TRUE(kernel.row->stage != CudaStage::gemm_a16 || planes == code->shape.planes) << planes;
        }
      }
    }
  }
}

/** The line of the budget, by hand: 147 instructions for 16 weights a lane sixteen times, four dp4a each. */
TEST(CostModel, FiguresAreThoseOfTheMachineCode) {
  const auto line = std::find_if(kCommittedFigures.begin(), kCommittedFigures.end(), [](const CudaFigures& f) {
    return std::string(f.arch) + " " + f.row + " " + f.variant == "sm90a gemv_a8_i2s_dp4a_16x128 plain_m1";
  });
  ASSERT_NE(line, kCommittedFigures.end());
  const std::vector<CostKernel> kernels = cost_kernels("sm90a", kCommittedFigures);
  const CostCode dp4a = code(kernels, "gemv_a8_i2s_dp4a_16x128", "plain_m1");
  EXPECT_DOUBLE_EQ(dp4a.slots, line->value[kPer16]);
  EXPECT_DOUBLE_EQ(dp4a.idp, 4);
  EXPECT_EQ(dp4a.registers, static_cast<int>(line->value[kRegisters]));
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_dp4a_4x16x128")->code_for(3, 1, CudaUnits::none)->idp, 16);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_mma_16x128")->code_for(2, 1, CudaUnits::none)->imma, 1);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_i2s_mma_16x128")->code_for(9, 1, CudaUnits::none)->imma, 2);
  EXPECT_DOUBLE_EQ(find(kernels, "gemv_a8_t5_mma_16x160")->code_for(8, 1, CudaUnits::none)->imma,
                   1.8);  // four steps of five by heads
  const CostCode gemm = code(kernels, "gemm_a8_i2s_mma_128x128", "plain");
  EXPECT_EQ(gemm.shape.patch_n, 128);
  EXPECT_EQ(gemm.shape.patch_m, 128);
  EXPECT_EQ(gemm.shape.threads, 256);
  EXPECT_EQ(gemm.ring_bytes, 4 * 128 * (128 + 128 / 4)) << "q, and codes of W";
  const CostCode dense = code(kernels, "gemm_a8_dense_bf16_128x64", "plain");
  EXPECT_EQ(dense.ring_bytes, 4 * (64 * 64 + 2 * 64 * 128)) << "q, and W in bf16";
  EXPECT_DOUBLE_EQ(code(kernels, "gemm_a16_i2s_mma_64x64", "plain_bf16x3").hmma, 6);  // three planes of two halves
  EXPECT_EQ(code(kernels, "gemm_a16_i2s_mma_64x64", "plain_bf16").shape.patch_m, 64);
  EXPECT_EQ(code(kernels, "gemm_a16_i2s_mma_64x64", "plain_bf16x3").shape.patch_m, 32);
}

/** By hand from "CUDA C++ Programming Guide", compute capabilities: registers go to warps by 256. */
TEST(CostModel, CtasOfAnSmFollowFromRegistersThreadsAndSharedMemory) {
  const CudaCost h100("H100"), rtx5090("RTX 5090");
  CostCode gemm = code(h100.kernels(), "gemm_a8_i2s_mma_128x128", "plain");
  gemm.shape.threads = 256;
  gemm.static_shared = 1024;
  const CostProblem problem = {512, 6912, 2560, 2, 2, 1, false};
  const auto ctas = [&](const CudaCost& cost, int registers, int64_t ring_bytes) {
    gemm.registers = registers;
    gemm.ring_bytes = ring_bytes;
    return resident_ctas(cost.device(), gemm, problem);
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

/** Patches change places where work suffices to fill the device with the larger ones. */
TEST(CostModel, LargePatchesServeWhatFillsTheDevice) {
  const CudaCost h100("H100");
  const auto time = [&](const char* file, int64_t M, int64_t N) {
    return estimate_cost(h100.device(), true, code(h100.kernels(), file, "plain"), {M, N, 2560, 2, 2, 1, false}, 1).us;
  };
  EXPECT_LT(time("gemm_a8_i2s_mma_128x128", 4096, 13824), time("gemm_a8_i2s_mma_32x64", 4096, 13824));
  EXPECT_GT(time("gemm_a8_i2s_mma_128x128", 32, 2560), time("gemm_a8_i2s_mma_32x64", 32, 2560));
}

}  // namespace
}  // namespace ternary::test
