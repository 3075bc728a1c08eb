// The cost model where the budget has no line of a kernel: it says nothing of it, and the table's order speaks for it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "abi/cuda_rows.h"
#include "core/cost/cost.h"

namespace ternary::test {
namespace {

/** The committed budget without some lines. */
class Without {
 public:
  explicit Without(const std::function<bool(const CudaFigures&)>& gone) {
    std::remove_copy_if(kCommittedFigures.begin(), kCommittedFigures.end(), std::back_inserter(lines_), gone);
  }
  explicit Without(const char* row) : Without([&](const CudaFigures& f) { return std::string(f.row) == row; }) {}

  FigureLines lines() const { return {lines_.data(), lines_.data() + lines_.size()}; }
  CudaCost h100() const { return CudaCost("H100", lines()); }

 private:
  std::vector<CudaFigures> lines_;
};

constexpr const char* kGemvOfOne = "gemv_a8_i2s_dp4a_16x128";

TEST(MissingFigures, ARowWithoutFiguresIsNotPredicted) {
  const auto kernel = [](const CudaCost& cost, int64_t M) {
    return std::string(cost.predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, M, 6912, 2560)->kernel);
  };
  ASSERT_EQ(kernel(CudaCost("H100"), 1), "gemv_fused_i2s_dp4a");
  EXPECT_EQ(kernel(Without("gemv_fused_i2s_dp4a_16x128").h100(), 1), "gemv_fused_i2s_mma")
      << "the best of those that have figures";
  const Without m8([](const CudaFigures& f) { return std::string(f.variant) == "plain_m8"; });
  EXPECT_EQ(kernel(m8.h100(), 9), "gemv_a8_i2s_mma") << "each variant speaks for itself";
  EXPECT_EQ(kernel(m8.h100(), 5), "gemm_a8_i2s");
}

/** Each line in turn: nothing is divided by what is missing. */
TEST(MissingFigures, AnyLineOfTheBudgetMayBeMissing) {
  for (const CudaFigures& gone : kCommittedFigures) {
    if (std::string(gone.arch) != "sm90a") continue;
    const Without rest([&](const CudaFigures& f) { return &f == &gone; });
    const CudaCost cost = rest.h100();
    const int row = find_cuda_row(gone.row);
    for (const CostKernel& kernel : cost.kernels()) {
      if (kernel.row != &kCudaRows[row]) continue;
      EXPECT_EQ(kernel.codes[find_cuda_variant(*kernel.row, gone.variant)].slots, 0) << gone.row << " " << gone.variant;
    }
    for (ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
      for (int64_t M : {1, 2, 4, 8, 16, 64}) {
        const double us = cost.predict(layout, TERNARY_A8, M, 6912, 2560).value_or(ternary_prediction{}).microseconds;
        EXPECT_TRUE(us > 0 && us < 1e6) << us << " without " << gone.row << " " << gone.variant;
      }
    }
  }
}

TEST(MissingFigures, NothingIsPredictedWhereNoRowHasFigures) {
  const Without all([](const CudaFigures&) { return true; });
  EXPECT_FALSE(all.h100().predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, 1, 6912, 2560));
  const Without a16([](const CudaFigures& f) { return std::string(f.row).find("_a16_") != std::string::npos; });
  EXPECT_FALSE(a16.h100().predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A16, 1, 6912, 2560));
  EXPECT_TRUE(a16.h100().predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, 1, 6912, 2560));
}

CudaKernel row_of(const char* file) {
  const CudaRow& row = kCudaRows[find_cuda_row(file)];
  CudaKernel kernel = {};
  kernel.name = row.name;
  kernel.file = row.file;
  kernel.stage = row.stage;
  kernel.layout = row.layout;
  kernel.m_min = row.m_min;
  kernel.m_max = row.m_max;
  kernel.plan = [](const CudaProblem& problem, CudaPlan* plan) {
    *plan = {};
    plan->splits = problem.splits == 0 ? 3 : problem.splits;
    return Reason::none;
  };
  return kernel;
}

TEST(MissingFigures, ARowWithoutFiguresMakesItsOwnSplits) {
  CudaProblem problem = {};
  problem.M = 1;
  problem.N = 256;
  problem.K = 23040;
  problem.planes = 1;
  problem.x_dtype = problem.y_dtype = TERNARY_F16;
  const CudaKernel kernel = row_of(kGemvOfOne);
  CudaPlan plan = {};
  double us = 0;
  EXPECT_EQ(CudaCost("H100").plan(kernel, problem, plan, us), Reason::none);
  EXPECT_NE(plan.splits, 3);
  EXPECT_LT(us, kUnknownCost);
  EXPECT_EQ(Without(kGemvOfOne).h100().plan(kernel, problem, plan, us), Reason::none);
  EXPECT_EQ(plan.splits, 3);
  EXPECT_EQ(us, kUnknownCost);
}

/** Rows of a table, best first by the model; '?' has no figures. */
std::string ordered(const std::vector<std::pair<const char*, double>>& rows) {
  std::vector<CudaKernel> kernels(rows.size());
  std::vector<CudaChoice> choices;
  for (size_t i = 0; i < rows.size(); ++i) {
    kernels[i].name = rows[i].first;
    choices.push_back({&kernels[i], {}, Reason::none, rows[i].second});
  }
  order_choices(choices.data(), choices.data() + choices.size());
  std::string names;
  for (const CudaChoice& choice : choices) names += choice.kernel->name;
  return names;
}

TEST(MissingFigures, TheTableSpeaksForARowWithoutFigures) {
  EXPECT_EQ(ordered({{"a", 3}, {"b", 1}, {"c", 2}}), "bca");
  EXPECT_EQ(ordered({{"a", 2}, {"b", 1.99}}), "ab") << "no difference that the model sees";
  EXPECT_EQ(ordered({{"?", kUnknownCost}, {"b", 3}, {"c", 1}}), "?cb") << "above all that come after it";
  EXPECT_EQ(ordered({{"a", 1}, {"?", kUnknownCost}, {"c", 3}}), "a?c") << "no better than what comes before it";
  EXPECT_EQ(ordered({{"a", 3}, {"?", kUnknownCost}, {"c", 1}}), "?ca") << "but as good as what comes after it";
  EXPECT_EQ(ordered({{"a", 3}, {"b", 1}, {"?", kUnknownCost}}), "ba?") << "the last of all";
  EXPECT_EQ(ordered({{"1", kUnknownCost}, {"2", kUnknownCost}, {"c", 1}}), "12c");
  EXPECT_EQ(ordered({{"1", kUnknownCost}, {"2", kUnknownCost}}), "12") << "the table alone";
}

}  // namespace
}  // namespace ternary::test
