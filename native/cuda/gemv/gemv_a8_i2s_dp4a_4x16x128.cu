// A8 by I2S for two to four rows of X: dp4a on codes masked in place, for GPUs on which int8 mma is slow.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** CTAs an SM. ptxas spills a word of a second on sm_90a, where mma serves these rows. */
constexpr int kCtas = arch_number(TERNARY_CUDA_ARCH) == 90 ? 1 : 2;

using Four = GemvVariant<Dp4aDots<I2sCodes<2>, 4>, 4, kCtas, 4, 1, 8>;
using Row = GemvRow<CudaLayout::i2s, Four>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_dp4a_4x16x128, 4, Row, Four)

int gemv_a8_i2s_dp4a_4x16x128(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_i2s_dp4a_4x16x128_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
