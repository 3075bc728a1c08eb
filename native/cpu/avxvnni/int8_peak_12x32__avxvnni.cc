#include <immintrin.h>

#include "cpu/frame/limits.h"

namespace ternary::cpu {
namespace {

constexpr int kSums = 12;  ///< vpdpbusd takes 4 to 5 cycles and two start in a cycle: ten keep the units busy

}  // namespace

int64_t int8_peak_12x32__avxvnni(const uint8_t*, int64_t count) {
  __v8si sums[kSums] = {};
  __m256i codes = _mm256_set1_epi8(1);
  const __m256i q = _mm256_set1_epi8(1);
  for (int64_t step = 0; step < count; ++step) {
    for (auto& sum : sums) {
      opaque(codes);
      sum = reinterpret_cast<__v8si>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sum), codes, q));
    }
  }
  return total(sums);
}

}  // namespace ternary::cpu
