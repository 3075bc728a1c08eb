// A8 by T5 for up to sixteen rows of X: mma.m16n8k32 on the heads of base-3 fractions.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** On sm_103a every mma comes with about three empty slots. */
using Codes = T5Codes<arch_number(TERNARY_CUDA_ARCH) == 103 ? 0 : 4>;

constexpr GemvKind kKind = {CudaLayout::t5, false};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_mma_16x160, 8, StagedRows, 2, 1, MmaDots<Codes, 1>)
TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_mma_16x160, 16, StagedRows, 2, 1, MmaDots<Codes, 2>)

int gemv_a8_t5_mma_16x160(const CudaGemmTask& task, const CudaLaunch& how) {
  if (task.M <= 8) return launch_gemv<MmaDots<Codes, 1>, 2, 1>(kKind, task, StagedRows{}, how);
  return launch_gemv<MmaDots<Codes, 2>, 2, 1>(kKind, task, StagedRows{}, how);
}

Reason gemv_a8_t5_mma_16x160_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 16); }
int gemv_a8_t5_mma_16x160_splits(const CudaProblem& problem) { return gemv_splits(kKind, problem); }
int64_t gemv_a8_t5_mma_16x160_workspace(const CudaProblem& problem, int splits, int64_t* clear) {
  return gemv_workspace(kKind, problem, splits, clear);
}

}  // namespace ternary::cuda
