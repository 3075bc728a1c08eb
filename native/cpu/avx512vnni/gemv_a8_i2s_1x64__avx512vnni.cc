// For one row of X at a time. 64 bytes of weights (256 codes) cost four masks and four dpbusd; activations are broadcast
// from memory by dpbusd itself. Four panels share each broadcast's address and make 16 sums in flight.

#include "cpu/avx512vnni/dot.h"
#include "cpu/in_place_gemv.h"

namespace ternary::cpu {
namespace {

struct Dpbusd {
  static constexpr int kPanels = 4;
  static constexpr int64_t kPrefetchBytes = 2048;

  template <int kActive>
  static void add(const uint8_t* const* w, int64_t tiles, const int8_t* q, int32_t* sums) {
    const __m512i mask[4] = {_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0c), _mm512_set1_epi8(0x30),
                             _mm512_set1_epi8(static_cast<char>(0xc0))};
    Sums sum[kActive][4] = {};  // [s]: 4^s times too large, at most 2^22 for a chunk of K
    for (int64_t tile = 0; tile < tiles; ++tile, q += 16) {
      for (int p = 0; p < kActive; ++p) {
        const uint8_t* codes = w[p] + 64 * tile;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kPrefetchBytes), _MM_HINT_T0);
        const __m512i packed = _mm512_loadu_si512(codes);
        for (int s = 0; s < 4; ++s) sum[p][s] = add_products(sum[p][s], _mm512_and_si512(packed, mask[s]), q + 4 * s);
      }
    }
    for (int p = 0; p < kActive; ++p) {
      // Exact divisions: each sum is a multiple of its power of 4.
      const Sums chunk = sum[p][0] + (sum[p][1] >> 2) + (sum[p][2] >> 4) + (sum[p][3] >> 6);
      add_sums(sums + 16 * p, chunk);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_1x64__avx512vnni, InPlaceGemv<Dpbusd>)
