#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a16_t5_64x16__portable, PortableA16<T5Codes>)
