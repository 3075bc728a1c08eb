// What the cost model expects of kernels of the second arrangement of weights: its terms by hand, and where they pay.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/cost/cost.h"
#include "core/cost/tiles.h"

namespace ternary::test {
namespace {

CostProblem problem(int64_t M, int64_t N, int64_t K) { return {M, N, K, 2, 2, 1, 0}; }

/** The one variant of a row. */
const CostCode& code(const CudaCost& cost, const char* file) {
  for (const CostKernel& kernel : cost.kernels()) {
    if (std::string(file) == kernel.row->file) return kernel.codes[0];
  }
  throw std::string(file) + " is not there";
}

double us(const CudaCost& cost, const char* file, const CostProblem& p, int splits = 1) {
  return estimate_cost(cost.device(), true, code(cost, file), p, splits).us;
}

/** The choice among kernels of an arrangement; there is one. */
CostWinner best_of(const CudaCost& cost, CudaLayout layout, const CostProblem& p, bool a8) {
  const std::optional<CostWinner> found = cost.best_of(layout, p, a8);
  if (!found) throw std::logic_error("no kernel serves a problem");
  return *found;
}
CostWinner second(const CudaCost& cost, const CostProblem& p, bool a8 = true) {
  return best_of(cost, CudaLayout::top2, p, a8);
}

/** A budget's line, as of a kernel whose loop has 100 instructions for eight times 16 weights. */
CudaFigures line(const char* arch, float registers) {
  CudaFigures figures = {arch, "cutlass_a8_128x32", "plain", {}};
  figures.value[kRegisters] = registers;
  figures.value[kLoop] = 100;
  figures.value[kPer16] = 12.5;
  figures.value[kLoopTensor] = 8;
  return figures;
}

TEST(CostTiles, CodeOfACapabilityServesDevicesOfTheFamilyWithItsNumber) {
  const auto registers = [](const std::vector<CudaFigures>& lines, const char* arch) {
    const std::vector<CostKernel> kernels = cost_kernels(arch, {lines.data(), lines.data() + lines.size()});
    const auto found = std::find_if(kernels.begin(), kernels.end(), [](const CostKernel& kernel) {
      return std::string(kernel.row->file) == "cutlass_a8_128x32";
    });
    return found->codes[0].registers;
  };
  EXPECT_EQ(registers({line("sm100a", 82)}, "sm100f"), 82);
  EXPECT_EQ(registers({line("sm100a", 82)}, "sm100a"), 82);
  EXPECT_EQ(registers({line("sm100a", 82)}, "sm103a"), 0);
  EXPECT_EQ(registers({line("sm100a", 82)}, "sm90a"), 0);
  EXPECT_EQ(registers({line("sm100a", 82)}, "sm1001f"), 0);
  EXPECT_EQ(registers({line("sm100f", 82)}, "sm100a"), 0) << "code of the family is another's";
  EXPECT_EQ(registers({line("sm100a", 82), line("sm100f", 90), line("sm100a", 70)}, "sm100f"), 90) << "its own first";
}

/** By hand: clocks of 1.85 GHz for 128 columns of K by 128 rows of W; the loop that decodes is in the budget. */
TEST(CostTiles, ATurnTakesWhatItsRatesSay) {
  const CudaCost b200("B200");
  const auto clocks = [&](double us) { return us * 1850; };
  CostCode small = code(b200, "cutlass_a8_128x32"), large = code(b200, "cutlass_a8_128x128"),
           pair = code(b200, "cutlass_a8_256x128");
  for (CostCode* one : {&small, &large, &pair}) {
    one->slots = 23.5;
    one->alu = 11.5;
  }
  EXPECT_NEAR(clocks(turn_of(b200.device(), small).multiply), 128 * 64 * 128 / 4096.0, 1e-9) << "as for 64 rows of X";
  EXPECT_NEAR(clocks(turn_of(b200.device(), large).multiply), 128 * 128 * 128 / 4096.0, 1e-9);
  EXPECT_NEAR(clocks(turn_of(b200.device(), pair).multiply), 128 * 128 * 128 / 4096.0, 1e-9) << "each of the two";
  EXPECT_NEAR(clocks(turn_of(b200.device(), small).decode), 8 * 23.5 / 0.5, 1e-9)
      << "a warp on each scheduler has 32 rows of W, eight times 16 weights a lane, and issues every other clock";
  EXPECT_NEAR(clocks(turn_of(b200.device(), large).shared), 2 * (4096 + 32768) / 128.0, 1e-9);
  EXPECT_NEAR(clocks(turn_of(b200.device(), pair).shared), 2 * (4096 + 16384) / 128.0, 1e-9) << "half of X";
  EXPECT_NEAR(turn_of(b200.device(), large).wait, 0.75 / 4, 1e-9) << "four steps in the ring";
}

TEST(CostTiles, FewRowsWaitForTheDecodingAndManyForTheProducts) {
  const CudaCost b200("B200");
  const TileTurn small = turn_of(b200.device(), code(b200, "cutlass_a8_128x32"));
  EXPECT_EQ(small.longest(), small.decode);
  const TileTurn pair = turn_of(b200.device(), code(b200, "cutlass_a8_256x128"));
  EXPECT_EQ(pair.longest(), pair.multiply);
  const auto instructions = [&](int64_t M) {
    return estimate_cost(b200.device(), true, code(b200, "cutlass_a8_128x32"), problem(M, 4096, 4096), 1)
        .instruction_us;
  };
  EXPECT_EQ(instructions(1), instructions(32)) << "W is decoded once for up to 32 rows";
  EXPECT_EQ(2 * instructions(32), instructions(33));
}

/** 16384 x 14336 x 4096 multiply-adds at 4096 a clock and SM, of which an SM's part is 857 microseconds. */
TEST(CostTiles, ManyRowsComeNearTheRateOfTheTensorCores) {
  const CudaCost b200("B200");
  const CostProblem p = problem(16384, 14336, 4096);
  const double rate = 16384.0 * 14336 * 4096 / (4096 * 148 * 1850.0);
  const CostWinner best = second(b200, p);
  EXPECT_STREQ(best.code->row->file, "cutlass_a8_256x128");
  EXPECT_NEAR(best.estimate.instruction_us / rate, 1, 1e-9);
  const double product = best.estimate.us - best.estimate.launch_us - best.estimate.rows_us;
  EXPECT_GE(product, rate);
  EXPECT_LE(product, 1.1 * rate);
}

TEST(CostTiles, MoreRowsNeverTakeLess) {
  const CudaCost b200("B200");
  for (const bool a8 : {true, false}) {
    double before = 0;
    for (int64_t M = 1; M <= 1100; ++M) {
      const double now = second(b200, problem(M, 4096, 4096), a8).estimate.us;
      EXPECT_GE(now * kSameCost, before) << M;
      before = std::max(before, now);
    }
  }
}

/** 28672 rows of W by 256 of X are 112 times 2 patches of pairs, and the 148 SMs are 74 pairs. */
TEST(CostTiles, APairHasAPatchAndTakesThemInRounds) {
  const CudaCost b200("B200");
  const TileShare s = share_tiles(b200.device(), code(b200, "cutlass_a8_256x128"), problem(256, 28672, 4096), 1);
  EXPECT_EQ(s.pieces, 224);
  EXPECT_EQ(s.places, 74);
  EXPECT_EQ(s.rounds, 4);
  EXPECT_EQ(s.turns, 32);
  EXPECT_EQ(share_tiles(b200.device(), code(b200, "cutlass_a8_128x128"), problem(256, 28672, 4096), 1).rounds, 4);
}

/** As cutlass_gemm/plan.cc: 4096 rows of W are 32 CTAs, of which four times as many run at a time; A16 is never split. */
TEST(CostTiles, OnlyA8IsSplitAndWhileAllItsCtasRunAtATime) {
  const CudaCost b200("B200");
  const auto may = [&](const char* file, int64_t M, int splits) {
    return may_split(b200.device(), code(b200, file), problem(M, 4096, 14336), splits);
  };
  EXPECT_TRUE(may("cutlass_a8_128x32", 32, 4));
  EXPECT_FALSE(may("cutlass_a8_128x32", 32, 8));
  EXPECT_FALSE(may("cutlass_a8_128x32", 33, 4));
  EXPECT_TRUE(may("cutlass_a8_256x128", 128, 4)) << "16 pairs";
  EXPECT_FALSE(may("cutlass_a8_256x128", 128, 8));
  EXPECT_FALSE(may("cutlass_a16_bf16_128x32", 32, 2));
  EXPECT_TRUE(may("cutlass_a16_bf16_128x32", 4096, 1));
}

/** Sums of 128 x 4096 are 2 MiB at 13.6 MB a microsecond: cleared, added twice at half the rate, read. */
TEST(CostTiles, SumsOfSplitsAreClearedAddedAndRead) {
  const CudaCost b200("B200");
  CostDevice fast = b200.device();
  fast.l2_ratio = 1e9;
  const CostProblem p = problem(128, 4096, 14336);
  const auto sums = [&](int splits) {
    const CostCode& pair = code(b200, "cutlass_a8_256x128");
    return estimate_cost(b200.device(), true, pair, p, splits).us - estimate_cost(fast, true, pair, p, splits).us;
  };
  // Beside bytes between L2 and SMs, which are not seen behind the products but for a tenth.
  const double mib2 = 4.0 * 128 * 4096 / 13.6e6;
  EXPECT_NEAR(sums(2) - sums(1), (1 + 2 * 2 + 1) * mib2, 0.05);
  EXPECT_NEAR(sums(4) - sums(2), 2 * 2 * mib2, 0.05);
}

/** What of X is asked for: q is bf16 here. */
TEST(CostTiles, XComesFromTheL2AsBf16ForEachPatchOfRowsOfW) {
  const CudaCost b200("B200");
  const CostEstimate e =
      estimate_cost(b200.device(), true, code(b200, "cutlass_a8_256x128"), problem(300, 6912, 2560), 1);
  const double w = 6912.0 * 2560 / 4, x = 300.0 * 2560 * 2, y = 2.0 * 300 * 6912;
  EXPECT_NEAR(e.l2_us, (3 * w + 27 * x + y) / (8000e3 * 1.7), 1e-9);
  EXPECT_NEAR(e.byte_us, (w + 4 * 6912 + x + y) / 8000e3, 1e-9);
}

TEST(CostTiles, TheSecondArrangementPaysForManyRowsOnB200Alone) {
  const CudaCost b200("B200"), h100("H100"), b300("B300");
  const auto prefers = [](const CudaCost& cost, int64_t M, bool a8) {
    return cost.prefers(CudaLayout::top2, CudaLayout::i2s, problem(M, 14336, 4096), a8);
  };
  EXPECT_FALSE(prefers(b200, 16, true));
  EXPECT_TRUE(prefers(b200, 1024, true));
  EXPECT_TRUE(prefers(b200, 4096, true));
  EXPECT_TRUE(prefers(b200, 128, false)) << "mma.sync of bf16 has a quarter of the rate";
  for (const bool a8 : {true, false}) {
    EXPECT_FALSE(prefers(h100, 4096, a8)) << "no figures, no library";
    EXPECT_FALSE(prefers(b300, 4096, a8));
  }
}

/** The same of 128 x 4096 rows made ready by both, so that what is left is the kernel's own preparation. */
TEST(CostTiles, ACtaSetsItselfUpBesideTheRowsUnderPdl) {
  const CudaCost b200("B200");
  const CostProblem p = problem(128, 4096, 4096);
  const auto estimate = [&](bool pdl) {
    return estimate_cost(b200.device(), pdl, code(b200, "cutlass_a8_128x128"), p, 1);
  };
  EXPECT_DOUBLE_EQ(estimate(false).rows_us - estimate(true).rows_us, 1);
  EXPECT_DOUBLE_EQ(estimate(true).rows_us, 1.5 + 1e-4 * 4096 + 128 * 4096 / (8000e3 * 1.7)) << "and a byte more of q";
}

/** Of some M the first arrangement's best kernel takes longer, and two of its kernels do not. */
TEST(CostTiles, TheSecondArrangementMustBeatTwoKernelsOfTheFirst) {
  const CudaCost b200("B200");
  int cut = 0;
  for (int64_t M = 17; M <= 512; ++M) {
    const CostProblem p = problem(M, 14336, 4096);
    const double us = second(b200, p).estimate.us * kSameCost;
    const double one = best_of(b200, CudaLayout::i2s, p, true).estimate.us;
    const std::optional<CostCut> two = b200.cut(p, CudaLayout::i2s, one);
    const double first = two ? two->both.us : one;
    EXPECT_EQ(b200.prefers(CudaLayout::top2, CudaLayout::i2s, p, true), us < first) << M;
    cut += us < one && us >= first;
  }
  EXPECT_GT(cut, 0);
}

TEST(CostTiles, APredictionIsOfTheFirstArrangement) {
  const CudaCost b200("B200");
  const std::optional<CostWinner> best = b200.best(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, 4096, 14336, 4096);
  EXPECT_TRUE(best && best->code->row->layout == CudaLayout::i2s);
}

/** A plan's splits are the model's: four CTAs of each patch of 32 rows. */
TEST(CostTiles, APlanIsSplitWhereThatTakesLess) {
  CudaKernel kernel = {};
  kernel.file = "cutlass_a8_128x32";
  kernel.plan = [](const CudaProblem& asked, CudaPlan* plan) {
    *plan = {};
    plan->splits = std::clamp(asked.splits, 1, 4);
    return Reason::none;
  };
  CudaProblem asked = {};
  asked.M = 32, asked.N = 4096, asked.K = 14336;
  asked.x_dtype = asked.y_dtype = TERNARY_BF16;
  asked.planes = 1;
  const CudaCost b200("B200");
  CudaPlan plan = {};
  double expected = 0;
  EXPECT_EQ(b200.plan(kernel, asked, plan, expected), Reason::none);
  EXPECT_EQ(plan.splits, 4);
  EXPECT_EQ(expected, us(b200, "cutlass_a8_128x32", problem(32, 4096, 14336), 4));
  EXPECT_LT(expected, us(b200, "cutlass_a8_128x32", problem(32, 4096, 14336), 1));
}

}  // namespace
}  // namespace ternary::test
