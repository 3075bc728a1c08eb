// linear and rmsnorm_linear, A8 by T5, one row of X: each CTA makes q for itself, then dp4a on digits.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::t5, true};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_dp4a_16x160, 1, FusedRows, 1, 1, Dp4aDots<T5Codes<0>, 1>)

int gemv_fused_t5_dp4a_16x160(const CudaFusedTask& task, const CudaLaunch& how) {
  return launch_gemv<Dp4aDots<T5Codes<0>, 1>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
}

Reason gemv_fused_t5_dp4a_16x160_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 1); }
TERNARY_CUDA_UNSPLIT(gemv_fused_t5_dp4a_16x160)

}  // namespace ternary::cuda
