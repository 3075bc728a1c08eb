/** TERNARY_LAYOUT_T3_TILED: triples of weights as an index and a sign. */
#include <cinttypes>
#include <cstring>

#include "abi/t3.h"
#include "core/base/failure.h"
#include "core/weights/i2s.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

constexpr ternary_layout kLayout = TERNARY_LAYOUT_T3_TILED;
constexpr int64_t kRows = traits(kLayout).rows, kColumns = traits(kLayout).columns, kBytes = traits(kLayout).bytes;
constexpr int64_t kTriples = kColumns / 3, kQuads = kColumns / 4;

/** What the conversions look up. */
struct Tables {
  T3Triple triple_of[64];   ///< by the codes of three columns, two bits each, the first lowest; code 3 has none
  uint8_t codes_of[2][16];  ///< by sign and index: these codes
};

constexpr Tables make_tables() {
  Tables tables = {};
  for (int sign = 0; sign < 2; ++sign) {
    for (int index = 0; index < kT3Indices; ++index) {
      const T3Triple triple = {index, sign};
      int codes = 0;
      for (int j = 0; j < 3; ++j) codes |= triple.code(j) << (2 * j);
      tables.codes_of[sign][index] = static_cast<uint8_t>(codes);
      if (triple.valid()) tables.triple_of[codes] = triple;
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

/** Throws for the first invalid triple with a weight of the matrix; returns if only padding is invalid. */
void fail_at_invalid_triple(const uint8_t* tiles, int64_t N, int64_t K) {
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; k += 3) {
      const uint8_t* tile = tiles + (n / kRows * ceil_div(K, kColumns) + k / kColumns) * kBytes;
      const T3Triple triple = t3_triple(tile, n % kRows, k % kColumns / 3);
      if (triple.valid()) continue;
      fail(TERNARY_INVALID_ARGUMENT,
           "the T3 index at row %" PRId64 ", column %" PRId64
           " is %d with the sign %d; it must be 0 to 13, and 0 has no sign",
           n, k, triple.index, triple.sign);
    }
  }
}

void pack(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t, panel += kBytes) {
    std::memset(panel, 0, kBytes);
    for (int64_t n = 0; n < kRows; ++n) {
      for (int64_t quad = 0; quad < kQuads; quad += 3) {  // twelve columns are three bytes of I2S and four triples
        uint32_t codes = 0;
        for (int64_t b = 0; b < 3; ++b) codes |= static_cast<uint32_t>(byte(n, kQuads * t + quad + b)) << (8 * b);
        for (int64_t i = 0; i < 4; ++i) {
          const T3Triple triple = kTables.triple_of[codes >> (6 * i) & 63];
          const T3Place place = t3_place(n, quad / 3 * 4 + i);
          panel[place.index_byte] = static_cast<uint8_t>(panel[place.index_byte] | triple.index << place.index_shift);
          panel[place.sign_byte] = static_cast<uint8_t>(panel[place.sign_byte] | triple.sign << place.sign_shift);
        }
      }
    }
  }
}

void unpack(const uint8_t* panel, int64_t first, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t, panel += kBytes) {
    for (int64_t n = 0; n < rows; ++n) {
      for (int64_t quad = 0; quad < kQuads; quad += 3) {
        uint32_t codes = 0;
        for (int64_t i = 0; i < 4; ++i) {
          const T3Triple triple = t3_triple(panel, first + n, quad / 3 * 4 + i);
          codes |= static_cast<uint32_t>(kTables.codes_of[triple.sign][triple.index]) << (6 * i);
        }
        const int64_t begin = kQuads * t + quad;
        for (int64_t b = 0; b < 3 && begin + b < row_bytes; ++b) {
          i2s[n * row_bytes + begin + b] = static_cast<uint8_t>(codes >> (8 * b));
        }
      }
    }
  }
  for (int64_t n = 1; n <= rows; ++n) i2s[n * row_bytes - 1] = pad_last(i2s[n * row_bytes - 1], K);
}

/** Looks at sixteen rows at a time; a matrix without an invalid triple is the rule. */
void check(const uint8_t* tiles, int64_t N, int64_t K) {
  const int64_t bytes = layout_bytes(kLayout, N, K);
  unsigned bad = 0;
  for (const uint8_t* tile = tiles; tile < tiles + bytes; tile += kBytes) {
    for (int64_t triple = 0; triple < kTriples; ++triple) {
      for (int64_t n = 0; n < kRows; ++n) bad |= !t3_triple(tile, n, triple).valid();
    }
  }
  if (bad != 0) fail_at_invalid_triple(tiles, N, K);
}

}  // namespace

int t3_tiled_code(const uint8_t* tile, int64_t n, int64_t k) { return t3_triple(tile, n, k / 3).code(k % 3); }

const LayoutCodec t3_tiled_codec = {pack, unpack, check};

}  // namespace ternary
