#include "cpu/avx512vnni/decoded_dot.h"
#include "cpu/avx512vnni/t5_codes.h"

TERNARY_CPU_GEMM(gemm_a8_t5_8x32__avx512vnni, DecodedGemm<DecodedDot, T5Codes>)
