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
  static constexpr int kRows = 1;

  template <int>  // not inlined: GCC then has the registers for the loop alone
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t,
                                            int64_t prefetch_bytes, int32_t* sums) {
    add_half(w, tiles, q, prefetch_bytes, sums);
    add_half(w + 32, tiles, q, prefetch_bytes, sums + 8);
  }

 private:
  /** Half of the panel's rows: the sums of both do not fit 16 registers. The other half finds w in the L1 cache. */
  static void add_half(const uint8_t* w, int64_t tiles, const int8_t* q, int64_t prefetch_bytes, int32_t* sums) {
    Sums digits[Tile::kSteps], rests[Tile::kSteps];  // of x_i a_i and x_{i+1} a_i; ten, as a dpbusd takes 5 cycles
    for (int step = 0; step < Tile::kSteps; ++step) digits[step] = rests[step] = Sums{};
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
    for (int step = 1; step < Tile::kSteps; ++step) {
      digits[0] += digits[step];
      rests[0] += rests[step];
    }
    // Exact: a multiple of 256, which fits, so that modulo 2^32 does no harm.
    add_sums(sums, reinterpret_cast<__m256i>((3 * digits[0] - rests[0]) >> 8));
  }

  /** Of each byte, modulo 256. */
  static __m256i triple(__m256i x) { return _mm256_add_epi8(_mm256_add_epi8(x, x), x); }
};
static_assert(PanelGemv<Telescoping>::kChunkTiles * T5Tile::kColumns * 2 * 128 * 256 < int64_t{1} << 31,
              "256 times the sum of a chunk fits");

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t5_1x16__avxvnni, PanelGemv<Telescoping>)
