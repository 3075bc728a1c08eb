// A8 by I2S for two to four rows of X: dp4a on codes masked in place, for GPUs on which int8 mma is slow.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::i2s, false};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_dp4a_4x16x128, 4, StagedRows, 2, 1, Dp4aDots<I2sCodes<2>, 4>)

int gemv_a8_i2s_dp4a_4x16x128(const CudaGemmTask& task, const CudaLaunch& how) {
  return launch_gemv<Dp4aDots<I2sCodes<2>, 4>, 2, 1>(kKind, task, StagedRows{}, how);
}

Reason gemv_a8_i2s_dp4a_4x16x128_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 4); }
int gemv_a8_i2s_dp4a_4x16x128_splits(const CudaProblem& problem) { return gemv_splits(kKind, problem); }
int64_t gemv_a8_i2s_dp4a_4x16x128_workspace(const CudaProblem& problem, int splits, int64_t* clear) {
  return gemv_workspace(kKind, problem, splits, clear);
}

}  // namespace ternary::cuda
