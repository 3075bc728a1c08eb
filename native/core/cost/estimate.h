/**
 * @file estimate.h
 * @brief What one kernel should take for a product on a device, with K split over so many CTAs.
 */
#ifndef TERNARY_CORE_COST_ESTIMATE_H_
#define TERNARY_CORE_COST_ESTIMATE_H_

#include "core/cost/share.h"

namespace ternary {

struct CostEstimate {
  double us;              ///< of the whole call
  double launch_us;       ///< of starting the kernels
  double byte_us;         ///< of the bytes at the memory's bandwidth
  double instruction_us;  ///< of the slowest pipe, on SMs that are all as busy
  double l2_us;           ///< of the bytes between the L2 and the SMs
  double wait_us;         ///< of the CTA that waits longest for what it asked for: latency that is seen
  double rows_us;         ///< what making rows of X ready adds
};

CostEstimate estimate_cost(const CostDevice& device, bool pdl, const CostCode& code, const CostProblem& problem,
                           int splits);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_ESTIMATE_H_
