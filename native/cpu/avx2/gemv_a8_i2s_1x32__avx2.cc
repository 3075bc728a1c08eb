// For one row of X at a time: codes are multiplied where they lie in their bytes, so that 32 bytes of weights (128 codes)
// cost 14 instructions, of which one shift and four masks decode.

#include "cpu/lanes_avx2.h"

#include "cpu/in_place_gemv.h"

namespace ternary::cpu {
namespace {

struct Maddubs {
  static constexpr int kPanels = 2;
  static constexpr int64_t kWidenTiles = 8;
  static constexpr int64_t kPrefetchBytes = 2048;

  template <int kActive>
  static void add(const uint8_t* const* w, int64_t tiles, const int8_t* q, int32_t* sums) {
    constexpr int kVectors = 2 * kActive;
    __m256i total[kVectors];  // four times the sum
    for (auto& vector : total) vector = _mm256_setzero_si256();
    const __m256i mask_one = _mm256_set1_epi8(0x03), mask_four = _mm256_set1_epi8(0x0c);
    for (int64_t first = 0; first < tiles; first += kWidenTiles) {
      const int64_t last = first + kWidenTiles < tiles ? first + kWidenTiles : tiles;
      // The sums of codes and of codes times 4. In int16 a maddubs of the latter is at least -2048 (two products of 8
      // and -128; -128 comes only with given int8 X), two of them in each of 8 tiles exactly -32768: no more fit.
      __m256i ones[kVectors], fours[kVectors];
      for (int v = 0; v < kVectors; ++v) ones[v] = fours[v] = _mm256_setzero_si256();
      for (int64_t tile = first; tile < last; ++tile) {
        const __m256i q0 = broadcast(q + 16 * tile), q1 = broadcast(q + 16 * tile + 4);
        const __m256i q2 = broadcast(q + 16 * tile + 8), q3 = broadcast(q + 16 * tile + 12);
        for (int v = 0; v < kVectors; ++v) {
          const uint8_t* p = w[v / 2] + 64 * tile + 32 * (v % 2);
          if (v % 2 == 0) _mm_prefetch(reinterpret_cast<const char*>(p + kPrefetchBytes), _MM_HINT_T0);
          const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
          const __m256i high = _mm256_srli_epi16(low, 4);
          add_to(ones[v], _mm256_maddubs_epi16(_mm256_and_si256(low, mask_one), q0));
          add_to(fours[v], _mm256_maddubs_epi16(_mm256_and_si256(low, mask_four), q1));
          add_to(ones[v], _mm256_maddubs_epi16(_mm256_and_si256(high, mask_one), q2));
          add_to(fours[v], _mm256_maddubs_epi16(_mm256_and_si256(high, mask_four), q3));
        }
      }
      for (int v = 0; v < kVectors; ++v) {
        total[v] = _mm256_add_epi32(total[v], _mm256_madd_epi16(ones[v], _mm256_set1_epi16(4)));
        total[v] = _mm256_add_epi32(total[v], _mm256_madd_epi16(fours[v], _mm256_set1_epi16(1)));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      auto* sum = reinterpret_cast<__m256i*>(sums + 8 * v);
      // Exact, a chunk's four-fold sum is a multiple of 4 and at most 2^20.
      _mm256_storeu_si256(sum, _mm256_add_epi32(_mm256_loadu_si256(sum), _mm256_srai_epi32(total[v], 2)));
    }
  }

  static void add_to(__m256i& sum, __m256i value) { sum = _mm256_add_epi16(sum, value); }

  static __m256i broadcast(const int8_t* q) { return _mm256_set1_epi32(four_activations(q)); }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_1x32__avx2, InPlaceGemv<Maddubs>)
