/**
 * @file experts.h
 * @brief What layers of experts should take on a device: their products, and what lies around them.
 *
 * A product of experts is shared out as a GEMM whose patches are those of all tiles of slots. So it takes what one layer
 * would with the rows of W of all experts that have slots, and as many rows of X as an expert has slots.
 */
#ifndef TERNARY_CORE_COST_EXPERTS_H_
#define TERNARY_CORE_COST_EXPERTS_H_

#include <cstdint>
#include <vector>

#include "core/cost/residuals.h"
#include "core/cost/terms.h"

namespace ternary {

/**
 * Slots among which CTAs look for those of their expert; more are sorted before. Up to these a lane compares 8 ids, hidden
 * behind the kernel before, while a launch that sorts is seen.
 */
inline constexpr int64_t kMostUnsortedSlots = 256;

/** So many experts, each of so many slots. */
struct SlotGroup {
  int64_t experts, slots;
};

/** How a router may have spread slots over experts. It owns no group. */
struct ExpertSlots {
  const SlotGroup* groups;
  int count;

  const SlotGroup* begin() const { return groups; }
  const SlotGroup* end() const { return groups + count; }
};

/** Slots spread evenly over E experts, or over as many as there are slots. */
struct EvenSlots {
  EvenSlots(int64_t slots, int64_t E) : groups{{slots % E, slots / E + 1}, {E - slots % E, slots / E}} {}
  ExpertSlots spread() const { return {groups, 2}; }

  SlotGroup groups[2];
};

/** A product with N rows of W and K columns of every expert that has slots. */
struct ExpertProductShape {
  int64_t N, K;
  int64_t x_rows;  ///< that are read: slots may share them
  int64_t group = 0, block = 0;
};

/**
 * Without launches and the first latency, behind rows that took `rows_us` to be made ready: `rows_us` of the answer is what
 * of that is seen. `ahead`: it asks for W meanwhile.
 */
CostEstimate estimate_expert_product(const CostDevice& device, const CostCode& code, const ExpertSlots& slots,
                                     const ExpertProductShape& shape, double rows_us = 0, bool ahead = false);

/** A layer: H columns of X, I of h, T slots a row. */
struct ExpertLayerShape {
  int64_t M, T, H, I;
};

/** What a layer is expected to take, and of what. */
struct ExpertLayerCost {
  const CostCode *gate_up, *down;
  int launches;
  double us, launch_us;
  double rows_us;     ///< what is seen of x' and h made ready, and the sum over slots where it is a kernel of its own
  double product_us;  ///< of both products, behind those rows
  double byte_us;     ///< of their bytes at the memory's bandwidth
};

class ExpertCost {
 public:
  ExpertCost(const CostDevice& device, bool pdl, const FigureLines& figures, const Residuals& residuals = {});

  /** The kernel of a layout and activation that is expected to take least; null: no figures. */
  const CostCode* best(CudaLayout layout, bool a8, const ExpertSlots& slots, const ExpertProductShape& shape) const;

  /** A8, alpha a row. Without kernels it is of zeros. */
  ExpertLayerCost layer(CudaLayout layout, const ExpertLayerShape& shape, const ExpertSlots& slots) const;

 private:
  double next_launch_us() const { return pdl_ ? device_.pdl_launch_us : device_.launch_us; }

  const CostDevice device_;
  const bool pdl_;
  std::vector<CostKernel> kernels_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_COST_EXPERTS_H_
