// The GPU kernels for few rows of X that are given q, against the oracle, same bits: how K is split, chunks of q, groups.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

constexpr CudaLayout kTileLayouts[] = {CudaLayout::i2s, CudaLayout::t5};

/** Runs every GEMV row that has the M, each with every number of splits asked for. */
void check(const ProblemSpec& spec, std::initializer_list<int> splits) {
  for (CudaLayout layout : kTileLayouts) {
    CudaGemmCase gemm(spec, layout);
    for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8)) {
      if (kernel->layout != layout || spec.M < kernel->m_min || spec.M > kernel->m_max) continue;
      for (int count : splits) {
        ASSERT_EQ(gemm.refusal(*kernel, count), Reason::none) << kernel->file << " in " << spec.text();
        ASSERT_EQ(gemm.run(*kernel, count), "") << kernel->file;
      }
    }
  }
}

TEST(CudaGemv, RowsOfTheTable) {
  std::set<std::string> files;
  for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8)) files.insert(kernel->file);
  EXPECT_EQ(files,
            (std::set<std::string>{"gemv_a8_i2s_dp4a_16x128", "gemv_a8_i2s_dp4a_4x16x128", "gemv_a8_i2s_mma_16x128",
                                   "gemv_a8_t5_dp4a_16x160", "gemv_a8_t5_mma_16x160"}));
  EXPECT_EQ(gemv_rows(CudaStage::fused_a8).size(), 4u);
  for (CudaStage stage : {CudaStage::gemm_a8, CudaStage::fused_a8}) {
    for (const CudaKernel* kernel : gemv_rows(stage)) {
      CudaProblem problem = {};
      problem.M = kernel->m_max;
      problem.N = problem.K = 256;
      problem.sm_count = 100;
      problem.shared_bytes = 99 << 10;
      EXPECT_EQ(refusal(*kernel, problem), Reason::none) << kernel->file;
      problem.M = kernel->m_max + 1;
      EXPECT_EQ(refusal(*kernel, problem), Reason::m_range) << kernel->file;
      problem.M = kernel->m_min;
      problem.group = 48;
      EXPECT_EQ(refusal(*kernel, problem), Reason::group_size) << kernel->file;
      problem.group = 0;
      problem.rotation = 128;  // which a kernel before those that are given q has done
      EXPECT_EQ(refusal(*kernel, problem), stage == CudaStage::fused_a8 ? Reason::rotation : Reason::none)
          << kernel->file;
    }
  }
}

TEST(CudaGemv, SplitsAreWhatWasAskedForWhereTheyCanBe) {
  for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8)) {
    CudaProblem problem = {};
    problem.M = 1;
    problem.N = 100;
    problem.K = 128000;  // 125 slabs of eight tiles of I2S, 100 of T5
    problem.sm_count = 100;
    problem.shared_bytes = 99 << 10;
    for (int splits = 1; splits <= 64; ++splits) {
      problem.splits = splits;
      const CudaPlan plan = planned(*kernel, problem);
      EXPECT_EQ(plan.splits, splits) << kernel->file;
      const bool cluster = has_clusters() && (splits == 2 || splits == 4 || splits == 8);
      // Sums of 7 panels of 16 rows, and a ticket for each panel set.
      const int64_t bytes = plan.partial_bytes;
      EXPECT_EQ(plan.clear_bytes, bytes);
      if (splits == 1 || cluster) {
        EXPECT_EQ(bytes, 0) << kernel->file << ", " << splits;
      } else {
        EXPECT_GT(bytes, 7 * 16 * 4);
        EXPECT_LE(bytes, 7 * 16 * 4 + 7 * 4);
      }
    }
    problem.splits = 0;  // 7 panels would leave 93 SMs idle
    EXPECT_GE(planned(*kernel, problem).splits, 4) << kernel->file << " leaves SMs idle";
    problem.splits = 65;
    EXPECT_LE(planned(*kernel, problem).splits, 8) << kernel->file;
    problem.splits = 4;
    problem.K = 1000;  // two slabs cannot feed four CTAs
    EXPECT_LE(planned(*kernel, problem).splits, 2) << kernel->file;
    problem.K = 128000;
    problem.group = 128;  // fp32 sums of super-blocks have an order
    EXPECT_EQ(planned(*kernel, problem).splits, 1) << kernel->file;
    problem.group = 0;
    problem.block = 128;
    EXPECT_EQ(planned(*kernel, problem).splits, 1) << kernel->file;
  }
}

