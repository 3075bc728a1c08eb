/** TERNARY_LAYOUT_I2S: rows of bytes of four codes. A tile is a byte, a panel a row. */
#include "core/weights/i2s.h"

#include <cstring>

#include "core/weights/layout.h"

namespace ternary {
namespace {

void pack(const uint8_t* i2s, int64_t, int64_t K, uint8_t* panel) {
  const int64_t row_bytes = ceil_div(K, 4);
  std::memcpy(panel, i2s, static_cast<size_t>(row_bytes));
  panel[row_bytes - 1] = pad_last(panel[row_bytes - 1], K);
}

void unpack(const uint8_t* panel, int64_t, int64_t rows, int64_t K, uint8_t* i2s) { pack(panel, rows, K, i2s); }

void check(const uint8_t* codes, int64_t N, int64_t K) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t n = 0; n < N; ++n) {
    const uint8_t* row = codes + n * row_bytes;
    unsigned threes = threes_of(pad_last(row[row_bytes - 1], K));
    for (int64_t b = 0; b < row_bytes - 1; ++b) threes |= threes_of(row[b]);
    if (threes != 0) fail_at_code_3(codes, TERNARY_LAYOUT_I2S, N, K, n);
  }
}

}  // namespace

int i2s_code(const uint8_t* tile, int64_t, int64_t k) { return *tile >> (2 * k) & 3; }

const LayoutCodec i2s_codec = {pack, unpack, check};

}  // namespace ternary
