#include "cpu/avx512vnni/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a8_i2s_8x32__avx512vnni, DecodedGemm<DecodedDot, I2sCodes>)
