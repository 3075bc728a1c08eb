// A8 by I2S for one row of X: dp4a on codes masked in place.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** CTAs an SM. ptxas spills a word of a fourth on sm_90a; three have 48 KB on their way, and H200 needs 36. */
constexpr int kCtas = arch_number(TERNARY_CUDA_ARCH) == 90 ? 3 : 4;

using One = GemvVariant<Dp4aDots<I2sCodes<4>, 1>, 1, kCtas, 4, 3, 6>;
using Row = GemvRow<CudaLayout::i2s, One>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_i2s_dp4a_16x128, 1, Row, One)

int gemv_a8_i2s_dp4a_16x128(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_i2s_dp4a_16x128_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
