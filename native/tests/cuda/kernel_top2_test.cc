// Rows of CUTLASS's arrangement of weights, where the device runs their library: A8 the oracle's bits on every tile and with
// every split, A16 within its bound and with the same bits for every M of a path; refusals by the rule that is broken.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "abi/cuda_rows.h"
#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

std::vector<const CudaKernel*> top2_rows(CudaStage stage) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (kernel->layout == CudaLayout::top2) rows.push_back(kernel);
  }
  return rows;
}

class CudaTop2 : public testing::Test {
 protected:
  void SetUp() override {
    if (top2_rows(CudaStage::gemm_a8).empty()) GTEST_SKIP() << "no library of this arrangement for the device";
  }

  static void check_a8(const ProblemSpec& spec, int splits = 0) {
    CudaGemmCase gemm(spec, CudaLayout::top2);
    for (const CudaKernel* kernel : top2_rows(CudaStage::gemm_a8)) {
      ASSERT_EQ(gemm.refusal(*kernel, splits), Reason::none) << kernel->file;
      ASSERT_EQ(gemm.run(*kernel, splits), "") << kernel->file;
    }
  }

  /** Rows that serve; each row of X alone has the bits that it has among others. */
  static int check_a16(const ProblemSpec& spec) {
    CudaGemmCase gemm(spec, CudaLayout::top2);
    Random random(spec.seed);
    const int64_t m = random.integer(0, spec.M - 1);
    int count = 0;
    for (const CudaKernel* kernel : top2_rows(CudaStage::gemm_a16)) {
      if (gemm.refusal(*kernel) != Reason::none) continue;
      ++count;
      EXPECT_EQ(gemm.run(*kernel), "") << kernel->file;
      const OutputMatrix all = gemm.got().copy();
      EXPECT_EQ(gemm.run(*kernel, m, m + 1), "") << kernel->file << ", row " << m;
      EXPECT_EQ(gemm.got().difference(all, gemm.got().whole(), m), "") << kernel->file << ", row " << m << " alone";
    }
    return count;
  }
};

TEST_F(CudaTop2, RandomProblems) {
  const int64_t count = samples(24);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(71000 + static_cast<uint64_t>(i), 150000);
    spec.norm = false;
    spec.residual.reset();
    if (spec.kind == TERNARY_ALPHA_GROUP) spec.kind = TERNARY_ALPHA_ROW, spec.group = 0;
    spec.activation == TERNARY_A8 ? check_a8(spec) : static_cast<void>(check_a16(spec));
    if (HasFailure()) return;
  }
}

TEST_F(CudaTop2, EveryTailOfNAndM) {
  for (const auto& [M, N] : {std::pair<int64_t, int64_t>{1, 1},
                             {1, 129},
                             {31, 127},
                             {32, 128},
                             {33, 255},
                             {128, 257},
                             {129, 3},
                             {300, 130}}) {
    for (const ternary_dtype y_dtype : {TERNARY_F32, TERNARY_BF16, TERNARY_F16}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, M, N, 131);
      spec.y_dtype = y_dtype;
      check_a8(spec);
      if (HasFailure()) return;
    }
  }
}

// Each remainder of the tile of K, of a byte of codes and of an mma's columns; more tiles than the ring holds.
TEST_F(CudaTop2, EveryTailOfK) {
  for (const int64_t K : {1, 3, 4, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 1300}) {
    check_a8(plain_spec(TERNARY_A8, 3, 17, K));
    if (HasFailure()) return;
  }
}

TEST_F(CudaTop2, PartsOfKAddUp) {
  for (const int64_t K : {130, 1100, 1500}) {
    CudaGemmCase gemm(plain_spec(TERNARY_A8, 40, 150, K), CudaLayout::top2);
    for (const CudaKernel* kernel : top2_rows(CudaStage::gemm_a8)) {
      for (int splits = 1; splits <= 8; ++splits) {
        const CudaPlan plan = planned(*kernel, gemm.problem(splits));
        EXPECT_EQ(plan.splits, splits <= ceil_div(K, 128) ? splits : 1) << kernel->file;
        ASSERT_EQ(gemm.run(*kernel, splits), "") << kernel->file << ", splits " << splits;
      }
    }
  }
}

