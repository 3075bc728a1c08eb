#include "core/weights/layout.h"

#include <cinttypes>
#include <cstring>
#include <vector>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/i2s.h"

namespace ternary {
namespace {

bool has_code_3(uint8_t byte) { return (byte & byte >> 1 & 0x55) != 0; }

/** Dword n of a tile takes bytes 4t ... 4t+3 of row n, one each shift. */
void tiles_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* tiles) {
  const I2sRows byte{i2s, rows, K, ceil_div(K, 4)};
  for (int64_t t = 0; t < ceil_div(K, kTile); ++t) {
    for (int64_t n = 0; n < kTile; ++n, tiles += 4) {
      uint32_t word = 0;
      for (int64_t s = 0; s < 4; ++s) word |= spread(byte(n, 4 * t + s)) << (2 * s);
      std::memcpy(tiles, &word, sizeof word);
    }
  }
}

void i2s_from_tiles(const uint8_t* source, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t t = 0; t < ceil_div(K, kTile); ++t, source += 64) {
    for (int64_t n = 0; n < rows; ++n) {
      uint32_t word;
      std::memcpy(&word, source + 4 * n, sizeof word);
      for (int64_t s = 0; s < 4 && 4 * t + s < row_bytes; ++s) {
        const int64_t b = 4 * t + s;
        const uint8_t byte = gather(word >> (2 * s) & 0x03030303u);
        i2s[n * row_bytes + b] = b == row_bytes - 1 ? pad_last(byte, K) : byte;
      }
    }
  }
}

void copy_i2s(const uint8_t* source, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t row_bytes = ceil_div(K, 4);
  std::memcpy(i2s, source, static_cast<size_t>(rows * row_bytes));
  for (int64_t n = 1; n <= rows; ++n) i2s[n * row_bytes - 1] = pad_last(i2s[n * row_bytes - 1], K);
}

/** Up to 16 rows of a tiled layout to I2S. */
void i2s_from(ternary_layout layout, const uint8_t* tiles, int64_t rows, int64_t K, uint8_t* i2s) {
  if (layout == TERNARY_LAYOUT_T5_TILED) return i2s_from_t5(tiles, rows, K, i2s);
  i2s_from_tiles(tiles, rows, K, i2s);
}

/** Up to 16 rows of I2S to a tiled layout. */
void tiles_of(ternary_layout layout, const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* tiles) {
  if (layout == TERNARY_LAYOUT_T5_TILED) return t5_from_i2s(i2s, rows, K, tiles);
  tiles_from_i2s(i2s, rows, K, tiles);
}

/** Bytes of the tiles of 16 rows. */
int64_t tile_row_bytes(ternary_layout layout, int64_t K) { return ceil_div(K, tile_columns(layout)) * 64; }

/** Throws at the first code 3 of rows from `first` on; returns if there is none, only padding. */
void fail_at_code_3(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K, int64_t first) {
  for (int64_t n = first; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      if (code_at(codes, layout, K, n, k) == 3) {
        fail(TERNARY_INVALID_ARGUMENT,
             "the code at row %" PRId64 ", column %" PRId64 " is 3; codes are 0, 1 and 2 for weights -1, 0 and +1", n,
             k);
      }
    }
  }
}

void check_i2s_codes(const uint8_t* codes, int64_t N, int64_t K) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t n = 0; n < N; ++n) {
    const uint8_t* row = codes + n * row_bytes;
    unsigned bad = 0;
    for (int64_t b = 0; b < row_bytes - 1; ++b) bad |= row[b] & row[b] >> 1;
    const uint8_t last = pad_last(row[row_bytes - 1], K);
    if ((bad & 0x55) != 0 || has_code_3(last)) fail_at_code_3(codes, TERNARY_LAYOUT_I2S, N, K, n);
  }
}

}  // namespace

void check_shape(int64_t N, int64_t K) {
  if (N < 1 || N > kMaxN) fail(TERNARY_INVALID_ARGUMENT, "N is %" PRId64 "; it must be 1 to %" PRId64, N, kMaxN);
  if (K < 1 || K > kMaxK) fail(TERNARY_INVALID_ARGUMENT, "K is %" PRId64 "; it must be 1 to %" PRId64, K, kMaxK);
}

void check_layout(ternary_layout layout) {
  const int value = layout;  // of C, where any int may arrive
  if (value < 0 || value >= kLayoutCount) {
    fail(TERNARY_INVALID_ARGUMENT, "layout is %d; it must be 0 (I2S), 1 (I2S tiled) or 2 (T5 tiled)", value);
  }
}

int64_t layout_bytes(ternary_layout layout, int64_t N, int64_t K) {
  if (layout == TERNARY_LAYOUT_I2S) return N * ceil_div(K, 4);
  return ceil_div(N, kTile) * tile_row_bytes(layout, K);
}

