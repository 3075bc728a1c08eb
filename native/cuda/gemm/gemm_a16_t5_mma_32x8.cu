// Y of few rows of A16 from T5: as gemm_a16_i2s_mma_32x8, with spans of 320 columns.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::t5, 2, 1, 1, 1, 5, 2>;
using ThreePatch = GemmPatch<CudaLayout::t5, 2, 1, 1, 1, 4, 2>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_t5_mma_32x8, Patch, ThreePatch)

int gemm_a16_t5_mma_32x8(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a16<Patch, ThreePatch>(task, plan, how);
}

Reason gemm_a16_t5_mma_32x8_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a16_t5_mma_32x8")], problem, plan);
}

}  // namespace ternary::cuda
