// Decoding a register of W from T5 is 16 * 3.2 = 52 operations, 26 cycles on the vector ports instead of I2S's 14: see
// the head of tile_gemm.h for what hides it. Groups are multiples of 64, as there.

#include "cpu/avx512vnni/t5_codes.h"

#include "cpu/amx/tile_gemm.h"

TERNARY_CPU_GEMM_BY(gemm_a8_t5_32x32__amx, tile_gemm<T5Codes>, TileGemm<T5Codes>)
