#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a8_t5_64x16__portable, PortableA8<T5Codes>)
