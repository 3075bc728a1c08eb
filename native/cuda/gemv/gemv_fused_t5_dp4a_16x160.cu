// linear and rmsnorm_linear, A8 by T5, one row of X: each CTA makes q for itself, then dp4a on digits.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

using One = GemvVariant<Dp4aDots<T5Codes<0>, 1>, 1, 2, kTilesOfTwoCtas, 2, 8>;
using Row = FusedGemvRow<CudaLayout::t5, One>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_fused_t5_dp4a_16x160, 1, Row, One)

int gemv_fused_t5_dp4a_16x160(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_fused_t5_dp4a_16x160_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