TEST_F(CudaTop2, SixteenBitActivationsOfEveryType) {
  for (const ternary_dtype x_dtype : {TERNARY_BF16, TERNARY_F16}) {
    for (const ternary_dtype y_dtype : {TERNARY_F32, TERNARY_BF16, TERNARY_F16}) {
      ProblemSpec spec = plain_spec(TERNARY_A16, 37, 131, 700);
      spec.x_dtype = x_dtype;
      spec.y_dtype = y_dtype;
      EXPECT_EQ(check_a16(spec), x_dtype == TERNARY_BF16 ? 3 : 2);
      if (HasFailure()) return;
    }
  }
}

TEST_F(CudaTop2, EveryRowInAChainWithItsActivations) {
  const CudaKernel& activations = *cuda_rows(CudaStage::activations).at(0);
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_dtype x_dtype : {TERNARY_F32, TERNARY_BF16, TERNARY_F16}) {
      ProblemSpec spec = plain_spec(activation, 3, 140, 333);
      spec.x_dtype = x_dtype;
      CudaGemmCase gemm(spec, CudaLayout::top2);
      for (const CudaKernel* kernel : top2_rows(activation == TERNARY_A8 ? CudaStage::gemm_a8 : CudaStage::gemm_a16)) {
        for (const int splits : {1, 2}) {
          if (gemm.refusal(*kernel, splits) != Reason::none) continue;
          ASSERT_EQ(gemm.run_chain(activations, *kernel, splits), "") << kernel->file << ", splits " << splits;
        }
      }
    }
  }
}

TEST_F(CudaTop2, RefusesByTheRuleThatIsBroken) {
  for (const CudaStage stage : {CudaStage::gemm_a8, CudaStage::gemm_a16}) {
    for (const CudaKernel* kernel : top2_rows(stage)) {
      CudaProblem p = {};
      p.M = 17, p.N = 40, p.K = 300, p.planes = 1, p.sm_count = 148, p.shared_bytes = 227 << 10;
      const bool f16 = std::strstr(kernel->file, "_f16_") != nullptr;
      p.x_dtype = f16 ? TERNARY_F16 : TERNARY_BF16;
      EXPECT_EQ(refusal(*kernel, p), Reason::none) << kernel->file;
      CudaProblem broken = p;
      broken.group = 64;
      EXPECT_EQ(refusal(*kernel, broken), Reason::group_size) << kernel->file;
      broken = p;
      broken.M = kAnyM;
      EXPECT_EQ(refusal(*kernel, broken), Reason::m_range) << kernel->file;
      if (stage == CudaStage::gemm_a8) {
        EXPECT_EQ(kernel->k_max, 131071) << kernel->file;
        continue;
      }
      broken = p;
      broken.planes = 3;
      EXPECT_EQ(refusal(*kernel, broken), Reason::dtype) << kernel->file;
      broken = p;
      broken.x_dtype = f16 ? TERNARY_BF16 : TERNARY_F16;
      EXPECT_EQ(refusal(*kernel, broken), Reason::dtype) << kernel->file;
    }
  }
}

// DeviceMemory has guards, so run() would see a byte too many; here: that the plan never asks for too little.
TEST_F(CudaTop2, TheWorkspaceIsThatOfItsTiles) {
  Random random(15);
  for (int i = 0; i < 10000; ++i) {
    CudaProblem p = {};
    p.M = random.integer(1, 700), p.N = random.integer(1, 20000), p.K = random.integer(1, 30000);
    p.planes = 1, p.x_dtype = TERNARY_BF16, p.sm_count = static_cast<int>(random.integer(1, 160));
    p.splits = static_cast<int>(random.integer(0, 64));
    p.shared_bytes = 227 << 10;
    for (const CudaKernel* kernel : top2_rows(CudaStage::gemm_a8)) {
      const CudaPlan plan = planned(*kernel, p);
      const CudaVariant& v = kCudaRows[find_cuda_row(kernel->file)].variants[0];
      const int64_t tiles = ceil_div(p.N, v.patch_n) * v.patch_n / 128 * ceil_div(p.M, v.patch_m);
      ASSERT_EQ(plan.grid, tiles * plan.splits);
      if (plan.splits == 1) {
        ASSERT_EQ(plan.partial_bytes, 0);
        continue;
      }
      ASSERT_LE(plan.grid, p.sm_count) << "a tile's CTAs are resident";
      ASSERT_EQ(plan.partial_bytes, round_up(4 * tiles, 256) + tiles * 128 * v.patch_m * 4);
      ASSERT_EQ(plan.clear_bytes, plan.partial_bytes);
    }
  }
}

}  // namespace
}  // namespace ternary::test
