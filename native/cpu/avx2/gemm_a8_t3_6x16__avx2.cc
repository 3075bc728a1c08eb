#include "cpu/avx2/decoded_dot.h"
#include "cpu/avx2/t3_codes.h"

TERNARY_CPU_GEMM(gemm_a8_t3_6x16__avx2, DecodedGemm<DecodedDot, T3Codes>)
