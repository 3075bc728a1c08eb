// A8 by T5 for up to sixteen rows of X: mma.m16n8k32 on the heads of base-3 fractions.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** On sm_103a every mma comes with about three empty slots. */
using Codes = T5Codes<arch_number(TERNARY_CUDA_ARCH) == 103 ? 0 : 4>;

/** With four tiles the loop of eight rows has 17.1 instructions for 16 weights on sm_80 and sm_89. */
constexpr int kTiles = arch_number(TERNARY_CUDA_ARCH) >= 90 ? kTilesOfTwoCtas : 6;

using Eight = GemvVariant<MmaDots<Codes, 1>, 8, 2, kTiles, 2, 8>;
using Sixteen = GemvVariant<MmaDots<Codes, 2>, 16, 2, kTiles, 1, 8>;
using Row = GemvRow<CudaLayout::t5, Eight, Sixteen>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_mma_16x160, 8, Row, Eight)
TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_mma_16x160, 16, Row, Sixteen)

int gemv_a8_t5_mma_16x160(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_t5_mma_16x160_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
