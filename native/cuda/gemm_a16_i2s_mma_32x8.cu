// Y of few rows of A16 from I2S: 32 rows of W by 8 rows of X a CTA. K is not split, or sums would depend on the patch;
// to read W fast a warp has eight of its stages, 4 KiB, on their way.
#include "cuda/gemm_a16.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

using Tile = GemmTile<CudaLayout::i2s, 2, 1, 1, 1, 4, 8, 4>;
using ThreeTile = GemmTile<CudaLayout::i2s, 2, 1, 1, 1, 4, 8, 4>;

}  // namespace

int gemm_a16_i2s_mma_32x8(const CudaGemmTask& task, const CudaLaunch& how) {
  return gemm_a16<Tile, ThreeTile>(task, how);
}

Reason gemm_a16_i2s_mma_32x8_refusal(const CudaProblem& problem) { return gemm_a16_refusal<Tile, ThreeTile>(problem); }

TERNARY_CUDA_UNSPLIT(gemm_a16_i2s_mma_32x8)

}  // namespace ternary::cuda
