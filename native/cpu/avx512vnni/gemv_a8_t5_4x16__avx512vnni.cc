// For few rows of X: T5 is decoded in registers, for up to four rows at a time.

#include "cpu/avx512vnni/dot.h"
#include "cpu/avx512vnni/t5_codes.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Tile = T5Tile;
  static constexpr int kRows = 4, kUnitRows = 4;

  /** A dpbusd takes 5 cycles, so a row's five may not all wait for each other. */
  template <int kActive>
  struct RowSums {
    static constexpr int kSets = kActive == 1 ? 5 : kActive == 2 ? 3 : 2;
    Sums sum[kActive][kSets] = {};

    void add_step(int set, __m512i codes, const int8_t* q, int64_t ldq) {
      for (int i = 0; i < kActive; ++i) sum[i][set] = add_products(sum[i][set], codes, q + i * ldq);
    }
    /**
     * A tile (320 codes) costs 16 + 5 * kActive operations on two ports: 10.5, 13, 15.5, 18 cycles (llvm-mca, Ice Lake:
     * 10.6, 13.6, 16.1, 19.3). Telescoping as in avxvnni/gemv_a8_t5_1x16__avxvnni.cc takes 10 + 10 * kActive.
     */
    void add_tile(const uint8_t* w, const int8_t* q, int64_t ldq, int64_t prefetch_bytes) {
      _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
      const T5Steps steps = t5_steps(_mm512_loadu_si512(w));
      for (int step = 0; step < Tile::kSteps; ++step) add_step(step % kSets, steps.codes[step], q + 4 * step, ldq);
    }
    Sums total(int i) const {
      Sums all = sum[i][0];
      for (int set = 1; set < kSets; ++set) all += sum[i][set];
      return all;
    }
  };

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    RowSums<kActive> rows;
    for (const uint8_t* end = w + 64 * tiles; w < end; w += 64, q += Tile::kColumns) {
      rows.add_tile(w, q, ldq, prefetch_bytes);
    }
    for (int i = 0; i < kActive; ++i) add_sums(sums + 16 * i, rows.total(i));
  }

  /** Units are whole steps, but not whole tiles: a tile that an edge cuts is decoded once, to memory. */
  template <int kActive>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t ldq,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    const uint8_t* w = stretch.w;
    int64_t cut = stretch.skipped;  // steps of the tile at w that lie in units before
    T5Steps steps;
    if (cut > 0) steps = t5_steps(_mm512_loadu_si512(w));
    for (int64_t left = stretch.columns; left > 0; left -= stretch.unit, sums += stretch.stride) {
      RowSums<kActive> rows;
      int64_t count = stretch.steps(left);
      if (cut > 0) {
        for (; cut < Tile::kSteps && count > 0; ++cut, --count, q += 4) rows.add_step(0, steps.codes[cut], q, ldq);
        w += 64;
      }
      for (; count >= Tile::kSteps; count -= Tile::kSteps, w += 64, q += Tile::kColumns) {
        rows.add_tile(w, q, ldq, prefetch_bytes);
      }
      if (count > 0) steps = t5_steps(_mm512_loadu_si512(w));
      for (cut = 0; cut < count; ++cut, q += 4) rows.add_step(1, steps.codes[cut], q, ldq);
      for (int i = 0; i < kActive; ++i) _mm512_storeu_si512(sums + 16 * i, reinterpret_cast<__m512i>(rows.total(i)));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_4x16__avx512vnni, PanelGemv<InRegisters>)
