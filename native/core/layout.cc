#include "core/layout.h"

#include <cinttypes>
#include <cstring>
#include <vector>

#include "core/argument.h"
#include "core/failure.h"

namespace ternary {
namespace {

/** Four codes 1: weight 0 in each place. */
constexpr uint8_t kZeroWeights = 0x55;

/** Spreads the four codes of an I2S byte over a 32-bit word, the code of column j in byte j. */
inline uint32_t spread(uint8_t byte) {
  const uint32_t b = byte;
  return (b & 3) | (b & 0x0c) << 6 | (b & 0x30) << 12 | (b & 0xc0) << 18;
}

/** Undoes spread(). */
inline uint8_t gather(uint32_t word) {
  return static_cast<uint8_t>((word & 3) | (word >> 6 & 0x0c) | (word >> 12 & 0x30) | (word >> 18 & 0xc0));
}

/** The last byte of a row with the columns beyond K set to code 1. */
inline uint8_t pad_last(uint8_t byte, int64_t K) {
  const int used = static_cast<int>(K % 4) * 2;
  if (used == 0) return byte;
  const uint8_t mask = static_cast<uint8_t>((1 << used) - 1);
  return static_cast<uint8_t>((byte & mask) | (kZeroWeights & ~mask));
}

bool has_code_3(uint8_t byte) { return (byte & byte >> 1 & 0x55) != 0; }

/** One row of tiles: 16 rows of I2S, dword n of a tile takes bytes 4t ... 4t+3 of row n, one each shift. */
void tile_rows(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* target) {
  const int64_t row_bytes = ceil_div(K, 4);
  for (int64_t t = 0; t < ceil_div(K, kTile); ++t, target += 64) {
    for (int64_t n = 0; n < kTile; ++n) {
      uint32_t word = 0;
      for (int64_t s = 0; s < 4; ++s) {
        const int64_t b = 4 * t + s;
        uint8_t byte = kZeroWeights;
        if (n < rows && b < row_bytes) {
          byte = i2s[n * row_bytes + b];
          if (b == row_bytes - 1) byte = pad_last(byte, K);
        }
        word |= spread(byte) << (2 * s);
      }
      std::memcpy(target + 4 * n, &word, sizeof word);
    }
  }
}

void untile_rows(const uint8_t* source, int64_t rows, int64_t K, uint8_t* i2s) {
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

/** Throws at the first code 3 of rows from `first` on; returns if there is none, only padding. */
void fail_at_code_3(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K, int64_t first) {
  for (int64_t n = first; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      if (code_at(codes, layout, K, n, k) == 3) {
        fail(TERNARY_INVALID_ARGUMENT,
             "the code at row %" PRId64 ", column %" PRId64 " is 3; codes are 0, 1 and 2 for weights -1, 0 and +1", n, k);
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
  if (layout != TERNARY_LAYOUT_I2S && layout != TERNARY_LAYOUT_I2S_TILED) {
    fail(TERNARY_INVALID_ARGUMENT, "layout is %d; it must be 0 (I2S) or 1 (I2S tiled)", static_cast<int>(layout));
  }
}

int64_t layout_bytes(ternary_layout layout, int64_t N, int64_t K) {
  if (layout == TERNARY_LAYOUT_I2S) return N * ceil_div(K, 4);
  return ceil_div(N, kTile) * ceil_div(K, kTile) * 64;
}

void check_codes(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K) {
  if (layout == TERNARY_LAYOUT_I2S) return check_i2s_codes(codes, N, K);
  // A tile without a 3 is the rule, so look at whole bytes first: padding of our own making is never 3.
  const int64_t bytes = layout_bytes(layout, N, K);
  unsigned bad = 0;
  for (int64_t b = 0; b < bytes; ++b) bad |= codes[b] & codes[b] >> 1;
  if ((bad & 0x55) != 0) fail_at_code_3(codes, layout, N, K, 0);
}

void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout) {
  const int64_t row_bytes = ceil_div(K, 4);
  if (source_layout == target_layout && source_layout == TERNARY_LAYOUT_I2S) {
    std::memcpy(target, source, N * row_bytes);
    if (K % 4 != 0) {
      for (int64_t n = 0; n < N; ++n) {
        uint8_t& last = target[(n + 1) * row_bytes - 1];
        last = pad_last(last, K);
      }
    }
    return;
  }
  const int64_t tile_row_bytes = ceil_div(K, kTile) * 64;
  // Tiled to tiled goes through I2S, which sets the padding.
  std::vector<uint8_t> staging(source_layout == target_layout ? kTile * row_bytes : 0);
  for (int64_t n = 0; n < N; n += kTile) {
    const int64_t rows = N - n < kTile ? N - n : kTile;
    const int64_t tiles = n / kTile * tile_row_bytes;
    if (source_layout == TERNARY_LAYOUT_I2S) {
      tile_rows(source + n * row_bytes, rows, K, target + tiles);
    } else if (staging.empty()) {
      untile_rows(source + tiles, rows, K, target + n * row_bytes);
    } else {
      untile_rows(source + tiles, rows, K, staging.data());
      tile_rows(staging.data(), rows, K, target + tiles);
    }
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
