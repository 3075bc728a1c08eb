/**
 * @file tiles.h
 * @brief What a kernel of the second arrangement of weights (CudaLayout::top2, tcgen05.mma) should take.
 */
#ifndef TERNARY_CORE_COST_TILES_H_
#define TERNARY_CORE_COST_TILES_H_

#include "core/cost/terms.h"

namespace ternary {

/** Where a turn's time of an SM comes from, in microseconds. */
struct TileTurn {
  double multiply;  ///< tcgen05.mma
  double decode;    ///< four warps make bf16 of codes
  double shared;    ///< W and X come to shared memory and leave it
  double wait;      ///< the ring of W and X: a latency for what it holds

  double longest() const;
};

TileTurn turn_of(const CostDevice& device, const CostCode& code);

CostEstimate estimate_tiles(const CostDevice& device, bool pdl, const CostCode& code, const CostProblem& problem,
                            int splits);

}  // namespace ternary

#endif  // TERNARY_CORE_COST_TILES_H_
