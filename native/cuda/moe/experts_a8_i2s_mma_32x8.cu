// Few slots of each expert from I2S: 32 rows of W by 8 slots a CTA, so that one expert's matrix reaches many SMs. Time is
// that of reading W, so seven of its spans are on their way.
#include "cuda/kernels.h"
#include "cuda/moe/experts_a8.cuh"

namespace ternary::cuda {
namespace {

using Patch = ExpertPatch<GemmPatch<CudaLayout::i2s, 2, 1, 1, 1, 8, 4>>;
using UnitPatch = ExpertPatch<GemmPatch<CudaLayout::i2s, 2, 1, 1, 1, 8, 4>>;

}  // namespace

TERNARY_CUDA_EXPERTS_A8_VARIANTS(experts_a8_i2s_mma_32x8, Patch, UnitPatch, true)

int experts_a8_i2s_mma_32x8(const CudaExpertsTask& task, const CudaLaunch& how) {
  return experts_a8<Patch, UnitPatch, true>(kCudaRows[find_cuda_row("experts_a8_i2s_mma_32x8")], task, how);
}

}  // namespace ternary::cuda
