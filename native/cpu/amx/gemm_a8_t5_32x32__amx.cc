// Decoding a register of W from T5 is 16 * 3.2 = 52 operations, 26 cycles on the vector ports instead of I2S's 14: see
// the head of tile_gemm.h for what hides it. Groups are multiples of 64, as there.

#include "cpu/avx512vnni/t5_codes.h"

#include "cpu/amx/tile_gemm.h"

namespace ternary::cpu {

void gemm_a8_t5_32x32__amx(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end,
                           void* scratch) {
  tile_gemm<T5Codes>(task, m_begin, m_end, n_begin, n_end, scratch);
}

int64_t gemm_a8_t5_32x32__amx_scratch(int64_t M, int64_t N, int64_t K) {
  return GemmScratch<TileGemm<T5Codes>>::bytes(M, N, K);
}

}  // namespace ternary::cpu
