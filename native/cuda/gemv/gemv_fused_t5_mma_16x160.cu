// linear and rmsnorm_linear, A8 by T5, up to sixteen rows of X: each CTA makes q for itself, then mma.m16n8k32 on the
// heads of base-3 fractions.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** On sm_103a every mma comes with about three empty slots. */
using Codes = T5Codes<arch_number(TERNARY_CUDA_ARCH) == 103 ? 0 : 4>;

/** With four tiles the loop of eight rows has 17.1 instructions for 16 weights on sm_80 and sm_89. */
constexpr int kTiles = arch_number(TERNARY_CUDA_ARCH) >= 90 ? kTilesOfTwoCtas : 6;

/** CTAs an SM. ptxas spills a word of a second on sm_89, which needs 7 KB on their way. */
constexpr int kCtasOfSixteen = arch_number(TERNARY_CUDA_ARCH) == 89 ? 1 : 2;

using Eight = GemvVariant<MmaDots<Codes, 1>, 8, 2, kTiles, 1, 8>;
using Sixteen = GemvVariant<MmaDots<Codes, 2>, 16, kCtasOfSixteen, kTiles, 1, 8>;
using Row = FusedGemvRow<CudaLayout::t5, Eight, Sixteen>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_mma_16x160, 8, Row, Eight)
TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_mma_16x160, 16, Row, Sixteen)

int gemv_fused_t5_mma_16x160(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_fused_t5_mma_16x160_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
