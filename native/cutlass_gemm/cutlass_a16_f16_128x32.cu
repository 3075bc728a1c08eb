// f16 X as it is. One CTA a patch.
#include "cutlass_gemm/gemm.cuh"

namespace ternary::cuda {

using Gemm128x32 = cutlass_gemm::Gemm<cutlass::half_t, 128, 32>;

TERNARY_CUTLASS_ROW(cutlass_a16_f16_128x32, plain_f16, Gemm128x32)

}  // namespace ternary::cuda
