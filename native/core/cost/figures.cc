#include "core/cost/figures.h"

namespace ternary {

const KernelFigures kKernelFigures[] = {
#include "cuda_figures.inc"
};
const int kKernelFiguresCount = sizeof kKernelFigures / sizeof kKernelFigures[0];

}  // namespace ternary
