// Y of 17 to 32 rows of X from I2S: as gemm_a8_i2s_mma_128x64, with half of the sums and four CTAs of an SM.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 4, 1, 2, 4, 6, 4>;
using UnitPatch = GemmPatch<CudaLayout::i2s, 4, 1, 2, 4, 6, 2>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_i2s_mma_128x32, Patch, UnitPatch)

int gemm_a8_i2s_mma_128x32(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_i2s_mma_128x32_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_i2s_mma_128x32")], problem, plan);
}

}  // namespace ternary::cuda
