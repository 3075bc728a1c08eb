// A8 by T5 for one row of X: dp4a on digits.
#include "cuda/gemv/gemv.cuh"

namespace ternary::cuda {
namespace {

using One = GemvVariant<Dp4aDots<T5Codes<0>, 1>, 1, 3, 2>;
using Row = GemvRow<CudaLayout::t5, One>;

}  // namespace

TERNARY_CUDA_GEMV_VARIANTS(gemv_a8_t5_dp4a_16x160, 1, Row, One)

int gemv_a8_t5_dp4a_16x160(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return Row::launch(task, plan, how);
}

Reason gemv_a8_t5_dp4a_16x160_plan(const CudaProblem& problem, CudaPlan* plan) { return Row::plan(problem, plan); }

}  // namespace ternary::cuda
