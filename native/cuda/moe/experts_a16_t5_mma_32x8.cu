// Few slots of each expert, A16 from T5: 32 rows of W by 8 slots a CTA, the patch of gemm_a16_t5_mma_32x8.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a16.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::t5, 2, 1, 1, 1, 4, 2>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A16_VARIANTS(experts_a16_t5_mma_32x8, Patch, true)

int experts_a16_t5_mma_32x8(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a16<Patch, true>(kCudaRows[find_cuda_row("experts_a16_t5_mma_32x8")], task, how);
}

}  // namespace ternary::cuda
