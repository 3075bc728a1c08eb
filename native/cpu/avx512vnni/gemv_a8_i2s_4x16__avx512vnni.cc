// For few rows of X. Codes are multiplied where they lie in their bytes: those of columns 4s ... 4s + 3 of a tile are
// then 4^s times too large, and so are their sums, which are kept apart by s and divided at the end, exactly. That
// spares the shifts that decoding costs: 64 bytes of weights (256 codes) cost four masks and, for every row of X, four
// dpbusd.

#include "cpu/avx512vnni/dot.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InPlace {
  using Tile = I2sTile;
  static constexpr int kRows = 4, kUnitRows = 1;

  template <int kActive>
  using RowSums = Sums[kActive][4];  // [s]: 4^s times too large, at most 2^22 for a chunk of K

  /**
   * A tile costs 4 + 4 * kActive operations on two ports: 4, 6, 8, 10 cycles (llvm-mca, Ice Lake: 4.5, 7.1, 9.8, 12.4,
   * none spills). GCC 12 broadcasts activations by loads of their own, which leaves the ports alone.
   */
  template <int kActive>
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    Sums sum[kActive];
    multiply<kActive>(w, tiles, q, ldq, prefetch_bytes, sum);
    for (int i = 0; i < kActive; ++i) add_sums(sums + 16 * i, sum[i]);
  }

  /** Not a call a unit: 2560 x 2560 with groups of 128 takes 26 us instead of 78, of 64 32 instead of 139 (Zen 5). */
  template <int kActive>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    const int64_t unit = stretch.unit, unit_tiles = unit / Tile::kColumns, stride = stretch.stride;
    const uint8_t* w = stretch.w;
    for (int64_t tiles = ceil_div(stretch.columns, Tile::kColumns); tiles > 0; tiles -= unit_tiles) {
      Sums sum[kActive];
      multiply<kActive>(w, tiles < unit_tiles ? tiles : unit_tiles, q, 0, prefetch_bytes, sum);
      _mm512_storeu_si512(sums, reinterpret_cast<__m512i>(sum[0]));
      w += 64 * unit_tiles;
      q += unit;
      sums += stride;
    }
  }

 private:
  /** The sums of `tiles` tiles of a panel. */
  template <int kActive>
  __attribute__((always_inline)) static void multiply(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                                      int64_t prefetch_bytes, Sums (&total)[kActive]) {
    // A dpbusd takes 5 cycles: the four sums of one row would wait for themselves.
    constexpr int kSets = kActive == 1 ? 2 : 1;
    RowSums<kActive> sum[kSets] = {};
    int64_t tile = 0;
    for (; tile + kSets <= tiles; tile += kSets, w += 64 * kSets, q += 16 * kSets) {
      for (int set = 0; set < kSets; ++set) {
        add_tile<kActive>(w + 64 * set, q + 16 * set, ldq, prefetch_bytes, sum[set]);
      }
    }
    if (tile < tiles) add_tile<kActive>(w, q, ldq, prefetch_bytes, sum[0]);
    for (int i = 0; i < kActive; ++i) {
      for (int set = 1; set < kSets; ++set) {
        for (int s = 0; s < 4; ++s) sum[0][i][s] += sum[set][i][s];
      }
      // Exact divisions: each sum is a multiple of its power of 4.
      total[i] = sum[0][i][0] + (sum[0][i][1] >> 2) + (sum[0][i][2] >> 4) + (sum[0][i][3] >> 6);
    }
  }

  template <int kActive>
  __attribute__((always_inline)) static void add_tile(const uint8_t* w, const int8_t* q, int64_t ldq,
                                                      int64_t prefetch_bytes, RowSums<kActive>& sum) {
    _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
    const __m512i packed = _mm512_loadu_si512(w);
    for (int s = 0; s < 4; ++s) {
      const __m512i codes = _mm512_and_si512(packed, _mm512_set1_epi8(static_cast<char>(3 << (2 * s))));
      for (int i = 0; i < kActive; ++i) sum[i][s] = add_products(sum[i][s], codes, q + i * ldq + 4 * s);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_i2s_4x16__avx512vnni, PanelGemv<InPlace>)