void check_codes(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K) {
  if (layout == TERNARY_LAYOUT_I2S) return check_i2s_codes(codes, N, K);
  if (layout == TERNARY_LAYOUT_T5_TILED) return check_t5(codes, N, K);
  // A tile without a 3 is the rule, so look at whole bytes first: padding of our own making is never 3.
  const int64_t bytes = layout_bytes(layout, N, K);
  unsigned bad = 0;
  for (int64_t b = 0; b < bytes; ++b) bad |= codes[b] & codes[b] >> 1;
  if ((bad & 0x55) != 0) fail_at_code_3(codes, layout, N, K, 0);
}

void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout) {
  const int64_t row_bytes = ceil_div(K, 4);
  const bool from_i2s = source_layout == TERNARY_LAYOUT_I2S, to_i2s = target_layout == TERNARY_LAYOUT_I2S;
  // Tiles to tiles, also of one layout, go through I2S, which sets the padding.
  std::vector<uint8_t> staging(from_i2s || to_i2s ? 0 : kTile * row_bytes);
  for (int64_t n = 0; n < N; n += kTile) {
    const int64_t rows = N - n < kTile ? N - n : kTile;
    const uint8_t* i2s = source + n * row_bytes;
    if (!from_i2s) {
      uint8_t* rows_of_i2s = to_i2s ? target + n * row_bytes : staging.data();
      i2s_from(source_layout, source + n / kTile * tile_row_bytes(source_layout, K), rows, K, rows_of_i2s);
      i2s = rows_of_i2s;
    } else if (to_i2s) {
      copy_i2s(i2s, rows, K, target + n * row_bytes);
    }
    if (!to_i2s) tiles_of(target_layout, i2s, rows, K, target + n / kTile * tile_row_bytes(target_layout, K));
  }
}

}  // namespace ternary

using namespace ternary;

ternary_status ternary_layout_bytes(ternary_layout layout, int64_t N, int64_t K, int64_t* bytes) {
  return guarded([&] {
    check_pointer("bytes", bytes, alignof(int64_t));
    check_layout(layout);
    check_shape(N, K);
    *bytes = layout_bytes(layout, N, K);
  });
}

ternary_status ternary_pack(const int8_t* w, int64_t ldw, int64_t N, int64_t K, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("w", w, 1);
    check_pointer("i2s", i2s, 1);
    check_shape(N, K);
    check_stride("ldw", ldw, K, N, 1);
    check_no_overlap("i2s", i2s, layout_bytes(TERNARY_LAYOUT_I2S, N, K), "w", w, (N - 1) * ldw + K);
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        const int value = w[n * ldw + k];
        if (value < -1 || value > 1) {
          fail(TERNARY_INVALID_ARGUMENT,
               "the weight at row %" PRId64 ", column %" PRId64 " is %d; it must be -1, 0 or 1", n, k, value);
        }
      }
    }
    write_i2s(N, K, i2s, [&](int64_t n, int64_t k) { return w[n * ldw + k] + 1; });
  });
}

ternary_status ternary_unpack(const uint8_t* i2s, int64_t N, int64_t K, int8_t* w, int64_t ldw) {
  return guarded([&] {
    check_pointer("i2s", i2s, 1);
    check_pointer("w", w, 1);
    check_shape(N, K);
    check_stride("ldw", ldw, K, N, 1);
    const int64_t row_bytes = ceil_div(K, 4);
    check_no_overlap("w", w, (N - 1) * ldw + K, "i2s", i2s, N * row_bytes);
    check_codes(i2s, TERNARY_LAYOUT_I2S, N, K);
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        w[n * ldw + k] = static_cast<int8_t>((i2s[n * row_bytes + k / 4] >> (2 * (k % 4)) & 3) - 1);
      }
    }
  });
}

ternary_status ternary_repack(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K,
                              uint8_t* target, ternary_layout target_layout) {
  return guarded([&] {
    check_pointer("source", source, 1);
    check_pointer("target", target, 1);
    check_layout(source_layout);
    check_layout(target_layout);
    check_shape(N, K);
    check_no_overlap("target", target, layout_bytes(target_layout, N, K), "source", source,
                     layout_bytes(source_layout, N, K));
    check_codes(source, source_layout, N, K);
    convert_codes(source, source_layout, N, K, target, target_layout);
  });
}

ternary_status ternary_pack_bitnet(const uint8_t* packed, int64_t N, int64_t K, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("packed", packed, 1);
    check_pointer("i2s", i2s, 1);
    check_shape(N, K);
    const int64_t packed_rows = ceil_div(N, 4);
    check_no_overlap("i2s", i2s, layout_bytes(TERNARY_LAYOUT_I2S, N, K), "packed", packed, packed_rows * K);
    const auto code = [&](int64_t n, int64_t k) {
      return packed[n % packed_rows * K + k] >> (2 * (n / packed_rows)) & 3;
    };
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        if (code(n, k) == 3) {
          fail(TERNARY_INVALID_ARGUMENT,
               "the code of row %" PRId64 ", column %" PRId64 " is 3; codes are 0, 1 and 2 for weights -1, 0 and +1", n,
               k);
        }
      }
    }
    write_i2s(N, K, i2s, code);
  });
}
