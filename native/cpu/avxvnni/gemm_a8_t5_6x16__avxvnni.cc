#include "cpu/avx2/t5_codes.h"
#include "cpu/avxvnni/dot.h"

TERNARY_CPU_GEMM(gemm_a8_t5_6x16__avxvnni, DecodedGemm<DecodedDot, T5Codes>)
