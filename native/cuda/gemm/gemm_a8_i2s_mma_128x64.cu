// Y of up to 64 rows of X, or more, from I2S: 128 rows of W by 64 rows of X a CTA. Time is that of reading W, so five of
// its spans are on their way in each of three CTAs of an SM. Each fragment of X serves two panels: of one alone, reading
// X from shared memory would take longer than the mma. With units decoding and their ends take longer than both, so a warp
// decodes one panel for all rows of X.
#include "cuda/gemm/gemm_a8.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Patch = GemmPatch<CudaLayout::i2s, 4, 1, 2, 8, 6, 3>;
using UnitPatch = GemmPatch<CudaLayout::i2s, 8, 1, 1, 8, 6, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A8_VARIANTS(gemm_a8_i2s_mma_128x64, Patch, UnitPatch)

int gemm_a8_i2s_mma_128x64(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how) {
  return gemm_a8<Patch, UnitPatch>(task, plan, how);
}

Reason gemm_a8_i2s_mma_128x64_plan(const CudaProblem& problem, CudaPlan* plan) {
  return plan_gemm(kCudaRows[find_cuda_row("gemm_a8_i2s_mma_128x64")], problem, plan);
}

}  // namespace ternary::cuda
