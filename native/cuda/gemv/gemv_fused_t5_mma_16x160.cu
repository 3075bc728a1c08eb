// linear and rmsnorm_linear, A8 by T5, up to sixteen rows of X: each CTA makes q for itself, then mma.m16n8k32 on the heads of base-3 fractions.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** On sm_103a every mma comes with about three empty slots. */
using Codes = T5Codes<arch_number(TERNARY_CUDA_ARCH) == 103 ? 0 : 4>;

constexpr GemvKind kKind = {CudaLayout::t5, true};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_mma_16x160, 8, FusedRows, 1, 1, MmaDots<Codes, 1>)
TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_mma_16x160, 16, FusedRows, 1, 1, MmaDots<Codes, 2>)

int gemv_fused_t5_mma_16x160(const CudaFusedTask& task, const CudaLaunch& how) {
  if (task.gemm.M <= 8) return launch_gemv<MmaDots<Codes, 1>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
  return launch_gemv<MmaDots<Codes, 2>, 1, 1>(kKind, task.gemm, FusedRows{task.activations}, how);
}

Reason gemv_fused_t5_mma_16x160_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 16); }
TERNARY_CUDA_UNSPLIT(gemv_fused_t5_mma_16x160)

}  // namespace ternary::cuda
