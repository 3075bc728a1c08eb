// bf16 X: q of A8, or X itself. One CTA a patch.
#include "cutlass_gemm/gemm.cuh"

namespace ternary::cuda {

using Gemm128x32 = cutlass_gemm::Gemm<cutlass::bfloat16_t, 128, 32>;

TERNARY_CUTLASS_ROW(cutlass_a8_128x32, plain, Gemm128x32)
TERNARY_CUTLASS_ROW(cutlass_a16_bf16_128x32, plain_bf16, Gemm128x32)

}  // namespace ternary::cuda
