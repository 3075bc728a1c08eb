#include "core/cost/figures.h"

#include <iterator>

namespace ternary {
namespace {

constexpr CudaFigures kLines[] = {
#include "abi/cuda_figures.inc"
};

}  // namespace

const FigureLines kCommittedFigures = {std::begin(kLines), std::end(kLines)};

}  // namespace ternary
