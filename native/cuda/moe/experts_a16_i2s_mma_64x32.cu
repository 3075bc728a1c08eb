// Many slots of each expert, A16 from I2S: 64 rows of W by 32 slots a CTA, the patch of gemm_a16_i2s_mma_64x64.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a16.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::i2s, 4, 1, 1, 4, 3, 1>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A16_VARIANTS(experts_a16_i2s_mma_64x32, Patch, false)

int experts_a16_i2s_mma_64x32(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a16<Patch, false>(kCudaRows[find_cuda_row("experts_a16_i2s_mma_64x32")], task, how);
}

}  // namespace ternary::cuda
