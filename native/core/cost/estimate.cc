#include "core/cost/estimate.h"

#include <algorithm>
#include <cmath>

#include "core/cost/tiles.h"

namespace ternary {
namespace {

/** Making a row ready inside another kernel: instructions an element, and the time of its barriers. */
constexpr double kFusedInstructions = 12, kFusedRowUs = 0.8;
/** Sums of a cluster: its barriers (some 200 clocks each, published), and bytes a clock of another SM's shared memory. */
constexpr double kClusterUs = 0.4, kRemoteBytes = 32;
/** The largest cluster that every device with clusters runs. */
constexpr int kMostCluster = 8;

double activation_bytes(const CostCode& code, const CostProblem& p) {
  const auto elements = static_cast<double>(p.M) * static_cast<double>(p.K);
  switch (code.row->stage) {
    case CudaStage::gemm_a16: return elements * 2 * p.planes;
    case CudaStage::fused_a8: return elements * static_cast<double>(p.x_bytes);
    default: return elements;  // q
  }
}

/** What goes between the L2 and the SMs, but for sums of splits: W and X as often as CTAs read them. */
double l2_bytes(const CostCode& code, const CostProblem& p, const CostShare& s) {
  return s.w_reads * static_cast<double>(cuda_layout_bytes(code.row->layout, p.N, p.K)) +
         s.x_reads * activation_bytes(code, p) + y_bytes(p);
}

double split_us(const CostDevice& d, const CostCode& code, const CostProblem& p, int splits) {
  if (splits == 1) return 0;
  const auto m = static_cast<double>(std::min<int64_t>(p.M, code.shape.patch_m));
  if (d.clusters() && splits <= kMostCluster && (splits & (splits - 1)) == 0) {
    return kClusterUs + m * code.shape.patch_n * 4 / kRemoteBytes / (d.ghz * 1e3);
  }
  const double sums = 4 * static_cast<double>(p.M) * static_cast<double>(p.N);
  return kTicketUs + (kAtomic * splits + 1) * sums / d.l2_bytes_per_us();
}

/** Making rows of X ready: in the kernel itself, by each CTA, or in one before it. */
double rows_us(const CostDevice& d, const CostCode& code, const CostProblem& p, const CostShare& s) {
  const auto M = static_cast<double>(p.M), K = static_cast<double>(p.K);
  if (code.row->stage == CudaStage::fused_a8) {
    return M * kFusedRowUs + std::ceil(s.ctas / d.sm_count) * M * K * kFusedInstructions / 32 / d.issue / (d.ghz * 1e3);
  }
  return staged_rows_us(d, p);
}

}  // namespace

CostEstimate estimate_cost(const CostDevice& d, bool pdl, const CostCode& code, const CostProblem& p, int splits) {
  if (code.row->layout == CudaLayout::top2) return estimate_tiles(d, pdl, code, p, splits);
  const CostShare s = share_out(d, code, p, splits);
  const bool fused = code.row->stage == CudaStage::fused_a8;
  CostEstimate e = {};
  e.launch_us = fused ? d.launch_us : d.launch_us + (pdl ? d.pdl_launch_us : d.launch_us);
  e.byte_us = memory_bytes(code, p) / d.bytes_per_us();
  e.l2_us = l2_bytes(code, p, s) / d.l2_bytes_per_us();
  e.wait_us = waiting_us(d, s, e.byte_us);
  e.instruction_us = instruction_us(d, code, s);
  // Weights are asked for before rows of X are ready, by a kernel that waits for another under PDL too.
  const double rows = rows_us(d, code, p, s);
  const bool ahead = fused || pdl;
  const double filled = std::min(e.byte_us, s.ctas / s.sharers * s.cta_bytes / d.bytes_per_us());
  const double saved = ahead ? std::clamp(rows - d.latency_us, 0.0, filled) : 0;
  const double memory = std::max({e.byte_us, e.l2_us, e.wait_us}) - saved;
  const double instructions = e.instruction_us * busiest(d, s);
  e.rows_us = ahead ? std::max(rows - d.latency_us, 0.0) : rows;
  e.us = e.launch_us + e.rows_us + d.latency_us + std::max(memory, instructions) +
         kSeen * std::min(memory, instructions) + split_us(d, code, p, splits);
  return e;
}

}  // namespace ternary
