// Y of many rows of X from T5: 128 rows of W by 64 rows of X a CTA, since a span of two tiles is 320 columns of q.
// With units a warp decodes one panel for all rows of X.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::t5, 4, 2, 2, 4, 3, 1>;
using UnitPatch = GemmPatch<CudaLayout::t5, 8, 1, 1, 8, 3, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_t5_mma_128x64, Patch, UnitPatch)

int gemm_a8_t5_mma_128x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_t5_mma_128x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_t5_mma_128x64")], problem, plan);
}

}  // namespace ternary::cuda
