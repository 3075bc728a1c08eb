// For one row of X at a time. 64 bytes of weights (256 codes) cost four masks and four dpbusd; activations are broadcast
// from memory by dpbusd itself. Four panels share each broadcast's address and make 16 sums in flight.

#include "cpu/lanes_avx512.h"

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
    __m512i sum[kActive][4];  // [s]: 4^s times too large, at most 2^22 * 4^s / 16
    for (auto& panel : sum) {
      for (auto& vector : panel) vector = _mm512_setzero_si512();
    }
    for (int64_t tile = 0; tile < tiles; ++tile, q += 16) {
      for (int p = 0; p < kActive; ++p) {
        const uint8_t* codes = w[p] + 64 * tile;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kPrefetchBytes), _MM_HINT_T0);
        const __m512i packed = _mm512_loadu_si512(codes);
        for (int s = 0; s < 4; ++s) {
          const __m512i four = _mm512_set1_epi32(four_activations(q + 4 * s));
          sum[p][s] = _mm512_dpbusd_epi32(sum[p][s], _mm512_and_si512(packed, mask[s]), four);
        }
      }
    }
    for (int p = 0; p < kActive; ++p) {
      // Exact divisions: each sum is a multiple of its power of 4.
      __m512i chunk = _mm512_add_epi32(sum[p][0], _mm512_srai_epi32(sum[p][1], 2));
      chunk = _mm512_add_epi32(chunk, _mm512_srai_epi32(sum[p][2], 4));
      chunk = _mm512_add_epi32(chunk, _mm512_srai_epi32(sum[p][3], 6));
      int32_t* target = sums + 16 * p;
      _mm512_storeu_si512(target, _mm512_add_epi32(_mm512_loadu_si512(target), chunk));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_1x64__avx512vnni, InPlaceGemv<Dpbusd>)
