// Groups are multiples of 64: a group of 32 would use half a register of X and W, and the other half of X lies beyond
// the end of q in the last row.

#include "cpu/avx512vnni/decoded_codes.h"

#include "cpu/amx/tile_gemm.h"

TERNARY_CPU_GEMM_BY(gemm_a8_i2s_32x32__amx, tile_gemm<I2sCodes>, TileGemm<I2sCodes>)
