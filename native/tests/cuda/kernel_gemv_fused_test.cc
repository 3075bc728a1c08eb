// The GPU kernels for few rows of X that make q themselves, against the oracle, same bits.
#include <gtest/gtest.h>

#include "support/cuda/fused_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

TEST(CudaGemv, FusedRefusesWhatItCannotDo) {
  for (const CudaKernel* kernel : gemv_rows(CudaStage::fused_a8)) {
    CudaProblem problem = {};
    problem.M = kernel->m_max;
    problem.N = 64;
    problem.K = 2048;
    problem.sm_count = 100;
    problem.shared_bytes = 99 << 10;
    problem.residual = true;
    EXPECT_EQ(refusal(*kernel, problem), Reason::none) << kernel->file;
    problem.residual_in_place = true;
    EXPECT_EQ(refusal(*kernel, problem), Reason::in_place) << kernel->file;
    problem.residual_in_place = false;
    problem.K = 23040;
    problem.M = 8;
    EXPECT_EQ(refusal(*kernel, problem), kernel->m_max < 8 ? Reason::m_range : Reason::shared_memory) << kernel->file;
    problem.M = 1;
    EXPECT_EQ(refusal(*kernel, problem), Reason::none) << kernel->file;
    problem.K = 110 << 10;
    EXPECT_EQ(refusal(*kernel, problem), Reason::shared_memory) << kernel->file;
  }
}

/** The longest row that a fused kernel accepts for M rows of X on this device. */
int64_t longest_row(const CudaKernel& kernel, int64_t M) {
  const DeviceLimits limits = device_limits();
  CudaProblem problem = {};
  problem.M = M;
  problem.N = 3;
  problem.sm_count = limits.sm_count;
  problem.shared_bytes = limits.shared_bytes;
  int64_t accepted = 1, refused = kAnyK;
  while (refused - accepted > 1) {
    problem.K = accepted + (refused - accepted) / 2;
    (refusal(kernel, problem) == Reason::none ? accepted : refused) = problem.K;
  }
  return accepted;
}

// All of a CTA's shared memory then is q, sums, and what the kernel has of its own.
TEST(CudaGemv, FusedServesTheLongestRowsThatItAccepts) {
  for (const CudaKernel* kernel : gemv_rows(CudaStage::fused_a8)) {
    for (const int64_t M : {1, 3}) {
      if (M > kernel->m_max) continue;
      ProblemSpec spec;
      spec.M = M;
      spec.N = 3;
      spec.K = longest_row(*kernel, M);
      spec.kind = TERNARY_ALPHA_ROW;
      ASSERT_EQ(CudaFusedCase(spec, kernel->layout).run(*kernel, device_limits()), "") << kernel->file;
    }
  }
}

void check_fused(const ProblemSpec& spec) {
  for (CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    CudaFusedCase fused(spec, layout);
    for (const CudaKernel* kernel : gemv_rows(CudaStage::fused_a8)) {
      if (kernel->layout != layout || spec.M < kernel->m_min || spec.M > kernel->m_max) continue;
      DeviceLimits limits = device_limits();
      const CudaLaunch how = {nullptr, has_clusters() && spec.seed % 2 == 1};
      ASSERT_EQ(fused.run(*kernel, limits, how), "") << kernel->file;
      limits.sm_count = 1;  // each CTA takes several panels
      if (spec.N > 200) {
        ASSERT_EQ(fused.run(*kernel, limits, how), "") << kernel->file;
      }
    }
  }
}

TEST(CudaGemv, FusedRandomProblems) {
  const int64_t count = samples(40);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(52000 + static_cast<uint64_t>(i), 60000);
    spec.activation = TERNARY_A8;
    spec.M = (spec.M - 1) % 16 + 1;
    spec.in_place = false;
    check_fused(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemv, FusedNormResidualAndGroups) {
  for (int64_t group : {0, 64, 2080}) {
    for (ternary_dtype residual : {TERNARY_F32, TERNARY_F16, TERNARY_BF16}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, residual == TERNARY_F32 ? 1 : 9, group == 64 ? 300 : 40, 4500);
      spec.x_dtype = TERNARY_BF16;
      spec.norm = true;
      spec.residual = residual;
      spec.residual_gap = 5;
      if (group > 0) {
        spec.kind = TERNARY_ALPHA_GROUP;
        spec.group = group;
      }
      check_fused(spec);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ternary::test
