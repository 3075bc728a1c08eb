// A8 by I2S for up to sixteen rows of X: mma.m16n8k32 on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

using Eight = GemvVariant<MmaDots<I2sCodes<4>, 1>, 8, 2, kTilesOfTwoCtas, 2, 8>;
using Sixteen = GemvVariant<MmaDots<I2sCodes<4>, 2>, 16, 2, kTilesOfTwoCtas, 1, 8>;
using Row = GemvRow<CudaLayout::i2s, Eight, Sixteen>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_mma_16x128, 8, Row, Eight)
TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_mma_16x128, 16, Row, Sixteen)

int gemv_a8_i2s_mma_16x128(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_i2s_mma_16x128_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
