// What AVX2 multiplies at best: pairs of products summed to 16 bits, added in 16 bits. An exact kernel must also widen
// those sums now and then; here that is left out as far as it goes.

#include <immintrin.h>

#include "cpu/frame/limits.h"

namespace ternary::cpu {
namespace {

constexpr int kSums = 8;  ///< additions take a cycle: two would do, eight leave the operands their registers
constexpr int64_t kExactSteps = 8192;  ///< each adds 2 to an int16

/** Multiply-adds of up to kExactSteps steps, counted: every product is 1. */
int64_t multiply(int64_t steps) {
  __v16hi sums[kSums] = {};
  __m256i codes = _mm256_set1_epi8(1);
  const __m256i q = _mm256_set1_epi8(1);
  for (int64_t step = 0; step < steps; ++step) {
    for (int i = 0; i < kSums; ++i) {
      opaque(codes);
      sums[i] += reinterpret_cast<__v16hi>(_mm256_maddubs_epi16(codes, q));
    }
  }
  return total(sums);
}

}  // namespace

int64_t int8_peak_8x32__avx2(const uint8_t*, int64_t count) {
  int64_t done = 0;
  for (; count > 0; count -= kExactSteps) done += multiply(count < kExactSteps ? count : kExactSteps);
  return done;
}

}  // namespace ternary::cpu
