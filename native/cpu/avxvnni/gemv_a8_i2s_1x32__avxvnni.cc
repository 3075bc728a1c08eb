// For one row of X at a time: codes are multiplied where they lie in their bytes, as in gemv_a8_i2s_1x32__avx2.cc. One
// shift halves the number of sums, so that two panels' fit the 16 registers and share the four activations.

#include "cpu/avx2/decoded_codes.h"
#include "cpu/in_place_gemv.h"

namespace ternary::cpu {
namespace {

struct Dpbusd {
  static constexpr int kPanels = 2;
  static constexpr int64_t kPrefetchBytes = 2048;

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* const* w, int64_t tiles, const int8_t* q, int32_t* sums) {
    constexpr int kVectors = 2 * kActive;
    const __m256i mask_one = _mm256_set1_epi8(0x03), mask_four = _mm256_set1_epi8(0x0c);
    Sums ones[kVectors] = {}, fours[kVectors] = {};
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const __m256i q0 = broadcast_four(q + 16 * tile), q1 = broadcast_four(q + 16 * tile + 4);
      const __m256i q2 = broadcast_four(q + 16 * tile + 8), q3 = broadcast_four(q + 16 * tile + 12);
      for (int v = 0; v < kVectors; ++v) {
        const uint8_t* p = w[v / 2] + 64 * tile + 32 * (v % 2);
        if (v % 2 == 0) _mm_prefetch(reinterpret_cast<const char*>(p + kPrefetchBytes), _MM_HINT_T0);
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        const __m256i high = _mm256_srli_epi16(low, 4);
        ones[v] = add_products(ones[v], _mm256_and_si256(low, mask_one), q0);
        fours[v] = add_products(fours[v], _mm256_and_si256(low, mask_four), q1);
        ones[v] = add_products(ones[v], _mm256_and_si256(high, mask_one), q2);
        fours[v] = add_products(fours[v], _mm256_and_si256(high, mask_four), q3);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      // Exact: fours is a multiple of 4 and a chunk's is at most 2^20.
      add_sums(sums + 8 * v, reinterpret_cast<__m256i>(ones[v] + (fours[v] >> 2)));
    }
  }

  static Sums add_products(Sums sums, __m256i codes, __m256i four) {
    return reinterpret_cast<Sums>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sums), codes, four));
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_1x32__avxvnni, InPlaceGemv<Dpbusd>)
