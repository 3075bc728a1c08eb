// For few rows of X: T5 is decoded in registers, for up to four rows at a time.

#include "cpu/avx2/t5_codes.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Tile = T5Tile;
  static constexpr int kRows = 4;
  static constexpr int64_t kWidenTiles = 12;
  static_assert(kWidenTiles * 5 * 512 <= 32768, "int16 sums: a maddubs is at least -512, two products of 2 and -128");

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    while (tiles > 0) {
      const int64_t count = tiles < kWidenTiles ? tiles : kWidenTiles;
      Words words[kActive][2];
      for (auto& row : words) row[0] = row[1] = Words{};
      for (const uint8_t* end = w + 64 * count; w < end; w += 64, q += Tile::kColumns) {
        _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
        for (int half = 0; half < 2; ++half) {
          const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w) + half);
          each_t5_step(bytes, [&](int step, __m256i codes) {
            for (int i = 0; i < kActive; ++i) {
              words[i][half] = add_products(words[i][half], codes, broadcast_four(q + i * ldq + 4 * step));
            }
          });
        }
      }
      for (int i = 0; i < kActive; ++i) {
        for (int half = 0; half < 2; ++half) add_sums(sums + 16 * i + 8 * half, widen(words[i][half], 1));
      }
      tiles -= count;
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_4x16__avx2, PanelGemv<InRegisters>)
