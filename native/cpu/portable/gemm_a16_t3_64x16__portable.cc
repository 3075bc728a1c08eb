#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a16_t3_64x16__portable, PortableA16<T3Codes>)
