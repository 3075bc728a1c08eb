// A8 by T5 for one row of X: dp4a on digits.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::t5, false};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_dp4a_16x160, 1, StagedRows, 3, 2, Dp4aDots<T5Codes<0>, 1>)

int gemv_a8_t5_dp4a_16x160(const CudaGemmTask& task, const CudaLaunch& how) {
  return launch_gemv<Dp4aDots<T5Codes<0>, 1>, 3, 2>(kKind, task, StagedRows{}, how);
}

Reason gemv_a8_t5_dp4a_16x160_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 1); }
int gemv_a8_t5_dp4a_16x160_splits(const CudaProblem& problem) { return gemv_splits(kKind, problem); }
int64_t gemv_a8_t5_dp4a_16x160_workspace(const CudaProblem& problem, int splits, int64_t* clear) {
  return gemv_workspace(kKind, problem, splits, clear);
}

}  // namespace ternary::cuda
