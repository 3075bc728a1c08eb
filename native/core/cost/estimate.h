/**
 * @file estimate.h
 * @brief What one kernel should take for a product on a device, with K split over so many CTAs.
 */
#ifndef TERNARY_CORE_COST_ESTIMATE_H_
#define TERNARY_CORE_COST_ESTIMATE_H_

#include "core/cost/terms.h"

namespace ternary {

CostEstimate estimate_cost(const CostDevice& device, bool pdl, const CostCode& code, const CostProblem& problem,
                           int splits);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_ESTIMATE_H_
