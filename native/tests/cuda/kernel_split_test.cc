// The GEMMs of a GPU backend whose K is split: the same bits as unsplit, for as many rows of X as neither GEMVs nor large
// patches are made for; sums of groups and of stretches in their order; plans, and chains of split products.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "abi/cuda_rows.h"
#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

/** Rows of X from where GEMVs end to where the largest patches are full. */
constexpr int64_t kRowsOfX[] = {17, 24, 32, 48, 64, 96};

bool makes_cluster(int splits) { return has_clusters() && (splits == 2 || splits == 4 || splits == 8); }

const CudaRow& row_of(const CudaKernel& kernel) { return kCudaRows[find_cuda_row(kernel.file)]; }

std::vector<const CudaKernel*> gemm_rows(CudaStage stage, CudaLayout layout) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (kernel->layout == layout && !row_of(*kernel).gemv()) rows.push_back(kernel);
  }
  return rows;
}

ProblemSpec grouped(ProblemSpec spec, int64_t group) {
  if (group > 0) spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = group;
  return spec;
}

ProblemSpec blocked(ProblemSpec spec, int64_t block) {
  spec.block = block;
  return spec;
}

/** Splits 1 ... most that are a cluster, meet in memory, or are none. */
std::vector<int> splits_to_try(int most) {
  std::vector<int> splits;
  for (const int count : {1, 2, 3, 4, 7, 8}) {
    if (count <= most) splits.push_back(count);
  }
  return splits;
}

/** Every GEMM of the layout, however K is split: the oracle's bits for A8, for A16 those of the first. */
void check(const ProblemSpec& spec, CudaLayout layout) {
  const bool a8 = spec.activation == TERNARY_A8;
  CudaGemmCase gemm(spec, layout);
  OutputMatrix first;
  for (const CudaKernel* kernel : gemm_rows(a8 ? CudaStage::gemm_a8 : CudaStage::gemm_a16, layout)) {
    const int64_t group = spec.kind == TERNARY_ALPHA_GROUP ? spec.group : 0;
    for (const int splits : splits_to_try(cuda_most_splits(row_of(*kernel), spec.K, unit_columns(group, spec.block)))) {
      ASSERT_EQ(planned(*kernel, gemm.problem(splits)).splits, splits) << kernel->file << " in " << spec.text();
      ASSERT_EQ(gemm.run(*kernel, splits), "") << kernel->file;
      if (a8) continue;
      if (first.empty()) first = gemm.got().copy();
      ASSERT_EQ(gemm.got().difference(first, first.whole()), "")
          << kernel->file << ", splits " << splits << " in " << spec.text();
    }
  }
}

TEST(CudaGemmSplit, RowsOfXBetweenGemvsAndLargePatches) {
  for (const int64_t M : kRowsOfX) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, M, M == 24 ? 150 : 37, 2500);  // 20, 8 and 40 spans
      spec.y_dtype = M == 48 ? TERNARY_BF16 : TERNARY_F32;
      check(spec, layout);
      if (HasFatalFailure()) return;
    }
  }
}

// Super-blocks are 2048, 2016 and 2080 columns: they end with spans and inside them.
TEST(CudaGemmSplit, GroupsOfAlpha) {
  for (const auto& [M, group] :
       {std::pair<int64_t, int64_t>{17, 64}, {24, 96}, {32, 2080}, {48, 128}, {64, 32}, {96, 96}}) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      check(grouped(plain_spec(TERNARY_A8, M, 37, 6200), group), layout);
      if (HasFatalFailure()) return;
    }
  }
}

// Each super-block's sum is a part by itself, whatever it is made of.
TEST(CudaGemmSplit, BlocksOfX) {
  struct Case {
    int64_t M, group, block;
  };
  for (const Case& c : {Case{17, 0, 32}, {24, 0, 128}, {32, 64, 128}, {48, 128, 32}, {64, 0, 2080}, {96, 96, 96}}) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      check(blocked(grouped(plain_spec(TERNARY_A8, c.M, 37, 6200), c.group), c.block), layout);
      if (HasFatalFailure()) return;
    }
  }
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
    check(blocked(plain_spec(TERNARY_A8, 3, 40, 170), 32), layout);     // five units and a short one of one super-block
    check(blocked(plain_spec(TERNARY_A8, 3, 40, 4128), 1024), layout);  // three super-blocks, the last a step
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemmSplit, SixteenBitActivations) {
  const ternary_dtype kTypes[] = {TERNARY_BF16, TERNARY_F16, TERNARY_F32};
  int i = 0;
  for (const int64_t M : kRowsOfX) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
      for (const int64_t group : {0, M % 32 == 0 ? 96 : 64}) {
        ProblemSpec spec = grouped(plain_spec(TERNARY_A16, M, 20, 4200), group);  // three stretches
        spec.x_dtype = kTypes[i++ % 3];
        check(spec, layout);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Two parts may be added either way: only from three on has their sum an order.
TEST(CudaGemmSplit, TheOrderOfGroupSumsAtSmallK) {
  for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
    check(grouped(plain_spec(TERNARY_A8, 3, 40, 96), 32), layout);      // three groups of one super-block
    check(grouped(plain_spec(TERNARY_A8, 3, 40, 170), 32), layout);     // and a short one
    check(grouped(plain_spec(TERNARY_A8, 3, 40, 4128), 1024), layout);  // three super-blocks, the last a step
    check(grouped(plain_spec(TERNARY_A8, 3, 40, 6900), 2080), layout);  // four of a group each
    if (HasFatalFailure()) return;
  }
}

/** A row's problem of M rows as a device of 132 SMs has it. */
CudaProblem problem_of(int64_t M, int64_t N, int64_t K, int64_t group, int splits, int64_t block = 0) {
  CudaProblem p = {};
  p.M = M;
  p.N = N;
  p.K = K;
  p.group = group;
  p.block = block;
  p.planes = 1;
  p.splits = splits;
  p.sm_count = 132;
  p.shared_bytes = 227 << 10;
  return p;
}

const CudaVariant& variant_of(const CudaKernel& kernel, bool groups) {
  const CudaRow& row = row_of(kernel);
  for (const CudaVariant& v : row.variants) {
    if (v.units == (groups ? CudaUnits::groups : CudaUnits::none) && v.planes == 1) return v;
  }
  return row.variants[0];
}

/** Every GEMM, A8 and A16. */
template <typename Visit>
void each_gemm(Visit visit) {
  for (const CudaStage stage : {CudaStage::gemm_a8, CudaStage::gemm_a16}) {
    for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
      for (const CudaKernel* kernel : gemm_rows(stage, layout)) visit(*kernel);
    }
  }
}

