#include "cpu/emulation/tiles.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ternary::cpu {
namespace {

constexpr int kTiles = 8, kMostRows = 16, kMostBytes = 64;  // palette 1

struct Tile {
  int rows, row_bytes;
  uint8_t data[kMostRows][kMostBytes];
};

struct TileState {
  bool configured;
  Tile tiles[kTiles];
};

thread_local TileState state;

Tile& tile_at(int tile) {
  if (!state.configured) fault("a tile instruction without a tile configuration");
  if (tile < 0 || tile >= kTiles) fault("no such tile");
  if (state.tiles[tile].rows == 0) fault("a tile that the configuration leaves out");
  return state.tiles[tile];
}

int32_t dot(const uint8_t* a, const uint8_t* b) {
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<int8_t>(a[i]) * b[i];
  return sum;
}

}  // namespace

void fault(const char* what) {
  std::fprintf(stderr, "emulated processor: %s\n", what);
  std::abort();
}

void load_tile_config(const void* config) {
  uint8_t bytes[64];
  std::memcpy(bytes, config, sizeof bytes);
  state = TileState();
  if (bytes[0] == 0) return;
  if (bytes[0] != 1) fault("ldtilecfg: palette");
  for (int i = 2; i < 16; ++i) {
    if (bytes[i]) fault("ldtilecfg: reserved bytes");
  }
  for (int i = 0; i < 16; ++i) {
    uint16_t row_bytes;
    std::memcpy(&row_bytes, bytes + 16 + 2 * i, sizeof row_bytes);
    const uint8_t rows = bytes[48 + i];
    if (row_bytes > kMostBytes || rows > kMostRows || (i >= kTiles && (rows || row_bytes)))
      fault("ldtilecfg: tile size");
    if ((rows == 0) != (row_bytes == 0)) fault("ldtilecfg: a tile half left out");
    if (i >= kTiles) continue;
    state.tiles[i].rows = rows;
    state.tiles[i].row_bytes = row_bytes;
  }
  state.configured = true;
}

void release_tiles() { state = TileState(); }

void load_tile(int tile, const void* base, long stride) {
  Tile& target = tile_at(tile);
  std::memset(target.data, 0, sizeof target.data);
  for (int row = 0; row < target.rows; ++row) {
    std::memcpy(target.data[row], static_cast<const uint8_t*>(base) + row * stride,
                static_cast<size_t>(target.row_bytes));
  }
}

void store_tile(int tile, void* base, long stride) {
  const Tile& source = tile_at(tile);
  for (int row = 0; row < source.rows; ++row) {
    std::memcpy(static_cast<uint8_t*>(base) + row * stride, source.data[row], static_cast<size_t>(source.row_bytes));
  }
}

void multiply_tiles(int sums, int a, int b) {
  if (sums == a || sums == b || a == b) fault("tdpbsud: one tile twice");
  Tile& result = tile_at(sums);
  const Tile &left = tile_at(a), &right = tile_at(b);
  if (result.rows != left.rows || result.row_bytes != right.row_bytes || left.row_bytes != 4 * right.rows ||
      result.row_bytes % 4 != 0) {
    fault("tdpbsud: sizes do not match");
  }
  for (int m = 0; m < result.rows; ++m) {
    for (int k = 0; k < right.rows; ++k) {
      for (int n = 0; n < result.row_bytes / 4; ++n) {
        uint32_t sum;
        std::memcpy(&sum, result.data[m] + 4 * n, sizeof sum);
        sum += static_cast<uint32_t>(dot(left.data[m] + 4 * k, right.data[k] + 4 * n));
        std::memcpy(result.data[m] + 4 * n, &sum, sizeof sum);
      }
    }
  }
}

}  // namespace ternary::cpu
