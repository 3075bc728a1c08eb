// f16 X as it is. One CTA a patch.
#include "cutlass_gemm/gemm.cuh"

namespace ternary::cuda {

using Gemm128x128 = cutlass_gemm::Gemm<cutlass::half_t, 128, 128>;

TERNARY_CUTLASS_ROW(cutlass_a16_f16_128x128, plain_f16, Gemm128x128)

}  // namespace ternary::cuda
