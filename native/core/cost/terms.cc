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

double waiting_us(const CostDevice& d, const CostShare& s, double byte_us) {
  const double whole = std::floor(s.pieces / s.ctas), rest = s.pieces - whole * s.ctas;
  const double piece_us = s.trips * d.latency_us;
  const double chain = (whole + (rest > 0 ? 1 : 0)) * piece_us - d.latency_us;
  if (rest == 0 || whole == 0) return chain;
  return std::max(chain, byte_us * whole * s.ctas / s.pieces + piece_us);
}

double busiest(const CostDevice& d, const CostShare& s) {
  const double average = s.pieces / d.sm_count;
  return std::ceil(average) / average;
}

double instruction_us(const CostDevice& d, const CostCode& code, const CostShare& s) {
  const double warps = std::min(std::ceil(s.ctas / d.sm_count), std::ceil(s.pieces / d.sm_count)) *
                       (code.shape.threads / 32);  // NOLINT(bugprone-integer-division)
  return s.pieces * s.piece_steps * step_clocks(d, code, warps) / d.sm_count / (d.ghz * 1e3);
}

}  // namespace ternary
