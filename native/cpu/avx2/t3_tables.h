/**
 * @file t3_tables.h
 * @brief What a row of X gives for every triple of T3, in tables for pshufb.
 *
 * A triple's sum s = q0 * w0 + q1 * w1 + q2 * w2 is at most 384 (three times -128), too wide for a byte. So it is
 * 28 * H + L, with H and L of -14 ... 14, and a table of each has 16 bytes. Eight of either add up to at most 112.
 */
#ifndef TERNARY_CPU_AVX2_T3_TABLES_H_
#define TERNARY_CPU_AVX2_T3_TABLES_H_

#include "abi/t3.h"
#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

constexpr int kT3Base = 28;
/** s * this / 2^15, rounded to the nearest, is H. */
constexpr int kT3Inverse = 1170;
constexpr int kT3Most = 14;

constexpr int t3_high(int sum) { return (sum * kT3Inverse + (1 << 14)) >> 15; }  // as pmulhrsw rounds

constexpr bool t3_parts_fit() {
  for (int sum = -3 * 128; sum <= 3 * 128; ++sum) {
    const int high = t3_high(sum), low = sum - kT3Base * high;
    if (high < -kT3Most || high > kT3Most || low < -kT3Most || low > kT3Most) return false;
  }
  return true;
}
static_assert(t3_parts_fit(), "both parts of every sum of a triple are at most kT3Most");

/** A step of a tile: two triples, one a 128-bit lane. L of both, then H of both. */
constexpr int64_t kT3Steps = T3Tile::kColumns / 6, kT3StepBytes = 64;
constexpr int64_t kT3TableBytes = kT3Steps * kT3StepBytes;  ///< of a tile

/** Factors of maddubs, unsigned: indices 0 ... 7, then 8 ... 15. */
struct T3Factors {
  alignas(32) uint8_t first[2][32];   ///< (w0, 0), which is never -1
  alignas(32) uint8_t others[2][32];  ///< (w1 + 1, w2 + 1)
};

constexpr T3Factors make_t3_factors() {
  T3Factors factors = {};
  for (int index = 0; index < kT3Indices; ++index) {
    for (int lane = 0; lane < 2; ++lane) {
      const int byte = 16 * lane + 2 * (index % 8);
      factors.first[index / 8][byte] = static_cast<uint8_t>(t3_weight(index, 0));
      factors.others[index / 8][byte] = static_cast<uint8_t>(t3_weight(index, 1) + 1);
      factors.others[index / 8][byte + 1] = static_cast<uint8_t>(t3_weight(index, 2) + 1);
    }
  }
  return factors;
}

inline constexpr T3Factors kT3Factors = make_t3_factors();

/** Writes the tables of a step from six q; sixteen bytes are read. */
inline void write_t3_step(const int8_t* q, int8_t* tables) {
  const auto load = [](const uint8_t* p) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(p)); };
  const __m256i six = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q)));
  const __m256i to_first = _mm256_setr_epi8(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1,  //
                                            3, -1, 3, -1, 3, -1, 3, -1, 3, -1, 3, -1, 3, -1, 3, -1);
  const __m256i to_others = _mm256_setr_epi8(1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2,  //
                                             4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5);
  const __m256i first = _mm256_shuffle_epi8(six, to_first), others = _mm256_shuffle_epi8(six, to_others);
  const __m256i excess = _mm256_maddubs_epi16(_mm256_set1_epi8(1), others);  // their factors are w + 1
  __m256i low[2], high[2];
  for (int half = 0; half < 2; ++half) {
    const __m256i sum = _mm256_sub_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(load(kT3Factors.first[half]), first),
                                                          _mm256_maddubs_epi16(load(kT3Factors.others[half]), others)),
                                         excess);
    high[half] = _mm256_mulhrs_epi16(sum, _mm256_set1_epi16(kT3Inverse));
    low[half] = _mm256_sub_epi16(sum, _mm256_mullo_epi16(high[half], _mm256_set1_epi16(kT3Base)));
  }
  auto* target = reinterpret_cast<__m256i*>(tables);
  _mm256_store_si256(target, _mm256_packs_epi16(low[0], low[1]));
  _mm256_store_si256(target + 1, _mm256_packs_epi16(high[0], high[1]));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_T3_TABLES_H_
