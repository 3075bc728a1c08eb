// A8 by I2S for one row of X: dp4a on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::i2s, false};

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_dp4a_16x128, 1, StagedRows, 4, 2, Dp4aDots<I2sCodes<4>, 1>)

int gemv_a8_i2s_dp4a_16x128(const CudaGemmTask& task, const CudaLaunch& how) {
  return launch_gemv<Dp4aDots<I2sCodes<4>, 1>, 4, 2>(kKind, task, StagedRows{}, how);
}

Reason gemv_a8_i2s_dp4a_16x128_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 1); }
int gemv_a8_i2s_dp4a_16x128_splits(const CudaProblem& problem) { return gemv_splits(kKind, problem); }
int64_t gemv_a8_i2s_dp4a_16x128_workspace(const CudaProblem& problem, int splits, int64_t* clear) {
  return gemv_workspace(kKind, problem, splits, clear);
}

}  // namespace ternary::cuda
