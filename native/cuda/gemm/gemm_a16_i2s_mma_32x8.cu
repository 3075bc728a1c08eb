// Y of few rows of A16 from I2S: 32 rows of W by 8 rows of X a CTA. Time is that of reading W,
// so seven of its spans are on their way in each of four CTAs of an SM.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 2, 1, 1, 1, 8, 4>;
using ThreePatch = GemmPatch<CudaLayout::i2s, 2, 1, 1, 1, 6, 4>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_i2s_mma_32x8, Patch, ThreePatch)

int gemm_a16_i2s_mma_32x8(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a16<Patch, ThreePatch>(task, plan, how);
}

Reason gemm_a16_i2s_mma_32x8_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a16_i2s_mma_32x8")], problem, plan);
}

}  // namespace ternary::cuda
