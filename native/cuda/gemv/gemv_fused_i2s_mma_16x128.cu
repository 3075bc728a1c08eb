// linear and rmsnorm_linear, A8 by I2S, up to sixteen rows of X: each CTA makes q for itself, then mma.m16n8k32 on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::i2s, true};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_mma_16x128, 8, FusedRows, 1, 1, MmaDots<I2sCodes<4>, 1>)
TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_i2s_mma_16x128, 16, FusedRows, 1, 1, MmaDots<I2sCodes<4>, 2>)

int gemv_fused_i2s_mma_16x128(const CudaFusedTask& task, const CudaLaunch& how) {
  if (task.gemm.M <= 8)
    return launch_gemv<MmaDots<I2sCodes<4>, 1>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
  return launch_gemv<MmaDots<I2sCodes<4>, 2>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
}

Reason gemv_fused_i2s_mma_16x128_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 16); }
TERNARY_CUDA_UNSPLIT(gemv_fused_i2s_mma_16x128)

}  // namespace ternary::cuda
