#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a8_i2s_64x16__portable, PortableA8<TiledCodes>)
