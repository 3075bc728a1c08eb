/** TERNARY_LAYOUT_T5_TILED: bytes of five codes. */
#include <cinttypes>
#include <cstring>

#include "abi/t5.h"
#include "core/base/failure.h"
#include "core/weights/i2s.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

constexpr ternary_layout kLayout = TERNARY_LAYOUT_T5_TILED;
constexpr int64_t kRows = traits(kLayout).rows, kColumns = traits(kLayout).columns, kBytes = traits(kLayout).bytes;

/** What the conversions look up, so that 50 million weights take a tenth of a second. */
struct Tables {
  uint8_t byte_of[243];    ///< by v
  uint64_t codes_of[256];  ///< by byte: code i at bits 8 * i
  uint8_t invalid[256];    ///< by byte: 1 if no v has it
};

constexpr Tables make_tables() {
  Tables tables = {};
  for (int v = 0; v < 243; ++v) tables.byte_of[v] = t5_byte(v);
  for (int byte = 0; byte < 256; ++byte) {
    tables.invalid[byte] = !t5_valid(static_cast<uint8_t>(byte));
    for (int i = 0; i < 5; ++i) {
      tables.codes_of[byte] |= static_cast<uint64_t>(t5_code(static_cast<uint8_t>(byte), i)) << (8 * i);
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

/** Throws for the first invalid byte with a code of the matrix; returns if only padding is invalid. */
void fail_at_invalid_byte(const uint8_t* tiles, int64_t N, int64_t K) {
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t t = 0; t < ceil_div(K, kColumns); ++t) {
      const uint8_t* bytes = tiles + (n / kRows * ceil_div(K, kColumns) + t) * kBytes + 4 * (n % kRows);
      for (int64_t j = 0; j < 4 && kColumns * t + j < K; ++j) {
        if (!kTables.invalid[bytes[j]]) continue;
        const int64_t k = kColumns * t + j;
        fail(TERNARY_INVALID_ARGUMENT,
             "the T5 byte at row %" PRId64 ", column %" PRId64
             " is %d, which none of the 243 values of five codes gives",
             n, k, bytes[j]);
      }
    }
  }
}

void pack(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t) {
    for (int64_t n = 0; n < kRows; ++n, panel += 4) {
      // Five bytes of I2S are the tile's five steps of four columns. Each byte of `values` is a v of at most 242.
      uint32_t values = 0;
      for (int64_t i = 0; i < 5; ++i) values = 3 * values + spread(byte(n, 5 * t + i));
      for (int j = 0; j < 4; ++j) panel[j] = kTables.byte_of[values >> (8 * j) & 0xff];
    }
  }
}

void unpack(const uint8_t* panel, int64_t first, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t, panel += kBytes) {
    const int64_t begin = 5 * t, count = row_bytes - begin < 5 ? row_bytes - begin : 5;
    for (int64_t n = 0; n < rows; ++n) {
      uint64_t five = 0;  // bytes of I2S
      for (int j = 0; j < 4; ++j) five |= kTables.codes_of[panel[4 * (first + n) + j]] << (2 * j);
      for (int64_t i = 0; i < count; ++i) i2s[n * row_bytes + begin + i] = static_cast<uint8_t>(five >> (8 * i));
    }
  }
  for (int64_t n = 1; n <= rows; ++n) i2s[n * row_bytes - 1] = pad_last(i2s[n * row_bytes - 1], K);
}

void check(const uint8_t* tiles, int64_t N, int64_t K) {
  const int64_t bytes = layout_bytes(kLayout, N, K);
  unsigned bad = 0;
  for (int64_t b = 0; b < bytes; ++b) bad |= kTables.invalid[tiles[b]];
  if (bad != 0) fail_at_invalid_byte(tiles, N, K);
}

}  // namespace

int t5_tiled_code(const uint8_t* tile, int64_t n, int64_t k) { return t5_code(tile[4 * n + k % 4], k / 4); }

const LayoutCodec t5_tiled_codec = {pack, unpack, check};

}  // namespace ternary
