/**
 * @file decoded_codes.h
 * @brief Codes of 16 rows of W as bytes, for kernels that use them for several rows of X.
 */
#ifndef TERNARY_CPU_AVX2_DECODED_CODES_H_
#define TERNARY_CPU_AVX2_DECODED_CODES_H_

#include "cpu/lanes_avx2.h"

#include "cpu/gemm.h"

namespace ternary::cpu {
namespace {

/** Decodes tiles to 256 bytes each: four vectors pairs, pair s with codes 4s ... 4s + 3 of each row in its dword. */
inline void decode_tiles(const uint8_t* w, int64_t tiles, uint8_t* codes) {
  const __m256i mask = _mm256_set1_epi8(0x03);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    for (int half = 0; half < 2; ++half) {
      const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 64 * tile + 32 * half));
      auto* out = reinterpret_cast<__m256i*>(codes + 256 * tile + 32 * half);
      _mm256_store_si256(out, _mm256_and_si256(packed, mask));
      _mm256_store_si256(out + 2, _mm256_and_si256(_mm256_srli_epi16(packed, 2), mask));
      _mm256_store_si256(out + 4, _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask));
      _mm256_store_si256(out + 6, _mm256_and_si256(_mm256_srli_epi16(packed, 6), mask));
    }
  }
}

inline __m256i load_codes(const uint8_t* codes) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(codes));
}

inline __m256i broadcast_four(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, sizeof four);
  return _mm256_set1_epi32(four);
}

inline void add_sums(int32_t* sums, __m256i value) {
  auto* target = reinterpret_cast<__m256i*>(sums);
  _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), value));
}

/**
 * A Micro of decoded codes. `Dot` has kRows and template <int rows> add(codes, tiles, q, ldq, sums): the sums of up to
 * kRows rows of X with 16 of W. `kChunkTiles` tiles are decoded at a time, to stay in the L1 cache with the rows of q.
 */
template <class Dot>
struct DecodedGemm {
  using Sum = int32_t;
  static constexpr int64_t kRows = 96, kColumns = 16, kChunkTiles = 16;
  static constexpr int64_t kDecodedBytes = 256 * kChunkTiles;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto* codes = static_cast<uint8_t*>(decoded);
    const int64_t tiles = ceil_div(k_end - k_begin, kTile);
    for (int64_t first = 0; first < tiles; first += kChunkTiles) {
      const int64_t count = tiles - first < kChunkTiles ? tiles - first : kChunkTiles;
      const int64_t k = k_begin + first * kTile;
      decode_tiles(tiles_at(b.task, b.n, k), count, codes);
      for (int64_t i = 0; i < b.rows; i += Dot::kRows) {
        const int64_t rows = b.rows - i < Dot::kRows ? b.rows - i : Dot::kRows;
        add_rows<Dot::kRows>(rows, codes, count, b.task.q + (b.m + i) * b.task.ldq + k, b.task.ldq, sums + i * kColumns);
      }
    }
  }

 private:
  /** The instantiation for the number of rows. */
  template <int kMost>
  static void add_rows(int64_t rows, const uint8_t* codes, int64_t tiles, const int8_t* q, int64_t ldq, int32_t* sums) {
    if constexpr (kMost > 1) {
      if (rows < kMost) return add_rows<kMost - 1>(rows, codes, tiles, q, ldq, sums);
    }
    Dot::template add<kMost>(codes, tiles, q, ldq, sums);
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AVX2_DECODED_CODES_H_
