// bf16 X: q of A8, or X itself. One CTA a patch.
#include "cutlass_gemm/gemm.cuh"

namespace ternary::cuda {

using Gemm128x128 = cutlass_gemm::Gemm<cutlass::bfloat16_t, 128, 128>;

TERNARY_CUTLASS_ROW(cutlass_a8_128x128, plain, Gemm128x128)
TERNARY_CUTLASS_ROW(cutlass_a16_bf16_128x128, plain_bf16, Gemm128x128)

}  // namespace ternary::cuda
