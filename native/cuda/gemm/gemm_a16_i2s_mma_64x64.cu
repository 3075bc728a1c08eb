// Y of many rows of A16 from I2S: 64 rows of W by 64 rows of X a CTA; 32 rows of X where x' has three planes.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 4, 2, 1, 4, 4, 1>;
using ThreePatch = GemmPatch<CudaLayout::i2s, 4, 1, 1, 4, 3, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_i2s_mma_64x64, Patch, ThreePatch)

int gemm_a16_i2s_mma_64x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a16<Patch, ThreePatch>(task, plan, how);
}

Reason gemm_a16_i2s_mma_64x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a16_i2s_mma_64x64")], problem, plan);
}

}  // namespace ternary::cuda
