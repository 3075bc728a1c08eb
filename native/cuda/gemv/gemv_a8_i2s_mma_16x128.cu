// A8 by I2S for up to sixteen rows of X: mma.m16n8k32 on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

constexpr GemvKind kKind = {CudaLayout::i2s, false};
/** CTAs an SM of eight rows. ptxas spills three words of a third on sm_89, whose memory two keep busy: 1 TB/s, 128 SMs. */
constexpr int kCtasOfEight = arch_number(TERNARY_CUDA_ARCH) == 89 ? 2 : 3;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_mma_16x128, 8, StagedRows, kCtasOfEight, 1, MmaDots<I2sCodes<4>, 1>)
TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_mma_16x128, 16, StagedRows, 2, 1, MmaDots<I2sCodes<4>, 2>)

int gemv_a8_i2s_mma_16x128(const CudaGemmTask& task, const CudaLaunch& how) {
  if (task.M <= 8) return launch_gemv<MmaDots<I2sCodes<4>, 1>, kCtasOfEight, 1>(kKind, task, StagedRows{}, how);
  return launch_gemv<MmaDots<I2sCodes<4>, 2>, 2, 1>(kKind, task, StagedRows{}, how);
}

Reason gemv_a8_i2s_mma_16x128_refusal(const CudaProblem& problem) { return gemv_refusal(kKind, problem, 16); }
int gemv_a8_i2s_mma_16x128_splits(const CudaProblem& problem) { return gemv_splits(kKind, problem); }
int64_t gemv_a8_i2s_mma_16x128_workspace(const CudaProblem& problem, int splits, int64_t* clear) {
  return gemv_workspace(kKind, problem, splits, clear);
}

}  // namespace ternary::cuda
