#include "core/cost/experts.h"

#include <algorithm>

#include "core/cost/cost.h"

namespace ternary {
namespace {

/** Tiles of up to `most` slots, and the experts that have any. */
struct Tiles {
  int64_t tiles = 0, active = 0, slots = 0;

  Tiles(const ExpertSlots& spread, int64_t most) {
    for (const SlotGroup& group : spread) {
      tiles += group.experts * ceil_div(group.slots, most);
      active += group.slots > 0 ? group.experts : 0;
      slots += group.experts * group.slots;
    }
  }
};

}  // namespace

CostEstimate estimate_expert_product(const CostDevice& d, const CostCode& code, const ExpertSlots& slots,
                                     const ExpertProductShape& p, double rows_us, bool ahead) {
  const Tiles t(slots, code.shape.patch_m);
  CostEstimate e = {};
  if (t.active == 0) return e;
  const CostShare s = share_patches(d, code, {t.slots, p.N, p.K, 1, 4, 3, p.group, p.block},
                                    {ceil_div(p.N, code.shape.patch_n), t.tiles, t.active, 1});
  const double w_bytes = static_cast<double>(t.active * cuda_layout_bytes(code.row->layout, p.N, p.K));
  const double x_element = code.row->a16() ? 6 : 1;
  const double x_bytes = static_cast<double>(p.x_rows * p.K) * x_element;
  const double y_bytes = 4 * static_cast<double>(t.slots * p.N);
  const double slot_bytes = static_cast<double>(t.slots * p.K) * x_element;
  e.byte_us = (w_bytes + 4 * static_cast<double>(t.active * p.N) + x_bytes + y_bytes) / d.bytes_per_us();
  e.l2_us = (s.w_reads * w_bytes + s.x_reads * slot_bytes + y_bytes) / d.l2_bytes_per_us();
  e.wait_us = waiting_us(d, s, e.byte_us);
  e.instruction_us = instruction_us(d, code, s);
  // As of a layer's product (estimate.cc): what is on its way while rows are made ready.
  const double filled = std::min(e.byte_us, s.ctas / s.sharers * s.cta_bytes / d.bytes_per_us());
  const double saved = ahead ? std::clamp(rows_us - d.latency_us, 0.0, filled) : 0;
  e.rows_us = ahead ? std::max(rows_us - d.latency_us, 0.0) : rows_us;
  const double memory = std::max({e.byte_us, e.l2_us, e.wait_us}) - saved;
  const double instructions = e.instruction_us * busiest(d, s);
  e.us = std::max(memory, instructions) + kSeen * std::min(memory, instructions);
  return e;
}

ExpertCost::ExpertCost(const CostDevice& device, bool pdl, const FigureLines& figures, const Residuals& residuals)
    : device_(device), pdl_(pdl), kernels_(expert_cost_kernels(device.arch, figures)) {
  for (CostKernel& kernel : kernels_) {
    for (CostCode& code : kernel.codes) code.residual = residuals.factor(device_.name, *kernel.row);
  }
}

const CostCode* ExpertCost::best(CudaLayout layout, bool a8, const ExpertSlots& slots,
                                 const ExpertProductShape& shape) const {
  const CostCode* best = nullptr;
  double us = 0;
  const bool few = Tiles(slots, 1).slots <= kMostUnsortedSlots;
  for (const CostKernel& kernel : kernels_) {
    if (kernel.row->layout != layout || kernel.row->a16() == a8) continue;
    const CostCode* code = kernel.code_for(1, 3, cuda_units(shape.group, shape.block));
    if (code == nullptr) continue;
    double expected = estimate_expert_product(device_, *code, slots, shape).us * code->residual;
    if (few && !kernel.row->finishes) expected += next_launch_us();  // of what others do at their end
    if (best != nullptr && expected * kSameCost >= us) continue;
    best = code;
    us = expected;
  }
  return best;
}

ExpertLayerCost ExpertCost::layer(CudaLayout layout, const ExpertLayerShape& l, const ExpertSlots& slots) const {
  const int64_t all = Tiles(slots, 1).slots;
  const ExpertProductShape first = {2 * l.I, l.H, l.M}, second = {l.H, l.I, all};
  ExpertLayerCost cost = {};
  cost.gate_up = best(layout, true, slots, first);
  cost.down = best(layout, true, slots, second);
  if (cost.gate_up == nullptr || cost.down == nullptr) return cost;
  const bool sorted = l.M * l.T > kMostUnsortedSlots;
  const bool gates = sorted || !cost.gate_up->row->finishes, sums = sorted || !cost.down->row->finishes;
  cost.launches = 3 + (sorted ? 1 : 0) + (gates ? 1 : 0) + (sums ? 1 : 0);
  cost.launch_us = device_.launch_us + (cost.launches - 1) * next_launch_us();
  const double x_us = staged_rows_us(device_, {l.M, 0, l.H, 2, 4, 1, 0});
  const double h_us = staged_rows_us(device_, {all, 0, l.I, 4, 4, 1, 0});
  const CostEstimate one = estimate_expert_product(device_, *cost.gate_up, slots, first, x_us, pdl_);
  const CostEstimate two = estimate_expert_product(device_, *cost.down, slots, second, h_us, pdl_);
  cost.rows_us = one.rows_us + two.rows_us;
  if (sums) cost.rows_us += 4 * static_cast<double>(all * l.H) / device_.l2_bytes_per_us();
  cost.product_us = one.us + two.us;
  cost.byte_us = one.byte_us + two.byte_us;
  cost.us = cost.launch_us + cost.rows_us + 2 * device_.latency_us + cost.product_us;
  return cost;
}

}  // namespace ternary
