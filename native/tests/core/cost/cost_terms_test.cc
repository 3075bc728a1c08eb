// The terms of the cost model one by one, each reckoned by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/cost/cost.h"

namespace ternary::test {
namespace {

const CostCode& code(const CudaCost& cost, const char* file, const char* variant) {
  for (const CostKernel& kernel : cost.kernels()) {
    const int at = find_cuda_variant(*kernel.row, variant);
    if (std::string(file) == kernel.row->file && at >= 0) return kernel.codes[at];
  }
  throw std::string(file) + " is not there";
}

CostProblem problem(int64_t M, int64_t N, int64_t K) { return {M, N, K, 2, 2, 1, false}; }

/** A variant as this test has it, whatever the table says of it today. */
CostCode gemv_of(const CudaCost& cost, int ctas, int ahead) {
  CostCode gemv = code(cost, "gemv_a8_i2s_mma_16x128", "plain_m8");
  gemv.shape.ctas = ctas;
  gemv.shape.ahead = ahead;
  gemv.registers = 64;
  return gemv;
}

/** 28672 rows are 1792 panels; four warps share a panel's K, so a CTA has two panels: 896 pieces for 444 CTAs. */
TEST(CostTerms, AFewPiecesMoreThanCtasAreAnotherRound) {
  const CudaCost b200("B200");
  const CostCode gemv = gemv_of(b200, 3, 4);
  const CostShare share = share_out(b200.device(), gemv, problem(8, 28672, 4096), 1);
  ASSERT_EQ(share.ctas, 3 * 148);
  ASSERT_EQ(share.pieces, 896);
  const double full = estimate_cost(b200.device(), true, gemv, problem(8, 888 * 32, 4096), 1).us;
  const double more = estimate_cost(b200.device(), true, gemv, problem(8, 896 * 32, 4096), 1).us;
  EXPECT_GE(more - full, share.trips * b200.device().latency_us / 2) << "and not a hundredth";
}

/** Eight warps of a CTA, tiles of 512 bytes; three CTAs of an SM. */
TEST(CostTerms, BytesInFlightAreTheRowsAndLessWhereKIsShort) {
  const CudaCost h100("H100");
  const auto bytes = [&](int ctas, int ahead, int64_t N, int64_t K) {
    return bytes_in_flight(h100.device(), gemv_of(h100, ctas, ahead), problem(8, N, K), 1);
  };
  constexpr int64_t kMany = 128 * 1024;  // panels for every warp of every CTA
  EXPECT_DOUBLE_EQ(bytes(3, 4, kMany, 4096), 3 * 8 * 4 * 512);
  EXPECT_DOUBLE_EQ(bytes(2, 4, kMany, 4096), 2 * 8 * 4 * 512);
  EXPECT_DOUBLE_EQ(bytes(3, 2, kMany, 4096), 3 * 8 * 2 * 512);
  EXPECT_DOUBLE_EQ(bytes(3, 4, kMany, 256), 3 * 8 * 2 * 512) << "256 columns are two tiles";
  EXPECT_DOUBLE_EQ(bytes(3, 4, 16, 512), 4 * 512.0 / 132) << "one panel, one slab: one warp of the device";
}

/** Registers are what an SM has 65536 of: with 128 of them a thread two CTAs fit, whatever the row hopes for. */
TEST(CostTerms, BytesInFlightAreOfTheCtasThatFit) {
  const CudaCost h100("H100");
  CostCode gemv = gemv_of(h100, 4, 4);
  gemv.registers = 128;
  EXPECT_DOUBLE_EQ(bytes_in_flight(h100.device(), gemv, problem(8, 128 * 1024, 4096), 1), 2 * 8 * 4 * 512);
}

/** W goes to SMs once for each patch along M, X once for each along N: q of a byte an element, Y of two. */
TEST(CostTerms, PatchesReadWAndXFromTheL2) {
  const CudaCost h100("H100");
  const CostCode& gemm = code(h100, "gemm_a8_i2s_mma_128x128", "plain");
  ASSERT_EQ(gemm.shape.patch_n, 128);
  ASSERT_EQ(gemm.shape.patch_m, 128);
  const CostEstimate e = estimate_cost(h100.device(), true, gemm, problem(300, 6912, 2560), 1);
  const double w = 6912.0 * 2560 / 4, x = 300.0 * 2560, y = 2.0 * 300 * 6912;
  EXPECT_NEAR(e.l2_us, (3 * w + 54 * x + y) / (3350e3 * 2.0), 1e-9);
  EXPECT_NEAR(e.byte_us, (w + 4 * 6912 + 2 * x + y) / 3350e3, 1e-9);
}

TEST(CostTerms, AnL2ThatIsNoFasterThanMemoryHoldsLargeProductsUp) {
  const CudaCost h100("H100");
  CostDevice slow = h100.device();
  slow.l2_ratio = 0.1;
  const CostCode& gemm = code(h100, "gemm_a8_i2s_mma_32x64", "plain");
  const CostProblem p = problem(512, 13824, 2560);
  EXPECT_GE(estimate_cost(slow, true, gemm, p, 1).us, 10 * 2.0 * estimate_cost(h100.device(), true, gemm, p, 1).l2_us);
}

/** Sums of 64 x 4096 by sixteen CTAs are 16.8 MB, more than the 14.7 MB of the weights of 4096 x 14336. */
TEST(CostTerms, SumsOfSplitsCostTheirWayThroughMemoryWhereThereAreNoClusters) {
  const CudaCost a100("A100"), h100("H100");
  CostCode gemv = gemv_of(a100, 3, 4);
  gemv.shape.patch_m = 64;
  const auto sums = [&](const CostDevice& like, int splits) {
    CostDevice device = h100.device(), with = h100.device();
    device.major = like.major;
    with.major = 9;
    return estimate_cost(device, true, gemv, problem(16, 4096, 14336), splits).us -
           estimate_cost(with, true, gemv, problem(16, 4096, 14336), splits).us;
  };
  EXPECT_EQ(sums(a100.device(), 1), 0);
  EXPECT_GT(sums(a100.device(), 2), 0.5) << "fence and ticket";
  EXPECT_GT(sums(a100.device(), 8) - sums(a100.device(), 2), 2 * 6 * 4.0 * 16 * 4096 / (2.0 * 3350e3) - 1e-9);
  EXPECT_EQ(sums(h100.device(), 8), 0);
}

/** 4096 rows of W are 32 patches of 128, an SM has one CTA of them, and an H100 132 SMs. */
TEST(CostTerms, AGemmIsSplitWhileAllItsCtasRunAtATime) {
  const CudaCost h100("H100");
  CostCode gemm = code(h100, "gemm_a8_i2s_mma_128x128", "plain");
  gemm.shape.ctas = 1;
  const auto may = [&](int64_t M, int splits) {
    return may_split(h100.device(), gemm, problem(M, 4096, 14336), splits);
  };
  EXPECT_TRUE(may(128, 4));
  EXPECT_FALSE(may(128, 8));
  EXPECT_FALSE(may(129, 4));
  EXPECT_TRUE(may(1 << 20, 1));
  EXPECT_TRUE(may_split(h100.device(), gemv_of(h100, 3, 4), problem(8, 1 << 20, 4096), 16)) << "those take turns";
}

/** Clusters of eight are the largest that every device runs. */
TEST(CostTerms, SixteenSplitsGoThroughMemoryEverywhere) {
  const CudaCost h100("H100");
  CostDevice without = h100.device();
  without.major = 8;
  const CostCode gemv = gemv_of(h100, 3, 4);
  const auto us = [&](const CostDevice& device, int splits) {
    return estimate_cost(device, true, gemv, problem(8, 256, 23040), splits).us;
  };
  EXPECT_LT(us(h100.device(), 8), us(without, 8));
  EXPECT_EQ(us(h100.device(), 16), us(without, 16));
}

}  // namespace
}  // namespace ternary::test
