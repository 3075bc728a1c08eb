/** TERNARY_LAYOUT_I2S_TILED: dword n of a tile takes bytes 4t ... 4t+3 of row n, one each shift. */
#include <cstring>

#include "core/weights/i2s.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

constexpr ternary_layout kLayout = TERNARY_LAYOUT_I2S_TILED;
constexpr int64_t kRows = traits(kLayout).rows, kColumns = traits(kLayout).columns, kBytes = traits(kLayout).bytes;

void pack(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* panel) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t) {
    for (int64_t n = 0; n < kRows; ++n, panel += 4) {
      uint32_t word = 0;
      for (int64_t s = 0; s < 4; ++s) word |= spread(byte(n, 4 * t + s)) << (2 * s);
      std::memcpy(panel, &word, sizeof word);
    }
  }
}

void unpack(const uint8_t* panel, int64_t first, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t t = 0; t < ceil_div(K, kColumns); ++t, panel += kBytes) {
    for (int64_t n = 0; n < rows; ++n) {
      uint32_t word;
      std::memcpy(&word, panel + 4 * (first + n), sizeof word);
      for (int64_t s = 0; s < 4 && 4 * t + s < row_bytes; ++s) {
        const int64_t b = 4 * t + s;
        const uint8_t byte = gather(word >> (2 * s) & 0x03030303u);
        i2s[n * row_bytes + b] = b == row_bytes - 1 ? pad_last(byte, K) : byte;
      }
    }
  }
}

/** A matrix without a 3 is the rule, so whole bytes are looked at first: padding of our own making is never 3. */
void check(const uint8_t* codes, int64_t N, int64_t K) {
  const int64_t bytes = layout_bytes(kLayout, N, K);
  unsigned threes = 0;
  for (int64_t b = 0; b < bytes; ++b) threes |= threes_of(codes[b]);
  if (threes != 0) fail_at_code_3(codes, kLayout, N, K, 0);
}

}  // namespace

int i2s_tiled_code(const uint8_t* tile, int64_t n, int64_t k) { return tile[4 * n + k % 4] >> (2 * (k / 4)) & 3; }

const LayoutCodec i2s_tiled_codec = {pack, unpack, check};

}  // namespace ternary
