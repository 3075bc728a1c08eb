#include <immintrin.h>

#include "cpu/frame/limits.h"

namespace ternary::cpu {
namespace {

constexpr int kSums = 16;  ///< vpdpbusd takes 4 to 5 cycles and one or two start in a cycle

}  // namespace

int64_t int8_peak_16x64__avx512vnni(const uint8_t*, int64_t count) {
  __v16si sums[kSums] = {};
  __m512i codes = _mm512_set1_epi8(1);
  const __m512i q = _mm512_set1_epi8(1);
  for (int64_t step = 0; step < count; ++step) {
    for (auto& sum : sums) {
      opaque(codes);
      sum = reinterpret_cast<__v16si>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), codes, q));
    }
  }
  return total(sums);
}

}  // namespace ternary::cpu
