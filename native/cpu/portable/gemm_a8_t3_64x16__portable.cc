#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a8_t3_64x16__portable, PortableA8<T3Codes>)
