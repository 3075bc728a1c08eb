// For few rows of X, one after the other: what three q give for every triple of weights is looked up, not multiplied. The
// tables of a row are made once a call. With units of K they are made once a patch, so patches are wide.

#include "cpu/avx2/decoded_codes.h"
#include "cpu/avx2/t3_tables.h"

namespace ternary::cpu {
namespace {

/** Bytes and words that are what they are modulo 2^8 and 2^16. */
using Bytes = __v32qu;
using WrappingWords = __v16hu;

struct Lookup {
  using Sum = int32_t;
  using Tile = T3Tile;
  static constexpr int64_t kRows = 1, kColumns = 2048;
  // 28 KB of tables, and all of K = 2560 at once: with chunks of 32 tiles, which take two turns of its weights, Zen 5 has
  // 0.97 of the rate. Weights pass the L1 cache once and need no room there.
  static constexpr int64_t kChunkTiles = 56;
  static constexpr int64_t kDecodedBytes = kChunkTiles * kT3TableBytes;  ///< where the call has made no tables

  /** A unit may cut a triple, so tables are of the unit then and made here. */
  static int64_t table_bytes(int64_t K, int64_t unit) {
    return unit > 0 ? 0 : ceil_div(K, Tile::kColumns) * kT3TableBytes;
  }
  static void make_tables(const GemmTask& t, int64_t m) {
    write_tables(t.q + m * t.ldq, 0, ceil_div(t.K, Tile::kColumns), 0, t.K,
                 static_cast<int8_t*>(t.tables) + m * t.table_bytes);
  }

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void* scratch) {
    const GemmTask& t = patch.task;
    const int64_t first = k_begin / Tile::kColumns, last = ceil_div(k_end, Tile::kColumns);
    const int64_t to_next = panel_bytes<Tile>(t);
    // Chunks of like size: 144 tiles as three times 48.
    for (int64_t tile = first, tiles = 0; tile < last; tile += tiles) {
      tiles = like_rows(last - tile, kChunkTiles);
      const int8_t* tables = static_cast<const int8_t*>(t.tables) + patch.m * t.table_bytes + tile * kT3TableBytes;
      if (t.table_bytes == 0) {
        write_tables(t.q + patch.m * t.ldq, tile, tiles, k_begin, k_end, static_cast<int8_t*>(scratch));
        tables = static_cast<const int8_t*>(scratch);
      }
      // A panel's next chunk comes after all panels: so the next weights are those of the panels that follow.
      const int64_t panels_ahead = (t.prefetch_bytes + tiles * Tile::kBytes / 2) / (tiles * Tile::kBytes);
      const int64_t ahead = to_next * (panels_ahead > 0 ? panels_ahead : 1);
      const uint8_t* w = tiles_at<Tile>(t, patch.n, tile * Tile::kColumns);
      for (int64_t p = 0; p < patch.panels; ++p) add(w + p * to_next, tiles, tables, ahead, sums + 16 * p);
    }
    // Here q meets weights, where other kernels have codes, one more each: modulo 2^32, as all sums of codes.
    const int64_t units = sums_of_row(t.K, patch.unit), unit = patch.unit > 0 ? k_begin / patch.unit : 0;
    const uint32_t q_sum = static_cast<uint32_t>(t.q_sums[patch.m * units + unit]);
    for (int64_t n = 0; n < 16 * patch.panels; ++n) {
      sums[n] = static_cast<int32_t>(static_cast<uint32_t>(sums[n]) + q_sum);
    }
  }

 private:
  /** Tables of tiles of a row of X, of which only columns k_begin ... k_end count: a unit cuts tiles. */
  static void write_tables(const int8_t* row, int64_t tile, int64_t tiles, int64_t k_begin, int64_t k_end,
                           int8_t* tables) {
    for (const int64_t end = tile + tiles; tile < end; ++tile, tables += kT3TableBytes) {
      const int64_t k = tile * Tile::kColumns, k_next = k + Tile::kColumns;
      alignas(64) int8_t part[Tile::kColumns + 16] = {};
      const int8_t* q = row + k;
      if (k < k_begin || k_next + 16 > k_end) {  // whole vectors are read
        const int64_t from = k < k_begin ? k_begin : k, to = k_next < k_end ? k_next : k_end;
        std::memcpy(part + from - k, row + from, static_cast<size_t>(to - from));
        q = part;
      }
      for (int64_t s = 0; s < kT3Steps; ++s) write_t3_step(q + 6 * s, tables + kT3StepBytes * s);
    }
  }

