// What the model expects of the kernels over many rows of X: no cliff, bytes on their way, and the part of the bandwidth.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "core/cost/cost.h"

namespace ternary::test {
namespace {

struct Shape {
  int64_t N, K;
};
constexpr Shape kShapes[] = {{2048, 768},   {2560, 2560},  {13824, 2560}, {4096, 4096},
                             {4096, 14336}, {14336, 4096}, {28672, 4096}};
/** Those of test-data/shapes that are as large as 28672 x 4096 or larger. */
constexpr Shape kLargeShapes[] = {{28672, 4096}, {46080, 3072}, {151936, 2048}};
/**
 * What is reached on a device, and what is wanted in its place: a kernel that is mended raises its figure here. A100 has
 * no PDL, so rows are made ready before W is asked for. On B200 the last of four rounds has a few panels, and from nine rows
 * tensor cores are slower than the memory. B300 is not here: its int8 is a thirtieth.
 */
struct Device {
  const char* name;
  double in_flight;        ///< at least, of what latency x bandwidth asks: 1.5
  double bandwidth;        ///< at least, of the time without launches and one latency: 0.85
  double cliff;            ///< at most, whole over parts: kSameCost
  double cliff_above_128;  ///< of more rows: kSameCost
};
// clang-format off: columns
constexpr Device kDevices[] = {
    {"A100",     1.44, 0.78, kSameCost, kSameCost},
    {"H100",     1.50, 0.85, kSameCost, kSameCost},
    {"H200",     1.50, 0.85, kSameCost, kSameCost},
    {"B200",     1.21, 0.64, kSameCost, 1.02},
    {"RTX 5090", 1.50, 0.85, kSameCost, 1.02},
};
// clang-format on

/** By hand from the table of devices: 128 bytes for a step of 512 weights over an SM's part of the bandwidth. */
TEST(CostShapes, TheCrossoverFollowsFromTheDevice) {
  struct Known {
    const char* device;
    int rows;
  };
  for (const Known& known :
       {Known{"A100", 32}, Known{"H100", 40}, Known{"H200", 24}, Known{"B200", 16}, Known{"RTX 5090", 56}}) {
    EXPECT_EQ(memory_bound_rows(*find_cost_device(known.device), CudaLayout::i2s), known.rows) << known.device;
  }
}

TEST(CostShapes, LittlesLawAsksForWhatTheTableOfDevicesSays) {
  const auto wanted = [](const char* device) { return find_cost_device(device)->wanted_in_flight() / 1000; };
  EXPECT_NEAR(wanted("H100"), 16.5, 0.05);
  EXPECT_NEAR(wanted("H200"), 23.6, 0.05);
  EXPECT_NEAR(wanted("B200"), 40.5, 0.05);
}

/** The model's choice; there is one for each of these shapes. */
CostWinner winner_of(const CudaCost& cost, ternary_layout layout, int64_t M, const Shape& shape) {
  const std::optional<CostWinner> found = cost.best(layout, TERNARY_A8, M, shape.N, shape.K);
  if (!found) throw std::logic_error("no kernel serves a shape");
  return *found;
}

/** What so many rows take at the least where they may be cut, for each number of rows. */
std::vector<double> cut_in_parts(const std::vector<double>& whole) {
  std::vector<double> cut = whole;
  for (size_t M = 1; M < cut.size(); ++M) {
    for (size_t part = 1; 2 * part <= M; ++part) cut[M] = std::min(cut[M], cut[part] + cut[M - part]);
  }
  return cut;
}

/** The worst of whole / cut of both layouts and all shapes, for first ... last rows. */
double worst_cliff(const CudaCost& cost, size_t first, size_t last) {
  double worst = 1;
  for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
    for (const Shape& shape : kShapes) {
      std::vector<double> whole = {0};
      for (size_t M = 1; M <= last; ++M) {
        whole.push_back(winner_of(cost, layout, static_cast<int64_t>(M), shape).estimate.us);
      }
      const std::vector<double> cut = cut_in_parts(whole);
      for (size_t M = first; M <= last; ++M) worst = std::max(worst, whole[M] / cut[M]);
    }
  }
  return worst;
}

TEST(CostShapes, NoNumberOfRowsIsSlowerThanItsParts) {
  for (const Device& device : kDevices) {
    const CudaCost cost(device.name);
    EXPECT_LE(worst_cliff(cost, 1, 128), device.cliff) << device.name;
    EXPECT_LE(worst_cliff(cost, 129, 512), device.cliff_above_128) << device.name;
  }
}

/** The least of `part_of(cost, shape, M, winner)` of large products of few rows. */
template <typename PartOf>
double least_part(const CudaCost& cost, PartOf part_of) {
  double least = 1e9;
  for (const Shape& shape : kLargeShapes) {
    for (int64_t M = 1; M <= 16; ++M) {
      const CostWinner winner = winner_of(cost, TERNARY_LAYOUT_I2S_TILED, M, shape);
      least = std::min(least, part_of(CostProblem{M, shape.N, shape.K, 2, 2, 1, 0}, winner));
    }
  }
  return least;
}

TEST(CostShapes, FewRowsHaveMoreOnTheirWayThanLatencyAsks) {
  for (const Device& device : kDevices) {
    const CudaCost cost(device.name);
    const double least = least_part(cost, [&](const CostProblem& problem, const CostWinner& winner) {
      return bytes_in_flight(cost.device(), *winner.code, problem, winner.splits) / cost.device().wanted_in_flight();
    });
    EXPECT_GE(least, device.in_flight) << device.name;
  }
}

TEST(CostShapes, LargeProductsOfFewRowsTakeMostOfTheBandwidth) {
  for (const Device& device : kDevices) {
    const CudaCost cost(device.name);
    const double least = least_part(cost, [&](const CostProblem&, const CostWinner& winner) {
      const CostEstimate& e = winner.estimate;
      return e.byte_us / (e.us - e.launch_us - cost.device().latency_us);
    });
    EXPECT_GE(least, device.bandwidth) << device.name;
  }
}

}  // namespace
}  // namespace ternary::test
