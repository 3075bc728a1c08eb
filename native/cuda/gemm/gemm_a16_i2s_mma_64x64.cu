// Y of many rows of A16 from I2S: 64 rows of W by 64 rows of X a CTA; 32 rows of X where x' has three planes.
#include "cuda/gemm/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Tile = GemmTile<CudaLayout::i2s, 4, 2, 1, 4, 4, 1, 1>;
using ThreeTile = GemmTile<CudaLayout::i2s, 4, 1, 1, 4, 4, 1, 1>;

}  // namespace

TERNARY_CUDA_GEMM_A16_VARIANTS(gemm_a16_i2s_mma_64x64, Tile, ThreeTile)

int gemm_a16_i2s_mma_64x64(const CudaGemmTask& task, const CudaLaunch& how) {
  return gemm_a16<Tile, ThreeTile>(task, how);
}

Reason gemm_a16_i2s_mma_64x64_refusal(const CudaProblem& problem) { return gemm_a16_refusal<Tile, ThreeTile>(problem); }

TERNARY_CUDA_UNSPLIT(gemm_a16_i2s_mma_64x64)

}  // namespace ternary::cuda
