// A8 by T5 for one row of X: dp4a on digits.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

/** CTAs an SM. B200 and B300 need 61 KB on their way, all others 36 or less; ptxas spills a word of a fourth on sm_80. */
constexpr int kArch = arch_number(TERNARY_CUDA_ARCH), kCtas = kArch >= 100 && kArch < 120 ? 4 : 3;

using One = GemvVariant<Dp4aDots<T5Codes<0>, 1>, 1, kCtas, 4, 2, 8>;
using Row = GemvRow<CudaLayout::t5, One>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_dp4a_16x160, 1, Row, One)

int gemv_a8_t5_dp4a_16x160(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_t5_dp4a_16x160_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
