// bf16 X: q of A8, or X itself. Two CTAs a patch, which share rows of X.
#include "cutlass_gemm/gemm.cuh"

namespace ternary::cuda {

using Gemm256x128 = cutlass_gemm::Gemm<cutlass::bfloat16_t, 256, 128>;

TERNARY_CUTLASS_ROW(cutlass_a8_256x128, plain, Gemm256x128)
TERNARY_CUTLASS_ROW(cutlass_a16_bf16_256x128, plain_bf16, Gemm256x128)

}  // namespace ternary::cuda
