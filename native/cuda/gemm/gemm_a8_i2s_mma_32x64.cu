// Y of some rows of X from I2S: 32 rows of W by 64 rows of X a CTA, so that a few thousand rows of W reach every SM.
// Time is that of reading W, so four of its spans are on their way.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 2, 2, 1, 4, 5, 2>;
using UnitPatch = GemmPatch<CudaLayout::i2s, 2, 2, 1, 4, 5, 2>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_i2s_mma_32x64, Patch, UnitPatch)

int gemm_a8_i2s_mma_32x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_i2s_mma_32x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_i2s_mma_32x64")], problem, plan);
}

}  // namespace ternary::cuda
