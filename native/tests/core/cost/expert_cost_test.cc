// What the cost model says of layers of experts: which kernels, how many launches, and the targets that are reached.
#include <gtest/gtest.h>

#include "core/cost/cost.h"
#include "core/cost/experts.h"

namespace ternary {
namespace {

constexpr ExpertLayerShape kQwen = {1, 8, 2048, 768};
constexpr int64_t kExperts = 128;

ExpertCost cost_of(const CostDevice& device, const Residuals& residuals = {}) {
  return ExpertCost(device, device.major >= 9, kCommittedFigures, residuals);
}

ExpertLayerCost layer_of(const CostDevice& device, int64_t M) {
  ExpertLayerShape shape = kQwen;
  shape.M = M;
  return cost_of(device).layer(CudaLayout::i2s, shape, EvenSlots(M * shape.T, kExperts).spread());
}

TEST(ExpertCost, FewSlotsAreThreeLaunches) {
  for (const CostDevice& device : kCostDevices) {
    for (const int64_t M : {1, 4, 16}) {
      const ExpertLayerCost cost = layer_of(device, M);
      ASSERT_NE(cost.gate_up, nullptr) << device.name;
      EXPECT_EQ(cost.launches, 3) << device.name << ", M = " << M;
    }
    EXPECT_EQ(layer_of(device, 64).launches, 6) << device.name << ": sorted";
  }
}

TEST(ExpertCost, ManySlotsOfAnExpertTakeLargePatches) {
  for (const char* name : {"A100", "H100", "H200", "B200"}) {
    const ExpertProductShape shape = {1536, 2048, 4096};
    const ExpertCost cost = cost_of(*find_cost_device(name));  // whose kernel it is
    const CostCode* best = cost.best(CudaLayout::i2s, true, EvenSlots(32768, 128).spread(), shape);
    ASSERT_NE(best, nullptr) << name;
    EXPECT_EQ(best->shape.patch_m, 32) << name;
  }
}

/** More slots, and slots of more experts, never take less. */
TEST(ExpertCost, MoreWorkTakesNoLess) {
  for (const CostDevice& device : kCostDevices) {
    double before = 0;
    for (int64_t M = 1; M <= 256; M *= 2) {
      const double us = layer_of(device, M).us;
      EXPECT_GE(us, before) << device.name << ", M = " << M;
      before = us;
    }
  }
}

/** M = 1 in a graph against launches, two latencies and the bytes at 0.85 of the bandwidth: what is reached. */
TEST(ExpertCost, OneRowIsNearItsBytes) {
  const struct {
    const char* device;
    double most;
  } kReached[] = {{"A100", 1.2}, {"H100", 1.1}, {"H200", 1.25}, {"B200", 1.35}, {"B300", 1.75}, {"RTX 5090", 1.0}};
  for (const auto& reached : kReached) {
    const CostDevice& device = *find_cost_device(reached.device);
    const ExpertLayerCost cost = layer_of(device, 1);
    EXPECT_LE(cost.us, reached.most * (cost.launch_us + 2 * device.latency_us + cost.byte_us / 0.85)) << device.name;
  }
}

TEST(ExpertCost, MeasurementsTurnAChoice) {
  const CostDevice& device = *find_cost_device("H100");
  const Residuals residuals({{&device, "experts_a8_i2s_mma_32x8", 1000}, {&device, "experts_a8_i2s_mma_128x32", 1}});
  const ExpertProductShape shape = {1536, 2048, 1};
  const EvenSlots even(8, 128);
  const ExpertCost expected = cost_of(device), measured = cost_of(device, residuals);
  EXPECT_EQ(expected.best(CudaLayout::i2s, true, even.spread(), shape)->shape.patch_m, 8);
  EXPECT_EQ(measured.best(CudaLayout::i2s, true, even.spread(), shape)->shape.patch_m, 32);
}

}  // namespace
}  // namespace ternary
