// Every product row of a GPU backend by blocks of X, against the oracle with ==: blocks in groups, groups in blocks, blocks
// alone; the orders of their sums; fused rows; chains behind the kernel that rotates and quantises.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/cuda/fused_case.h"
#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

constexpr CudaLayout kLayoutsOfA8[] = {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense};

/** Every row that serves the problem. */
void check(const ProblemSpec& spec) {
  for (const CudaLayout layout : kLayoutsOfA8) {
    CudaGemmCase gemm(spec, layout);
    int served = 0;
    for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
      if (gemm.refusal(*kernel) != Reason::none) continue;
      ++served;
      ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
    }
    ASSERT_GE(served, 1) << spec.text();
  }
}

/** Every fused row that has the M; those refuse X that is rotated. */
void check_fused(const ProblemSpec& spec) {
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    CudaFusedCase fused(spec, layout);
    for (const CudaKernel* kernel : cuda_rows(CudaStage::fused_a8)) {
      if (kernel->layout != layout || spec.M < kernel->m_min || spec.M > kernel->m_max) continue;
      ASSERT_EQ(fused.run(*kernel, device_limits(), {nullptr, cuda_backend().pdl}), "") << kernel->file;
    }
  }
}

ProblemSpec block_spec(int64_t M, int64_t N, int64_t K, int64_t group, int64_t block) {
  ProblemSpec spec = plain_spec(TERNARY_A8, M, N, K);
  spec.group = group;
  if (group > 0) spec.kind = TERNARY_ALPHA_GROUP;
  spec.block = block;
  spec.seed = static_cast<uint64_t>(M + N + K + group + block);
  return spec;
}

TEST(CudaBlock, RandomProblems) {
  const int64_t count = samples(60);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(33000 + static_cast<uint64_t>(i), 120000);
    spec.norm = false;
    spec.residual.reset();
    if (spec.activation == TERNARY_A16) continue;  // CudaGemm, which has the bound
    check(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaBlock, EveryBlockInEveryGroupAndShortLastUnits) {
  const int64_t pairs[][2] = {{0, 32},      {0, 64},  {0, 96},   {0, 128},  {0, 256},   {0, 1024},  {0, 2080},
                              {0, 1 << 24}, {64, 32}, {128, 32}, {128, 64}, {96, 32},   {2080, 32}, {64, 64},
                              {128, 128},   {32, 64}, {32, 96},  {64, 256}, {96, 2016}, {64, 4096}};
  for (const auto& [group, block] : pairs) {
    for (const int64_t K : {int64_t{31}, int64_t{325}, int64_t{2200}}) {
      for (const int64_t M : {1, 3, 9}) {
        if (K == 2200 && M == 9 && group % 96 != 0) continue;
        ProblemSpec spec = block_spec(M, 19, K, group, block);
        if (group == 0) spec.kind = K == 325 ? TERNARY_ALPHA_TENSOR : TERNARY_ALPHA_ROW;
        spec.bias = K % 2 == 0;
        check(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Three to six units of a super-block, then five super-blocks, have their order in every row and number of rows.
TEST(CudaBlock, OrderOfSums) {
  for (const int64_t K : {96, 130, 192, 4 * 2048 + 96}) {
    for (const int64_t M : {1, 3, 9}) {
      check(block_spec(M, 48, K, 0, 32));
      if (HasFatalFailure()) return;
      check(block_spec(M, 20, K, 64, 32));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaBlock, ManyRowsAndPatches) {
  for (const int64_t block : {32, 128}) {
    check(block_spec(130, 133, 300, block == 32 ? 128 : 0, block));
    check(block_spec(67, 70, 333, block == 32 ? 0 : 64, block));
    if (HasFatalFailure()) return;
  }
}

// GEMMs look for the end of a unit behind 128 columns alone where units are whole such runs: of T5 spans are 320 columns, so
// runs begin in one and end in the next, and super-blocks end inside of them.
TEST(CudaBlock, UnitsOfWholeRuns) {
  for (const auto& [group, block] : {std::pair<int64_t, int64_t>{0, 128},
                                     {0, 256},
                                     {0, 384},
                                     {0, 640},
                                     {128, 128},
                                     {128, 256},
                                     {256, 128},
                                     {128, 32}}) {
    check(block_spec(70, 37, 4500, group, block));
    check(block_spec(9, 20, 6528, group, block));
    if (HasFatalFailure()) return;
  }
}

// All 127 (or -128) times all +1, in units of as many columns as each way to keep their sums allows, and of more.
TEST(CudaBlock, LargestSums) {
  for (const Values values : {Values::all_max, Values::all_min}) {
    for (const int64_t block : {384, 640, 32640, 33024}) {
      ProblemSpec spec = block_spec(1, 3, block + 200, 0, block);
      spec.x_dtype = TERNARY_I8;
      spec.values = values;
      check(spec);
      if (HasFatalFailure()) return;
    }
  }
}

// A CTA's q comes in chunks that end inside units, and one CTA takes several panels.
TEST(CudaBlock, GemvsOnSmallDevices) {
  for (const auto& [group, block] :
       {std::pair<int64_t, int64_t>{0, 32}, {0, 96}, {64, 128}, {512, 128}, {0, 2080}, {0, 4096}}) {
    for (const int64_t M : {1, 3, 13}) {
      const ProblemSpec spec = block_spec(M, 300, 4500, group, block);
      for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
        CudaGemmCase gemm(spec, layout);
        gemm.device({2, (M == 1 ? 52 : 88) << 10});  // 40 KB of it for W's ring
        for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
          if (std::strncmp(kernel->file, "gemv_", 5) != 0 || gemm.refusal(*kernel) != Reason::none) continue;
          ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
        }
      }
    }
  }
}

TEST(CudaBlock, FusedRandomProblems) {
  const int64_t count = samples(50);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(53000 + static_cast<uint64_t>(i), 60000);
    if (spec.activation == TERNARY_A16 || spec.block == 0) continue;
    spec.rotation = 0;
    spec.signs = spec.in_place = false;
    spec.M = (spec.M - 1) % 16 + 1;
    check_fused(spec);
    if (HasFatalFailure()) return;
  }
}

// A fused row keeps 4096 values at a time: longer ones are made in chunks, in which blocks begin and end.
TEST(CudaBlock, FusedLongRows) {
  for (const auto& [group, block] : {std::pair<int64_t, int64_t>{0, 160}, {64, 128}, {0, 1 << 20}}) {
    for (const int64_t M : {1, 9}) {
      ProblemSpec spec = block_spec(M, 40, 9000, group, block);
      spec.x_dtype = TERNARY_BF16;
      spec.norm = M == 9;
      check_fused(spec);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaBlock, EveryRowInAChainThatRotatesAndQuantises) {
  const CudaKernel& activations = *cuda_rows(CudaStage::activations).at(0);
  for (const auto& [group, rotation] : {std::pair<int64_t, int64_t>{0, 0}, {64, 128}, {0, 1024}}) {
    ProblemSpec spec = block_spec(3, 40, rotation == 0 ? 333 : 1024, group, group == 64 ? 128 : 32);
    spec.x_dtype = TERNARY_BF16;
    spec.rotation = rotation;
    spec.signs = rotation == 128;
    for (const CudaLayout layout : kLayoutsOfA8) {
      CudaGemmCase gemm(spec, layout);
      for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
        if (gemm.refusal(*kernel) != Reason::none) continue;
        ASSERT_EQ(gemm.run_chain(activations, *kernel), "") << kernel->file;
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
