// Y of many rows of A16 from T5: 64 rows of W by 32 rows of X a CTA, 16 where x' has three planes: a stage is 320
// columns.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Tile = GemmTile<CudaLayout::t5, 4, 1, 1, 4, 4, 1, 1>;
using ThreeTile = GemmTile<CudaLayout::t5, 4, 1, 1, 2, 3, 1, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_t5_mma_64x32, Tile, ThreeTile)

int gemm_a16_t5_mma_64x32(const CudaGemmTask& task, const CudaLaunch& how) {
  return gemm_a16<Tile, ThreeTile>(task, how);
}

Reason gemm_a16_t5_mma_64x32_refusal(const CudaProblem& problem) { return gemm_a16_refusal<Tile, ThreeTile>(problem); }

TERNARY_CUDA_UNSPLIT(gemm_a16_t5_mma_64x32)

}  // namespace ternary::cuda
