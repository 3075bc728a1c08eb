// Y of some rows of X from T5: as gemm_a8_i2s_mma_32x64, with spans of 320 columns.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::t5, 2, 2, 1, 4, 4, 1>;
using UnitPatch = GemmPatch<CudaLayout::t5, 2, 2, 1, 4, 4, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_t5_mma_32x64, Patch, UnitPatch)

int gemm_a8_t5_mma_32x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_t5_mma_32x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_t5_mma_32x64")], problem, plan);
}

}  // namespace ternary::cuda
