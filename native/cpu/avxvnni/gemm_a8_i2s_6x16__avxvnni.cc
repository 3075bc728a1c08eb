#include "cpu/avxvnni/dot.h"

TERNARY_CPU_GEMM(gemm_a8_i2s_6x16__avxvnni, DecodedGemm<DecodedDot, I2sCodes>)
