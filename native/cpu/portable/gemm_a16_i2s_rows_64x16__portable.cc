#include "cpu/portable/decoded_dot.h"

TERNARY_CPU_GEMM(gemm_a16_i2s_rows_64x16__portable, PortableA16<RowCodes>)
