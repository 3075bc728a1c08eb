#include "cpu/avx2/decoded_fma.h"
#include "cpu/avx2/t3_codes.h"

TERNARY_CPU_GEMM(gemm_a16_t3_3x32__avx2, DecodedGemm<Fma, T3Codes>)
