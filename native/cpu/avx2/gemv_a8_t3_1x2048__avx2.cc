// For few rows of X, one after the other: what three q give for every triple of weights is looked up, not multiplied. The
// tables of a stretch of K are made once for all the panels of a patch, so patches are wide.

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
  static constexpr int64_t kChunkTiles = 32;  ///< 16 KB of tables, which leave the L1 cache room for weights
  static constexpr int64_t kTableBytes = kChunkTiles * kT3TableBytes;
  static constexpr int64_t kQBytes =
      kChunkTiles * Tile::kColumns + 32;  ///< whole vectors, and 16 bytes from any triple
  static constexpr int64_t kDecodedBytes = kTableBytes + kQBytes;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void* scratch) {
    auto* tables = static_cast<int8_t*>(scratch);
    int8_t* q = tables + kTableBytes;
    const int64_t first = k_begin / Tile::kColumns, last = ceil_div(k_end, Tile::kColumns);
    const int64_t to_next = panel_bytes<Tile>(patch.task);
    // Chunks of like size: 54 tiles as 27 + 27.
    const int64_t most = ceil_div(last - first, ceil_div(last - first, kChunkTiles));
    for (int64_t tile = first; tile < last; tile += most) {
      const int64_t tiles = last - tile < most ? last - tile : most;
      copy_q(patch.task.q + patch.m * patch.task.ldq, tile * Tile::kColumns, tiles * Tile::kColumns, k_begin, k_end, q);
      const int32_t q_sum = sum_of(q, tiles * Tile::kColumns);
      for (int64_t s = 0; s < tiles * kT3Steps; ++s) write_t3_step(q + 6 * s, tables + kT3StepBytes * s);
      // A panel's next chunk comes after all panels: so the next weights are those of the panels that follow.
      const int64_t panels_ahead = (patch.task.prefetch_bytes + tiles * Tile::kBytes / 2) / (tiles * Tile::kBytes);
      const int64_t ahead = to_next * (panels_ahead > 0 ? panels_ahead : 1);
      const uint8_t* w = tiles_at<Tile>(patch.task, patch.n, tile * Tile::kColumns);
      for (int64_t p = 0; p < patch.panels; ++p) {
        add(w + p * to_next, tiles, tables, ahead, q_sum, sums + 16 * p);
      }
    }
  }

 private:
  /** Columns k ... k + count of a row of X, of which only those of k_begin ... k_end are not 0: a group cuts tiles. */
  static void copy_q(const int8_t* row, int64_t k, int64_t count, int64_t k_begin, int64_t k_end, int8_t* q) {
    const int64_t begin = k < k_begin ? k_begin : k, end = k + count < k_end ? k + count : k_end;
    std::memset(q, 0, static_cast<size_t>(begin - k));
    std::memcpy(q + begin - k, row + begin, static_cast<size_t>(end - begin));
    std::memset(q + end - k, 0, static_cast<size_t>(k + count + 32 - end));
  }

  /** The sum of q, zeros from `count` on. */
  static int32_t sum_of(const int8_t* q, int64_t count) {
    __m256i sums = _mm256_setzero_si256();
    for (int64_t k = 0; k < count; k += 32) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q + k));
      const __m256i biased = _mm256_xor_si256(bytes, _mm256_set1_epi8(-128));
      sums = _mm256_add_epi64(sums, _mm256_sad_epu8(biased, _mm256_setzero_si256()));
    }
    const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const int64_t sum = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
    return static_cast<int32_t>(sum - 128 * round_up(count, 32));
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

  /** Adds the sums of up to kChunkTiles tiles, and q_sum. Not inlined: GCC then has the registers for the loop alone. */
  __attribute__((noinline)) static void add(const uint8_t* w, int64_t tiles, const int8_t* tables, int64_t ahead,
                                            int32_t q_sum, int32_t* sums) {
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
             q_sum, sums);
  }

  /** Low plus 28 times high, of both lanes, for rows 4 * i ... 4 * i + 3 of either. */
  static void add_rows(__m256i low_even, __m256i low_odd, __m256i high_even, __m256i high_odd, int32_t q_sum,
                       int32_t* sums) {
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
      add_sums(sums + 8 * half, _mm256_add_epi32(rows, _mm256_set1_epi32(q_sum)));
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

TERNARY_CPU_GEMM(gemv_a8_t3_1x2048__avx2, Lookup)
