// linear and rmsnorm_linear, A8 by I2S, up to sixteen rows of X: each CTA makes q for itself, then mma.m16n8k32 on
// codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** CTAs an SM. ptxas spills a word of a second on sm_89, which needs 7 KB on their way. */
constexpr int kCtasOfSixteen = arch_number(TERNARY_CUDA_ARCH) == 89 ? 1 : 2;

using Eight = GemvVariant<MmaDots<I2sCodes<4>, 1>, 8, 2, kTilesOfTwoCtas, 2, 8>;
using Sixteen = GemvVariant<MmaDots<I2sCodes<4>, 2>, 16, kCtasOfSixteen, kTilesOfTwoCtas, 1, 8>;
using Row = FusedGemvRow<CudaLayout::i2s, Eight, Sixteen>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_mma_16x128, 8, Row, Eight)
TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_mma_16x128, 16, Row, Sixteen)

int gemv_fused_i2s_mma_16x128(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_fused_i2s_mma_16x128_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
