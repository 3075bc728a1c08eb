#include "core/cost/terms.h"

#include <algorithm>
#include <cmath>

namespace ternary {
namespace {

/** The kernel that makes rows ready: three passes over shared memory for the longest of them. */
constexpr double kActivationsUs = 1.5, kActivationsUsPerColumn = 1e-4;

}  // namespace

double step_clocks(const CostDevice& d, const CostCode& c, double warps) {
  const double issue = std::min(d.issue, warps * kIssueOfOneWarp);
  return std::max({c.slots / issue, c.alu / d.alu, c.multiply / d.multiply, c.idp / d.idp, c.imma / d.imma,
                   c.hmma / d.hmma, c.shared});
}

double y_bytes(const CostProblem& p) {
  return static_cast<double>(p.M) * static_cast<double>(p.N) * static_cast<double>(p.y_bytes);
}

double memory_bytes(const CostCode& code, const CostProblem& p) {
  return static_cast<double>(cuda_layout_bytes(code.row->layout, p.N, p.K)) + 4 * static_cast<double>(p.N) +
         static_cast<double>(p.M) * static_cast<double>(p.K) * static_cast<double>(p.x_bytes) + y_bytes(p);
}

double staged_rows_us(const CostDevice& d, const CostProblem& p) {
  return std::ceil(static_cast<double>(p.M) / (2 * d.sm_count)) *
         (kActivationsUs + kActivationsUsPerColumn * static_cast<double>(p.K));
}

}  // namespace ternary
