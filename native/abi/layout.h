/**
 * @file layout.h
 * @brief The tiles of the weight layouts, from layouts.inc, and what follows from them: bytes, padding, bits a weight.
 */
#ifndef TERNARY_ABI_LAYOUT_H_
#define TERNARY_ABI_LAYOUT_H_

#include <cstdint>

#include "ternary/ternary.h"

namespace ternary {

inline constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
inline constexpr int64_t ceil_div(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

/** How a byte holds codes: what kernels decode and measured values are kept by. */
enum class Encoding : uint8_t {
  i2s,  ///< four codes of two bits
  t5,   ///< five base-3 digits
  t3    ///< three codes as a sign and an index of four bits
};

/** A row of layouts.inc. */
struct LayoutTraits {
  ternary_layout value;
  const char* name;   ///< "i2s_tiled"
  const char* words;  ///< "I2S tiled"
  Encoding encoding;
  int64_t rows, columns, bytes;  ///< of a tile
};

inline constexpr LayoutTraits kLayoutTraits[] = {
#define LAYOUT(value, name, words, encoding, rows, columns, bytes) \
  {TERNARY_LAYOUT_##value, #name, words, Encoding::encoding, rows, columns, bytes},
#include "abi/layouts.inc"
#undef LAYOUT
};
inline constexpr int kLayoutCount = sizeof kLayoutTraits / sizeof kLayoutTraits[0];

/** The row of a layout, which must be one of the enum's. */
inline constexpr const LayoutTraits& traits(ternary_layout layout) { return kLayoutTraits[layout]; }

/** Codes that five bytes hold. */
inline constexpr int64_t codes_of_five_bytes(Encoding encoding) {
  return encoding == Encoding::i2s ? 20 : encoding == Encoding::t5 ? 25 : 24;
}

/** Whether each row stands at the place of its value, and holds as many codes as its bytes can. */
inline constexpr bool layouts_are_consistent() {
  for (int i = 0; i < kLayoutCount; ++i) {
    const LayoutTraits& row = kLayoutTraits[i];
    if (row.value != i || row.rows * row.columns * 5 != row.bytes * codes_of_five_bytes(row.encoding)) return false;
  }
  return true;
}
static_assert(layouts_are_consistent());

/** Columns of K that a tile covers. */
inline constexpr int64_t tile_columns(ternary_layout layout) { return traits(layout).columns; }

/** Bytes of the tiles of one row of tiles. */
inline constexpr int64_t panel_bytes(ternary_layout layout, int64_t K) {
  return ceil_div(K, traits(layout).columns) * traits(layout).bytes;
}

/** Bytes of an [N, K] matrix. */
inline constexpr int64_t layout_bytes(ternary_layout layout, int64_t N, int64_t K) {
  return ceil_div(N, traits(layout).rows) * panel_bytes(layout, K);
}

/** Bits of a weight in whole tiles. */
inline constexpr double bits_per_weight(ternary_layout layout) {
  const LayoutTraits& row = traits(layout);
  return 8.0 * static_cast<double>(row.bytes) / static_cast<double>(row.rows * row.columns);
}

/** q rows are padded with zeros to a multiple of this many int8, f rows to as many floats: kernels read whole
 *  vectors. */
inline constexpr int64_t kRowPadding = 64;

/** Columns of q and f rows, zeros beyond K, that kernels of a layout may read: whole tiles and whole vectors. */
inline constexpr int64_t padded_columns(ternary_layout layout, int64_t K) {
  return round_up(round_up(K, tile_columns(layout)), kRowPadding);
}

/** Rows of W whose alpha per group lies together (group_alpha() in kernel.h); rows of a tile of the tiled layouts, and
 *  columns of an I2S tile. */
inline constexpr int64_t kTile = 16;

}  // namespace ternary

#endif  // TERNARY_ABI_LAYOUT_H_
