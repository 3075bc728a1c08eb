// Many slots of each expert, A16 from T5: 64 rows of W by 16 slots a CTA, the patch of gemm_a16_t5_mma_64x32.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a16.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::t5, 4, 1, 1, 2, 2, 1>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A16_VARIANTS(experts_a16_t5_mma_64x16, Patch, false)

int experts_a16_t5_mma_64x16(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a16<Patch, false>(kCudaRows[find_cuda_row("experts_a16_t5_mma_64x16")], task, how);
}

}  // namespace ternary::cuda