TEST(CudaGemv, EveryNumberOfRows) {
  for (int64_t M = 1; M <= 16; ++M) {
    check(plain_spec(TERNARY_A8, M, 37, 700), {0});
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemv, EveryTailOfNAndK) {
  for (int64_t i : {1, 15, 16, 17, 31, 33, 47, 127, 128, 130, 161}) {
    check(plain_spec(TERNARY_A8, i % 3 == 0 ? 9 : 1, i, 133), {0});
    if (HasFatalFailure()) return;
  }
  // Every remainder of tiles in a slab, odd numbers of T5 tiles, one column more and less.
  for (int64_t K : {1, 31, 64, 127, 128, 129, 159, 160, 161, 320, 384, 385, 480, 512, 513, 640, 641, 800, 961, 1025}) {
    check(plain_spec(TERNARY_A8, K % 2 == 0 ? 3 : 1, 18, K), {0});
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemv, EveryWayToSplitK) {
  // 13 slabs of eight tiles of I2S, 11 of T5: clusters of 2, 4 and 8, and CTAs that add up in device memory.
  for (int64_t M : {1, 5, 11}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, M, 41, 13300);
    spec.y_dtype = M == 5 ? TERNARY_BF16 : TERNARY_F32;
    check(spec, {1, 2, 3, 4, 7, 8, 11});
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemv, ManyPanelsThatCtasTakeInTurn) {
  // More panel sets than CTAs that stay: a small device is a plan like any other.
  ProblemSpec spec = plain_spec(TERNARY_A8, 2, 1500, 700);
  for (CudaLayout layout : kTileLayouts) {
    CudaGemmCase gemm(spec, layout);
    for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8)) {
      if (kernel->layout != layout || kernel->m_max < 2) continue;
      DeviceLimits small = device_limits();
      small.sm_count = 2;
      gemm.device(small);
      for (int splits : {1, 2}) ASSERT_EQ(gemm.run(*kernel, splits), "") << kernel->file;
      for (int64_t group : {64, 96}) {
        ProblemSpec grouped = plain_spec(TERNARY_A8, 2, 700, 2500);
        grouped.kind = TERNARY_ALPHA_GROUP;
        grouped.group = group;
        CudaGemmCase by_group(grouped, layout);
        by_group.device(small);
        ASSERT_EQ(by_group.run(*kernel), "") << kernel->file;
      }
    }
  }
}

TEST(CudaGemv, ChunksOfQWhereSharedMemoryIsSmall) {
  for (int64_t group : {0, 32, 96, 512, 2080, 4096, 1 << 24}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, group == 96 ? 1 : group == 512 ? 3 : 13, 20, 4500);
    if (group > 0) {
      spec.kind = TERNARY_ALPHA_GROUP;
      spec.group = group;
    }
    for (CudaLayout layout : kTileLayouts) {
      CudaGemmCase gemm(spec, layout);
      for (const CudaKernel* kernel : gemv_rows(CudaStage::gemm_a8)) {
        if (kernel->layout != layout || spec.M < kernel->m_min || spec.M > kernel->m_max) continue;
        DeviceLimits small = device_limits();
        small.shared_bytes = (spec.M == 1 ? 12 : 48) << 10;
        if (group > 0) small.shared_bytes += 40 << 10;  // W's ring of nine or ten tiles a warp
        gemm.device(small);
        ASSERT_EQ(gemm.refusal(*kernel, 0), Reason::none) << kernel->file;
        ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
      }
    }
  }
}

TEST(CudaGemv, EveryGroupAndItsShortLastGroup) {
  for (int64_t group : {32, 64, 96, 128, 160, 192, 1024, 2048, 2080, 1 << 24}) {
    for (int64_t K : {group - 1, 2 * group + 33, int64_t{5000}}) {
      if (K > 6000 || (K == 5000 && group % 64 == 0 && group != 2048)) continue;
      ProblemSpec spec = plain_spec(TERNARY_A8, 1 + (group / 32 + K) % 3 * 5, 19, K);
      spec.kind = TERNARY_ALPHA_GROUP;
      spec.group = group;
      spec.bias = K % 2 == 0;
      check(spec, {0});
      spec.M = 1;
      check(spec, {0});
      if (HasFatalFailure()) return;
    }
  }
}

// fp32 sums of three to six groups, then of five super-blocks, have their order in every row and number of rows.
TEST(CudaGemv, OrderOfGroupSums) {
  for (int64_t K : {96, 130, 192, 4 * 2048 + 96}) {
    for (int64_t M : {1, 3, 9}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, M, 48, K);
      spec.kind = TERNARY_ALPHA_GROUP;
      spec.group = 32;
      check(spec, {0});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaGemv, LargestSumsDoNotWrap) {
  // All 127 (or -128) times all +1: sums of codes left in place pass 2^31 unless they are folded in time.
  for (Values values : {Values::all_max, Values::all_min}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, 1, 1, (1 << 19) + 1177);
    spec.x_dtype = TERNARY_I8;
    spec.values = values;
    spec.seed = 3;
    check(spec, {1, 8});
    if (HasFatalFailure()) return;
    spec.kind = TERNARY_ALPHA_GROUP;
    spec.group = 1 << 24;
    check(spec, {0});
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ternary::test
