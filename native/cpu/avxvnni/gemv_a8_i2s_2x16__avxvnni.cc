// For few rows of X. Codes are multiplied where they lie in their bytes, as in gemv_a8_i2s_4x16__avx512vnni.cc. With 16
// registers, sums for all four places fit for one row only; two rows share a shift by four bits and two places.

#include "cpu/avx2/decoded_codes.h"
#include "cpu/avxvnni/dot.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InPlace {
  using Tile = I2sTile;
  static constexpr int kRows = 2, kUnitRows = 2;

  /**
   * A tile costs a row 16 operations on three ports, 5.4 cycles (llvm-mca, Alder Lake), and two rows 26, 12 cycles;
   * both halves of a panel go through a step together, or GCC spills sums.
   */
  template <int kActive>
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    multiply<kActive>(w, tiles, q, ldq, prefetch_bytes,
                      [&](int i, int half, __m256i total) { add_sums(sums + 16 * i + 8 * half, total); });
  }

  /** Not a call a unit. */
  template <int kActive>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t ldq,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    const int64_t unit = stretch.unit, unit_tiles = unit / Tile::kColumns, stride = stretch.stride;
    const uint8_t* w = stretch.w;
    for (int64_t tiles = ceil_div(stretch.columns, Tile::kColumns); tiles > 0; tiles -= unit_tiles) {
      multiply<kActive>(w, tiles < unit_tiles ? tiles : unit_tiles, q, ldq, prefetch_bytes,
                        [&](int i, int half, __m256i total) {
                          _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 16 * i) + half, total);
                        });
      w += 64 * unit_tiles;
      q += unit;
      sums += stride;
    }
  }

 private:
  /** Calls use(row, half of the panel, sums) for the sums of `tiles` tiles. */
  template <int kActive, class Use>
  __attribute__((always_inline)) static void multiply(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                                      int64_t prefetch_bytes, Use use) {
    constexpr int kPlaces = kActive == 1 ? 4 : 2;
    Sums sum[kActive][2][kPlaces] = {};  // [half of the panel][s]: 4^s times too large, at most 2^22 for a chunk of K
    for (; tiles > 0; --tiles, w += 64, q += 16) {
      _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
      __m256i packed[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)),
                           _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w) + 1)};
      for (int s = 0; s < 4; ++s) {
        const int place = s % kPlaces;
        const __m256i mask = _mm256_set1_epi8(static_cast<char>(3 << (2 * place)));
        if (s == kPlaces) {
          for (__m256i& half : packed) half = _mm256_srli_epi16(half, 4);
        }
        const __m256i codes[2] = {_mm256_and_si256(packed[0], mask), _mm256_and_si256(packed[1], mask)};
        for (int i = 0; i < kActive; ++i) {
          const __m256i four = broadcast_four(q + i * ldq + 4 * s);
          for (int half = 0; half < 2; ++half) {
            sum[i][half][place] = add_products(sum[i][half][place], codes[half], four);
          }
        }
      }
    }
    for (int i = 0; i < kActive; ++i) {
      for (int half = 0; half < 2; ++half) {
        Sums total = sum[i][half][0];
        // Exact divisions: each sum is a multiple of its power of 4.
        for (int place = 1; place < kPlaces; ++place) total += sum[i][half][place] >> (2 * place);
        use(i, half, reinterpret_cast<__m256i>(total));
      }
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_2x16__avxvnni, PanelGemv<InPlace>)
