// Every product row of a GPU backend against the oracle: A8 the same bits, A16 within a bound and with the same bits
// for every M, batch position and patch; nothing written outside of Y, nothing read beyond any operand.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/cuda/gemm_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

/** Rows of the stage that serve the problem. */
std::vector<const CudaKernel*> serving(const CudaGemmCase& gemm, CudaStage stage) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(stage)) {
    if (gemm.refusal(*kernel) == Reason::none) rows.push_back(kernel);
  }
  return rows;
}

void check_a8(const ProblemSpec& spec, std::initializer_list<CudaLayout> layouts) {
  for (CudaLayout layout : layouts) {
    CudaGemmCase gemm(spec, layout);
    const auto rows = serving(gemm, CudaStage::gemm_a8);
    ASSERT_GE(rows.size(), 1u);
    for (const CudaKernel* kernel : rows) ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
  }
}

void check_a16(const ProblemSpec& spec) {
  Random random(spec.seed);
  for (CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    CudaGemmCase gemm(spec, layout);
    const auto rows = serving(gemm, CudaStage::gemm_a16);
    ASSERT_GE(rows.size(), 2u);
    const int64_t m = random.integer(0, spec.M - 1);
    OutputMatrix first;
    for (const CudaKernel* kernel : rows) {
      ASSERT_EQ(gemm.run(*kernel), "") << kernel->file;
      if (first.empty()) first = gemm.got().copy();
      ASSERT_STREQ(kernel->name, rows[0]->name) << "one path a layout";
      ASSERT_EQ(gemm.got().difference(first, first.whole()), "") << kernel->file << ", bits of " << rows[0]->file;
      ASSERT_EQ(gemm.run(*kernel, m, m + 1), "") << kernel->file << ", row " << m;
      ASSERT_EQ(gemm.got().difference(first, gemm.got().whole(), m), "") << kernel->file << ", row " << m << " alone";
    }
  }
}

TEST(CudaGemm, RandomProblems) {
  const int64_t count = samples(60);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(30000 + static_cast<uint64_t>(i), 150000);
    spec.norm = false;
    spec.residual.reset();
    if (spec.activation == TERNARY_A8) {
      check_a8(spec, {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense});
    } else {
      check_a16(spec);
    }
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemm, EveryTailOfNAndM) {
  for (int64_t i = 1; i <= 34; i += i < 18 ? 3 : 5) {
    check_a8(plain_spec(TERNARY_A8, i, 35 - i, 131), {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense});
    if (HasFatalFailure()) return;
  }
  for (int64_t i : {1, 9, 18}) {
    check_a16(plain_spec(TERNARY_A16, i, 19 - i, 131));
    if (HasFatalFailure()) return;
  }
  // More than one patch of the largest both ways.
  check_a8(plain_spec(TERNARY_A8, 130, 133, 70), {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense});
  check_a16(plain_spec(TERNARY_A16, 66, 70, 70));
}

TEST(CudaGemm, EveryTailOfK) {
  // More spans than the ring holds, and every remainder of a step, a tile and a span.
  for (int64_t K : {1, 31, 32, 33, 64, 127, 128, 129, 159, 160, 161, 319, 320, 321, 640, 897, 1700}) {
    check_a8(plain_spec(TERNARY_A8, 3, 17, K), {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense});
    if (HasFatalFailure()) return;
    if (K % 2 == 1) check_a16(plain_spec(TERNARY_A16, 2, 17, K));
    if (HasFatalFailure()) return;
  }
}

TEST(CudaGemm, EveryGroupAndItsShortLastGroup) {
  for (int64_t group : {32, 64, 96, 128, 192, 1024, 2080, 1 << 24}) {
    for (int64_t K : {group - 1, 2 * group + 33, int64_t{2200}}) {
      if (K > 4300 || K < 31) continue;
      ProblemSpec spec = plain_spec(TERNARY_A8, 2, 17, K);
      spec.kind = TERNARY_ALPHA_GROUP;
      spec.group = group;
      spec.bias = K % 2 == 0;
      check_a8(spec, {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense});
      if (HasFatalFailure()) return;
      spec.activation = TERNARY_A16;
      if (K != 2200) check_a16(spec);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaGemm, EveryRowInAChainWithItsActivations) {
  const CudaKernel& activations = *cuda_rows(CudaStage::activations).at(0);
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (const ternary_dtype x_dtype : {TERNARY_F32, TERNARY_BF16}) {
      for (const int64_t group : {0, 64}) {
        ProblemSpec spec = plain_spec(activation, 3, 40, 333);
        spec.x_dtype = x_dtype;
        spec.group = group;
        if (group != 0) spec.kind = TERNARY_ALPHA_GROUP;
        for (const CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5, CudaLayout::dense}) {
          if (activation == TERNARY_A16 && layout == CudaLayout::dense) continue;
          CudaGemmCase gemm(spec, layout);
          for (const CudaKernel* kernel :
               serving(gemm, activation == TERNARY_A8 ? CudaStage::gemm_a8 : CudaStage::gemm_a16)) {
            ASSERT_EQ(gemm.run_chain(activations, *kernel), "") << kernel->file;
          }
        }
      }
    }
  }
}

TEST(CudaGemm, DenseRefusesSumsThatFp32DoesNotHold) {
  for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
    if (kernel->layout != CudaLayout::dense) continue;
    EXPECT_LT(128 * kernel->k_max, int64_t{1} << 24) << kernel->file;
    EXPECT_GE(128 * (kernel->k_max + 1), int64_t{1} << 24) << kernel->file;
  }
}

TEST(CudaGemm, EveryLayoutAndStageHasARow) {
  for (CudaStage stage : {CudaStage::gemm_a8, CudaStage::gemm_a16}) {
    std::map<CudaLayout, int> rows;
    for (const CudaKernel* kernel : cuda_rows(stage)) {
      ++rows[kernel->layout];
      EXPECT_NE(kernel->gemm, nullptr) << kernel->file;
    }
    EXPECT_GE(rows[CudaLayout::i2s], 2);
    EXPECT_GE(rows[CudaLayout::t5], 2);
  }
}

}  // namespace
}  // namespace ternary::test
