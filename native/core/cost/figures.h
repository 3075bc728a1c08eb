/**
 * @file figures.h
 * @brief The figures of machine code that the cost model is built from.
 */
#ifndef TERNARY_CORE_COST_FIGURES_H_
#define TERNARY_CORE_COST_FIGURES_H_

#include "abi/cuda_figures.h"

namespace ternary {

/** Lines of a budget; it owns none of them. */
struct FigureLines {
  const CudaFigures* first;
  const CudaFigures* last;  ///< behind the last

  const CudaFigures* begin() const { return first; }
  const CudaFigures* end() const { return last; }
};

/** The committed budget, of every architecture. */
extern const FigureLines kCommittedFigures;

}  // namespace ternary

#endif  // TERNARY_CORE_COST_FIGURES_H_
