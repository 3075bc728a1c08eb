// linear and rmsnorm_linear, A8 by I2S, one row of X: each CTA makes q for itself, then dp4a on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

using One = GemvVariant<Dp4aDots<I2sCodes<4>, 1>, 1, 2, kTilesOfTwoCtas, 2, 8>;
using Row = FusedGemvRow<CudaLayout::i2s, One>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_dp4a_16x128, 1, Row, One)

int gemv_fused_i2s_dp4a_16x128(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_fused_i2s_dp4a_16x128_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
