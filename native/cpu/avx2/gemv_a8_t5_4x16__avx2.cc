// For few rows of X: T5 is decoded in registers, for up to four rows at a time.

#include "cpu/avx2/t5_codes.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct InRegisters {
  using Tile = T5Tile;
  static constexpr int kRows = 4, kUnitRows = 4;
  static constexpr int64_t kWidenTiles = 12;
  static_assert(kWidenTiles * 5 * 512 <= 32768, "int16 sums: a maddubs is at least -512, two products of 2 and -128");

  /** Sums of at most kWidenTiles tiles. */
  template <int kActive>
  struct RowWords {
    Words words[kActive][2] = {};  // [half of the panel]

    void add_step(int half, __m256i codes, const int8_t* q, int64_t ldq) {
      for (int i = 0; i < kActive; ++i) {
        words[i][half] = add_products(words[i][half], codes, broadcast_four(q + i * ldq));
      }
    }
    void add_tile(const uint8_t* w, const int8_t* q, int64_t ldq, int64_t prefetch_bytes) {
      _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
      for (int half = 0; half < 2; ++half) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w) + half);
        each_t5_step(bytes, [&](int step, __m256i codes) { add_step(half, codes, q + 4 * step, ldq); });
      }
    }
    void add_to(int32_t* sums) const {
      for (int i = 0; i < kActive; ++i) {
        for (int half = 0; half < 2; ++half) add_sums(sums + 16 * i + 8 * half, widen(words[i][half], 1));
      }
    }
  };

  template <int kActive>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t ldq,
                                            int64_t prefetch_bytes, int32_t* sums) {
    while (tiles > 0) {
      const int64_t count = tiles < kWidenTiles ? tiles : kWidenTiles;
      RowWords<kActive> rows;
      for (const uint8_t* end = w + 64 * count; w < end; w += 64, q += Tile::kColumns) {
        rows.add_tile(w, q, ldq, prefetch_bytes);
      }
      rows.add_to(sums);
      tiles -= count;
    }
  }

  /** Units are whole steps, but not whole tiles: a tile that an edge cuts is decoded once, to memory. */
  template <int kActive>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t ldq,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    alignas(64) uint8_t codes[64 * Tile::kSteps];
    const uint8_t* w = stretch.w;
    int64_t cut = stretch.skipped;  // steps of the tile at w that lie in units before
    if (cut > 0) T5Codes::decode(w, 1, codes, 64);
    const auto add_cut = [&](RowWords<kActive>& rows) {
      for (int half = 0; half < 2; ++half) rows.add_step(half, load_codes(codes + 64 * cut + 32 * half), q, ldq);
      q += 4;
    };
    for (int64_t left = stretch.columns; left > 0; left -= stretch.unit, sums += stretch.stride) {
      std::memset(sums, 0, 64 * kActive);
      RowWords<kActive> rows;
      int64_t count = stretch.steps(left), room = kWidenTiles - 2;  // of tiles, beside the two that are cut
      if (cut > 0) {
        for (; cut < Tile::kSteps && count > 0; ++cut, --count) add_cut(rows);
        w += 64;
      }
      for (; count >= Tile::kSteps; count -= Tile::kSteps, w += 64, q += Tile::kColumns) {
        if (room-- == 0) {
          rows.add_to(sums);
          rows = {};
          room = kWidenTiles - 3;
        }
        rows.add_tile(w, q, ldq, prefetch_bytes);
      }
      if (count > 0) T5Codes::decode(w, 1, codes, 64);
      for (cut = 0; cut < count; ++cut) add_cut(rows);
      rows.add_to(sums);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_4x16__avx2, PanelGemv<InRegisters>)