TEST(CudaGemmSplit, KIsSplitWhereSmsWouldIdle) {
  each_gemm([](const CudaKernel& kernel) {
    for (const int64_t group : {0, 128}) {
      const CudaVariant& v = variant_of(kernel, group > 0);
      for (const int64_t M : kRowsOfX) {
        const int64_t N = 20 * v.patch_n / ceil_div(M, v.patch_m);
        const CudaPlan plan = planned(kernel, problem_of(M, N, 14336, group, 0));
        const int64_t patches = ceil_div(M, v.patch_m) * ceil_div(N, v.patch_n);
        EXPECT_EQ(plan.grid, patches * plan.splits) << kernel.file;
        EXPECT_GE(plan.splits, 2) << kernel.file << ", M " << M << ", N " << N;
        EXPECT_LE(plan.grid, 132 * v.ctas) << kernel.file;
      }
      EXPECT_EQ(planned(kernel, problem_of(v.patch_m, 100 * v.patch_n, 14336, group, 0)).splits, 1) << kernel.file;
    }
  });
}

TEST(CudaGemmSplit, PartsTakeTheMemoryThatTheyNeedAndNoMore) {
  each_gemm([](const CudaKernel& kernel) {
    for (const int64_t group : {0, 128}) {
      const CudaVariant& v = variant_of(kernel, group > 0);
      const bool ordered = group > 0 || row_of(kernel).stage == CudaStage::gemm_a16;
      for (int splits = 1; splits <= 7; ++splits) {
        const CudaPlan plan = planned(kernel, problem_of(v.patch_m + 1, v.patch_n + 1, 14336, group, splits));
        ASSERT_EQ(plan.splits, splits) << kernel.file;
        EXPECT_EQ(plan.grid, 4 * splits) << kernel.file;
        // A cluster's parts lie in shared memory, unless seven stretches are more than that holds.
        const int64_t stretches = 7, patch = int64_t{4} * v.patch_n * v.patch_m;
        if (splits == 1 || (makes_cluster(splits) && plan.partial_bytes == 0)) {
          EXPECT_EQ(plan.partial_bytes, 0) << kernel.file;
          EXPECT_EQ(plan.clear_bytes, 0) << kernel.file;
          EXPECT_LE(plan.shared_bytes, 227 << 10) << kernel.file;
          continue;
        }
        EXPECT_TRUE(!makes_cluster(splits) || ordered) << kernel.file;
        const int64_t parts = ordered ? 1 + stretches - stretches / splits : splits;
        EXPECT_EQ(plan.clear_bytes, 4 * 4) << kernel.file;
        EXPECT_EQ(plan.partial_bytes, 256 + 4 * parts * patch) << kernel.file << ", splits " << splits;
      }
    }
  });
}

TEST(CudaGemmSplit, WhatCannotBeHonouredIsTheRowsOwnChoice) {
  each_gemm([](const CudaKernel& kernel) {
    const CudaVariant& v = variant_of(kernel, false);
    const int own = planned(kernel, problem_of(v.patch_m, 20 * v.patch_n, 14336, 0, 0)).splits;
    for (const int splits : {17, 64}) {  // more than there may be
      EXPECT_EQ(planned(kernel, problem_of(v.patch_m, 20 * v.patch_n, 14336, 0, splits)).splits, own) << kernel.file;
    }
    const int64_t wide = 132 * v.ctas * v.patch_n;  // more CTAs than the device holds
    EXPECT_EQ(planned(kernel, problem_of(v.patch_m, wide, 14336, 0, 2)).splits, 1) << kernel.file;
    EXPECT_EQ(planned(kernel, problem_of(v.patch_m, v.patch_n, v.columns, 0, 2)).splits, 1)
        << kernel.file << ", a span";
    EXPECT_EQ(planned(kernel, problem_of(v.patch_m, v.patch_n, 2048, 128, 2)).splits, 1)
        << kernel.file << ", a stretch";
  });
}

TEST(CudaGemmSplit, ChainsOfSplitProducts) {
  const CudaKernel& activations = *cuda_rows(CudaStage::activations).at(0);
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const int64_t group : {0, 64}) {
      ProblemSpec spec = grouped(plain_spec(activation, 19, 20, 4200), group);
      if (group != 0 && activation == TERNARY_A8) spec.block = 128;
      for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
        if (activation == TERNARY_A16 && layout == CudaLayout::dense) continue;
        CudaGemmCase gemm(spec, layout);
        for (const CudaKernel* kernel :
             gemm_rows(activation == TERNARY_A8 ? CudaStage::gemm_a8 : CudaStage::gemm_a16, layout)) {
          for (const int splits : {2, 3}) ASSERT_EQ(gemm.run_chain(activations, *kernel, splits), "") << kernel->file;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
