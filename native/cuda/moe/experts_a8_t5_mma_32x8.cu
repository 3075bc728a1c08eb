// Few slots of each expert from T5: 32 rows of W by 8 slots a CTA. Time is that of reading W, so five of its spans are on
// their way.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a8.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::t5, 2, 1, 1, 1, 6, 4>>;
using UnitPatch = ExpertPatch<GemmPatch<CudaLayout::t5, 2, 1, 1, 1, 6, 4>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A8_VARIANTS(experts_a8_t5_mma_32x8, Patch, UnitPatch, true)

int experts_a8_t5_mma_32x8(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a8<Patch, UnitPatch, true>(kCudaRows[find_cuda_row("experts_a8_t5_mma_32x8")], task, how);
}

}  // namespace ternary::cuda
