// For few rows of X: weights are decoded in registers, for up to four rows at a time.

#include "cpu/avx2/decoded_codes.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

/**
 * One row of X: codes are multiplied where they lie in their bytes, so that 32 bytes of weights (128 codes) cost 13
 * vector operations, of which one shift and four masks decode: 3.25 cycles on four pipes. The loop takes 3.5 on weights
 * in the L1 cache; two tiles a round took 4.1 (GCC spills), a prefetch costs nothing.
 */
struct OneRow {
  static constexpr int64_t kWidenTiles = 8;
  static_assert(kWidenTiles * 2 * 2048 <= 32768, "int16 sums, see below");

  /** Adds four times the sums of up to kWidenTiles tiles to `total`. */
  static void add_tiles(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t prefetch_bytes, Sums* total) {
    const __m256i mask_one = _mm256_set1_epi8(0x03), mask_four = _mm256_set1_epi8(0x0c);
    // The sums of codes and of codes times 4. In int16 a maddubs of the latter is at least -2048 (two products of 8
    // and -128; -128 comes only with given int8 X), two of them in each of 8 tiles exactly -32768: no more fit.
    Words ones[2] = {}, fours[2] = {};
    for (; tiles > 0; --tiles, w += 64, q += 16) {
      const __m256i q0 = broadcast_four(q), q1 = broadcast_four(q + 4);
      const __m256i q2 = broadcast_four(q + 8), q3 = broadcast_four(q + 12);
      _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
      for (int v = 0; v < 2; ++v) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w) + v);
        const __m256i high = _mm256_srli_epi16(low, 4);
        ones[v] = add_products(ones[v], _mm256_and_si256(low, mask_one), q0);
        fours[v] = add_products(fours[v], _mm256_and_si256(low, mask_four), q1);
        ones[v] = add_products(ones[v], _mm256_and_si256(high, mask_one), q2);
        fours[v] = add_products(fours[v], _mm256_and_si256(high, mask_four), q3);
      }
    }
    for (int v = 0; v < 2; ++v) {
      total[v] += reinterpret_cast<Sums>(widen(ones[v], 4));
      total[v] += reinterpret_cast<Sums>(widen(fours[v], 1));
    }
  }

  /** Adds the sums of at most 64 tiles. Not inlined: GCC then has the registers for the loop alone. */
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t prefetch_bytes,
                                            int32_t* sums) {
    Sums total[2] = {};
    for (int64_t first = 0; first < tiles; first += kWidenTiles) {
      const int64_t count = tiles - first < kWidenTiles ? tiles - first : kWidenTiles;
      add_tiles(w + 64 * first, count, q + 16 * first, prefetch_bytes, total);
    }
    // Exact: a chunk's four-fold sum is a multiple of 4 and at most 2^20.
    for (int v = 0; v < 2; ++v) add_sums(sums + 8 * v, reinterpret_cast<__m256i>(total[v] >> 2));
  }
};

/** More rows: seven operations decode 128 codes for all of them, then each row costs eight. */
struct FewRows {
  static constexpr int64_t kWidenTiles = 16;
  static_assert(kWidenTiles * 4 * 512 <= 32768, "int16 sums: a maddubs is at least -512, two products of 2 and -128");

  template <int kActive>
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    const __m256i mask = _mm256_set1_epi8(0x03);
    for (int64_t first = 0; first < tiles; first += kWidenTiles) {
      const int64_t last = first + kWidenTiles < tiles ? first + kWidenTiles : tiles;
      Words low[kActive], high[kActive];
      for (int i = 0; i < kActive; ++i) low[i] = high[i] = Words{};
      for (int64_t tile = first; tile < last; ++tile) {
        const uint8_t* p = w + 64 * tile;
        _mm_prefetch(reinterpret_cast<const char*>(p + prefetch_bytes), _MM_HINT_T0);
        __m256i packed_low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        __m256i packed_high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p) + 1);
        for (int step = 0; step < 4; ++step) {
          const __m256i codes_low = _mm256_and_si256(packed_low, mask);
          const __m256i codes_high = _mm256_and_si256(packed_high, mask);
          for (int i = 0; i < kActive; ++i) {
            const __m256i four = broadcast_four(q + i * ldq + 16 * tile + 4 * step);
            low[i] = add_products(low[i], codes_low, four);
            high[i] = add_products(high[i], codes_high, four);
          }
          packed_low = _mm256_srli_epi16(packed_low, 2);
          packed_high = _mm256_srli_epi16(packed_high, 2);
        }
      }
      for (int i = 0; i < kActive; ++i) {
        add_sums(sums + 16 * i, widen(low[i], 1));
        add_sums(sums + 16 * i + 8, widen(high[i], 1));
      }
    }
  }
};

struct InRegisters {
  using Tile = I2sTile;
  static constexpr int kRows = 4, kUnitRows = 1;

  /** Not a call a unit: groups of 64 take 94 us instead of 138 (2560x2560), of 128 83 instead of 98. */
  template <int>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    const uint8_t* w = stretch.w;
    for (int64_t left = stretch.columns; left > 0; left -= stretch.unit, sums += stretch.stride) {
      Sums total[2] = {};
      int64_t count = 0;
      for (int64_t tiles = ceil_div(stretch.steps(left), 4); tiles > 0;
           tiles -= count, w += 64 * count, q += 16 * count) {
        count = tiles < OneRow::kWidenTiles ? tiles : OneRow::kWidenTiles;
        OneRow::add_tiles(w, count, q, prefetch_bytes, total);
      }
      for (int v = 0; v < 2; ++v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums) + v, reinterpret_cast<__m256i>(total[v] >> 2));
      }
    }
  }

  template <int kActive>
  static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq, int64_t prefetch_bytes,
                  int32_t* sums) {
    if constexpr (kActive == 1) {
      OneRow::add(w, tiles, q, prefetch_bytes, sums);
    } else {
      FewRows::add<kActive>(w, tiles, q, ldq, prefetch_bytes, sums);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_4x16__avx2, PanelGemv<InRegisters>)
