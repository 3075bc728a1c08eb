#include "cpu/avx2/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a8_i2s_6x16__avx2, DecodedGemm<DecodedDot, I2sCodes>)
