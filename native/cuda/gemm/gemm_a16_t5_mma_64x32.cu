// Y of many rows of A16 from T5: 64 rows of W by 32 rows of X a CTA, 16 where x' has three planes: a span is 320
// columns, and three of three planes would not fit in 99 KB.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::t5, 4, 1, 1, 4, 4, 1>;
using ThreePatch = GemmPatch<CudaLayout::t5, 4, 1, 1, 2, 2, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_t5_mma_64x32, Patch, ThreePatch)

int gemm_a16_t5_mma_64x32(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a16<Patch, ThreePatch>(task, plan, how);
}

Reason gemm_a16_t5_mma_64x32_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a16_t5_mma_64x32")], problem, plan);
}

}  // namespace ternary::cuda