  /** What the steps of a tile add up to, a byte for each row and lane: the low parts or the high ones. Even bytes are
   *  above the truth by 128, so that each word is 256 * odd + even with no borrow. */
  static Bytes add_part(Bytes sums, const int8_t* table, __m256i index, __m256i sign) {
    const __m256i entries = _mm256_load_si256(reinterpret_cast<const __m256i*>(table));
    sums += reinterpret_cast<Bytes>(_mm256_sign_epi8(_mm256_shuffle_epi8(entries, index), sign));
    asm("" : "+x"(sums));
    return sums;
  }

  static_assert(kT3Steps * kT3Most < 128, "int8 sums of a tile");
  static_assert(kChunkTiles * kT3Steps * kT3Most <= 32767, "int16 sums of a chunk");

  /** Sums of a chunk as words: of the words of a tile, and of their odd bytes. */
  struct Parts {
    WrappingWords words = {};
    Words odd = {};

    void add(Bytes bytes) {
      words += reinterpret_cast<WrappingWords>(bytes);
      odd += reinterpret_cast<Words>(bytes) >> 8;
      asm("" : "+x"(words), "+x"(odd));
    }
    /** Of the even rows, modulo 2^16 and so exact. */
    __m256i even(int64_t tiles) const {
      const __m256i excess = _mm256_set1_epi16(static_cast<int16_t>(128 * tiles));
      const __m256i odd_bytes = _mm256_slli_epi16(reinterpret_cast<__m256i>(odd), 8);
      return _mm256_sub_epi16(_mm256_sub_epi16(reinterpret_cast<__m256i>(words), odd_bytes), excess);
    }
  };

  /** Adds the sums of up to kChunkTiles tiles. Not inlined: GCC then has the registers for the loop alone. */
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* tables, int64_t ahead,
                                            int32_t* sums) {
    const __m256i nibble = _mm256_set1_epi8(15), one = _mm256_set1_epi8(1);
    const Bytes bias = reinterpret_cast<Bytes>(_mm256_set1_epi16(128));
    Parts low, high;
    for (int64_t tile = 0; tile < tiles; ++tile, w += Tile::kBytes, tables += kT3TableBytes) {
      for (int line = 0; line < 3; ++line) {
        _mm_prefetch(reinterpret_cast<const char*>(w + ahead + 64 * line), _MM_HINT_T0);
      }
      const __m256i signs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 128));
      // psignb makes 0 of what meets 0: the lowest bit is set, and the sign that lies there is used last.
      Bytes sign = reinterpret_cast<Bytes>(_mm256_or_si256(signs, one));
      Bytes low_bytes = bias, high_bytes = bias;
#pragma GCC unroll 8
      for (int step = 0; step < kT3Steps; ++step) {
        __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + step / 2 * 32));
        if (step % 2 == 1) index = _mm256_srli_epi16(index, 4);
        index = _mm256_and_si256(index, nibble);
        if (step == kT3Steps - 1) sign = reinterpret_cast<Bytes>(_mm256_or_si256(_mm256_slli_epi16(signs, 7), one));
        low_bytes = add_part(low_bytes, tables + kT3StepBytes * step, index, reinterpret_cast<__m256i>(sign));
        high_bytes = add_part(high_bytes, tables + kT3StepBytes * step + 32, index, reinterpret_cast<__m256i>(sign));
        sign += sign;
        asm("" : "+x"(sign));
      }
      low.add(low_bytes);
      high.add(high_bytes);
    }
    add_rows(low.even(tiles), reinterpret_cast<__m256i>(low.odd), high.even(tiles), reinterpret_cast<__m256i>(high.odd),
             sums);
  }

  /** Low plus 28 times high, of both lanes, for rows 4 * i ... 4 * i + 3 of either. */
  static void add_rows(__m256i low_even, __m256i low_odd, __m256i high_even, __m256i high_odd, int32_t* sums) {
    const __m256i factors = _mm256_set1_epi32(kT3Base << 16 | 1);
    const auto join = [&](__m256i words) { return _mm256_madd_epi16(words, factors); };
    const __m256i even[2] = {join(_mm256_unpacklo_epi16(low_even, high_even)),
                             join(_mm256_unpackhi_epi16(low_even, high_even))};
    const __m256i odd[2] = {join(_mm256_unpacklo_epi16(low_odd, high_odd)),
                            join(_mm256_unpackhi_epi16(low_odd, high_odd))};
    for (int half = 0; half < 2; ++half) {
      const __m256i first = _mm256_unpacklo_epi32(even[half], odd[half]);
      const __m256i second = _mm256_unpackhi_epi32(even[half], odd[half]);
      const __m256i rows = _mm256_add_epi32(_mm256_permute2x128_si256(first, second, 0x20),
                                            _mm256_permute2x128_si256(first, second, 0x31));
      add_sums(sums + 8 * half, rows);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t3_1x2048__avx2, Lookup)
