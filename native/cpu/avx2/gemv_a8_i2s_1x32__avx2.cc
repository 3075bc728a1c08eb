// For one row of X at a time: codes are multiplied where they lie in their bytes, so that 32 bytes of weights (128 codes)
// cost 14 instructions, of which one shift and four masks decode.

#include "cpu/avx2/decoded_codes.h"
#include "cpu/in_place_gemv.h"

namespace ternary::cpu {
namespace {

struct Maddubs {
  static constexpr int kPanels = 2;
  static constexpr int64_t kWidenTiles = 8;
  static_assert(kWidenTiles * 2 * 2048 <= 32768, "int16 sums, see below");
  static constexpr int64_t kPrefetchBytes = 2048;

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* const* w, int64_t tiles, const int8_t* q, int32_t* sums) {
    constexpr int kVectors = 2 * kActive;
    __m256i total[kVectors];  // four times the sum
    for (auto& vector : total) vector = _mm256_setzero_si256();
    const __m256i mask_one = _mm256_set1_epi8(0x03), mask_four = _mm256_set1_epi8(0x0c);
    for (int64_t first = 0; first < tiles; first += kWidenTiles) {
      const int64_t last = first + kWidenTiles < tiles ? first + kWidenTiles : tiles;
      // The sums of codes and of codes times 4. In int16 a maddubs of the latter is at least -2048 (two products of 8
      // and -128; -128 comes only with given int8 X), two of them in each of 8 tiles exactly -32768: no more fit.
      __v16hu ones[kVectors] = {}, fours[kVectors] = {};  // not __m256i: see Sums in avx2/decoded_codes.h
      for (int64_t tile = first; tile < last; ++tile) {
        const __m256i q0 = broadcast_four(q + 16 * tile), q1 = broadcast_four(q + 16 * tile + 4);
        const __m256i q2 = broadcast_four(q + 16 * tile + 8), q3 = broadcast_four(q + 16 * tile + 12);
        for (int v = 0; v < kVectors; ++v) {
          const uint8_t* p = w[v / 2] + 64 * tile + 32 * (v % 2);
          if (v % 2 == 0) _mm_prefetch(reinterpret_cast<const char*>(p + kPrefetchBytes), _MM_HINT_T0);
          const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
          const __m256i high = _mm256_srli_epi16(low, 4);
          ones[v] += reinterpret_cast<__v16hu>(_mm256_maddubs_epi16(_mm256_and_si256(low, mask_one), q0));
          fours[v] += reinterpret_cast<__v16hu>(_mm256_maddubs_epi16(_mm256_and_si256(low, mask_four), q1));
          ones[v] += reinterpret_cast<__v16hu>(_mm256_maddubs_epi16(_mm256_and_si256(high, mask_one), q2));
          fours[v] += reinterpret_cast<__v16hu>(_mm256_maddubs_epi16(_mm256_and_si256(high, mask_four), q3));
        }
      }
      for (int v = 0; v < kVectors; ++v) {
        total[v] = _mm256_add_epi32(total[v], widen(ones[v], 4));
        total[v] = _mm256_add_epi32(total[v], widen(fours[v], 1));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      // Exact, a chunk's four-fold sum is a multiple of 4 and at most 2^20.
      add_sums(sums + 8 * v, _mm256_srai_epi32(total[v], 2));
    }
  }

  static __m256i widen(__v16hu sums, int16_t factor) {
    return _mm256_madd_epi16(reinterpret_cast<__m256i>(sums), _mm256_set1_epi16(factor));
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_1x32__avx2, InPlaceGemv<Maddubs>)
