// Groups are multiples of 64: a group of 32 would use half a register of X and W, and the other half of X lies beyond
// the end of q in the last row.

#include "cpu/avx512vnni/decoded_codes.h"

#include "cpu/amx/tile_gemm.h"

namespace ternary::cpu {

void gemm_a8_i2s_32x32__amx(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end,
                            void* scratch) {
  tile_gemm<I2sCodes>(task, m_begin, m_end, n_begin, n_end, scratch);
}

int64_t gemm_a8_i2s_32x32__amx_scratch(int64_t M, int64_t N, int64_t K) {
  return GemmScratch<TileGemm<I2sCodes>>::bytes(M, N, K);
}

}  // namespace ternary::cpu
