// linear and rmsnorm_linear, A8 by I2S, one row of X: each CTA makes q for itself, then dp4a on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::i2s, true};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_dp4a_16x128, 1, FusedRows, 1, 1, Dp4aDots<I2sCodes<4>, 1>)

int gemv_fused_i2s_dp4a_16x128(const CudaFusedTask& task, const CudaLaunch& how) {
  return launch_gemv<Dp4aDots<I2sCodes<4>, 1>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
}

Reason gemv_fused_i2s_dp4a_16x128_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 1); }
TERNARY_CUDA_UNSPLIT(gemv_fused_i2s_dp4a_16x128)

}  // namespace ternary::cuda
