// Y of many rows of X from I2S: 128 rows of W by 128 rows of X a CTA, a warp 32 by 64. There a step of 32 columns is 16
// mma to 14 instructions of decoding and 4 LDS.128, so tensor cores set the pace. With groups of alpha a warp has two
// more sums an output and half of the outputs.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 4, 2, 2, 8, 4, 1>;
using UnitPatch = GemmPatch<CudaLayout::i2s, 4, 2, 1, 8, 4, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_i2s_mma_128x128, Patch, UnitPatch)

int gemm_a8_i2s_mma_128x128(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_i2s_mma_128x128_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_i2s_mma_128x128")], problem, plan);
}

}  // namespace ternary::cuda
