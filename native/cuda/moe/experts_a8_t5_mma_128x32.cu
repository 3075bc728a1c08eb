// Many slots of each expert from T5: 128 rows of W by 32 slots a CTA, the patch of gemm_a8_t5_mma_128x32. With units 64
// rows: of 128 nvcc 13.1 spills on sm_90a, since rows of X are looked up.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a8.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::t5, 4, 1, 2, 4, 4, 3>>;
using UnitPatch = ExpertPatch<GemmPatch<CudaLayout::t5, 4, 1, 1, 4, 4, 2>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A8_VARIANTS(experts_a8_t5_mma_128x32, Patch, UnitPatch, false)

int experts_a8_t5_mma_128x32(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a8<Patch, UnitPatch, false>(kCudaRows[find_cuda_row("experts_a8_t5_mma_128x32")], task, how);
}

}  // namespace ternary::cuda
