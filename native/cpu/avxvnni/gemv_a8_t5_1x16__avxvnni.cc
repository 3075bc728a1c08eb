// For few rows of X, without taking digits out of T5 bytes. A byte is a fraction x_0 / 256, its digit i is (3 x_i) >> 8
// and x_{i+1} is 3 x_i mod 256: so 256 times the digit is 3 x_i - x_{i+1}, and the sum of digits times activations a_i
// is (3 * sum(x_i a_i) - sum(x_{i+1} a_i)) / 256. Two byte additions and two dpbusd a digit: 40 operations a tile, 13.3
// cycles on three ports (llvm-mca, Alder Lake: 13.5); decoding as in avx2/t5_codes.h takes 54 (blendv is 3 there). Two
// rows of X at a time would take 20 cycles: two of the ports do dpbusd.

#include "cpu/avxvnni/dot.h"
#include "cpu/frame/panel_gemv.h"

namespace ternary::cpu {
namespace {

struct Telescoping {
  using Tile = T5Tile;
  static constexpr int kRows = 1, kUnitRows = 1;

  template <int>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t,
                                            int64_t prefetch_bytes, int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      HalfSums half_sums;
      half_sums.add_tiles(w + 32 * half, tiles, q, prefetch_bytes);
      add_sums(sums + 8 * half, half_sums.total());
    }
  }

  /** Units are whole steps, but not whole tiles: a tile that an edge cuts is taken twice, with zeros for other units' q. */
  template <int>
  __attribute__((noinline)) static void set_units(const UnitStretch& stretch, const int8_t* q, int64_t,
                                                  int64_t prefetch_bytes, int32_t* sums) {
    set_half_units(stretch, stretch.w, q, prefetch_bytes, sums);
    set_half_units(stretch, stretch.w + 32, q, prefetch_bytes, sums + 8);
  }

 private:
  /** Of half of the panel's rows: the sums of both do not fit 16 registers. The other half finds w in the L1 cache. */
  struct HalfSums {
    // Of x_i a_i and x_{i+1} a_i; ten, as a dpbusd takes 5 cycles.
    Sums digits[Tile::kSteps] = {}, rests[Tile::kSteps] = {};

    void add_tiles(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t prefetch_bytes) {
      for (const uint8_t* end = w + 64 * tiles; w < end; w += 64, q += Tile::kColumns) {
        _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes), _MM_HINT_T0);
        __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
        for (int step = 0; step < Tile::kSteps; ++step) {
          const __m256i four = broadcast_four(q + 4 * step), next = triple(x);
          digits[step] = add_products(digits[step], x, four);
          rests[step] = add_products(rests[step], next, four);
          x = next;
        }
      }
    }
    /** Steps first ... last of a tile. */
    void add_part(const uint8_t* w, int64_t first, int64_t last, const int8_t* q, int64_t prefetch_bytes) {
      int8_t part[Tile::kColumns] = {};
      std::memcpy(part + 4 * first, q, static_cast<size_t>(4 * (last - first)));
      add_tiles(w, 1, part, prefetch_bytes);
    }
    __m256i total() const {
      Sums digit = digits[0], rest = rests[0];
      for (int step = 1; step < Tile::kSteps; ++step) {
        digit += digits[step];
        rest += rests[step];
      }
      // Exact: a multiple of 256, which fits, so that modulo 2^32 does no harm.
      return reinterpret_cast<__m256i>((3 * digit - rest) >> 8);
    }
  };

  static void set_half_units(const UnitStretch& stretch, const uint8_t* w, const int8_t* q, int64_t prefetch_bytes,
                             int32_t* sums) {
    int64_t cut = stretch.skipped;  // steps of the tile at w that lie in units before
    for (int64_t left = stretch.columns; left > 0; left -= stretch.unit, sums += stretch.stride) {
      HalfSums half_sums;
      int64_t count = stretch.steps(left);
      if (cut > 0) {
        const int64_t end = cut + count < Tile::kSteps ? cut + count : Tile::kSteps;
        half_sums.add_part(w, cut, end, q, prefetch_bytes);
        q += 4 * (end - cut);
        count -= end - cut;
        w += 64;
      }
      const int64_t tiles = count / Tile::kSteps;
      half_sums.add_tiles(w, tiles, q, prefetch_bytes);
      w += 64 * tiles;
      q += Tile::kColumns * tiles;
      cut = count % Tile::kSteps;
      if (cut > 0) half_sums.add_part(w, 0, cut, q, prefetch_bytes);
      q += 4 * cut;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), half_sums.total());
    }
  }

  /** Of each byte, modulo 256. */
  static __m256i triple(__m256i x) { return _mm256_add_epi8(_mm256_add_epi8(x, x), x); }
};
static_assert(PanelGemv<Telescoping>::kChunkTiles * T5Tile::kColumns * 2 * 128 * 256 < int64_t{1} << 31,
              "256 times the sum of a chunk fits");

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_1x16__avxvnni, PanelGemv<Telescoping>)
