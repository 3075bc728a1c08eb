// Two by two tiles of sums: each tile of X and each tile of decoded W serves two products. A chunk of K of two panels of
// W is decoded once into scratch (second-level cache) and used by up to 128 rows of X.
//
// A tile of W is 64 columns of K of a panel, a row of the tile four columns: exactly 16 steps of the decoded layout. A
// tile of X is 16 rows of q as they lie. tdpbsud multiplies signed by unsigned, so codes need no correction beyond the
// usual sum of q.

#include "cpu/avx512vnni/decoded_codes.h"

namespace ternary::cpu {
namespace {

constexpr int kTileRows = 16;
constexpr int64_t kTileK = 64;          ///< columns of K in a tile
constexpr int64_t kTileBytes = 1024;

/** Operand of ldtilecfg. */
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64, "the processor reads 64 bytes");

/** For 1 to 32 rows of X: tiles 0 to 3 are sums (row-major), 4 and 5 are X, 6 and 7 are W. */
struct TileConfigs {
  TileConfig of_rows[2 * kTileRows + 1];
};

constexpr TileConfigs make_configs() {
  TileConfigs configs = {};
  for (int rows = 1; rows <= 2 * kTileRows; ++rows) {
    TileConfig& config = configs.of_rows[rows];
    const int first = rows < kTileRows ? rows : kTileRows, second = rows - first;
    const int tile_rows[8] = {first, first, second, second, first, second, kTileRows, kTileRows};
    config.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
      config.rows[tile] = static_cast<uint8_t>(tile_rows[tile]);
      config.row_bytes[tile] = tile_rows[tile] ? 64 : 0;
    }
  }
  return configs;
}

// Static: GCC 12's _tile_loadconfig tells the compiler of 8 of the 64 bytes, so a local one may be half written.
constexpr TileConfigs kConfigs = make_configs();

/** GCC's tile loads do not say that they read memory: nothing stored before may be moved behind them. */
inline void finish_stores() { __asm__ volatile("" ::: "memory"); }

struct Tiles {
  using Sum = int32_t;
  static constexpr int64_t kRows = 128, kColumns = 32;
  static constexpr int64_t kChunkTiles = 128;  ///< 2048 columns: reloading sums then costs less than a tenth
  static constexpr int64_t kPanelBytes = 256 * kChunkTiles;
  static constexpr int64_t kDecodedBytes = 2 * kPanelBytes;

  static void accumulate(const Block& b, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto* codes = static_cast<uint8_t*>(decoded);
    const int64_t ldq = b.task.ldq, tiles = ceil_div(k_end - k_begin, kTile);
    for (int64_t first = 0; first < tiles; first += kChunkTiles) {
      const int64_t count = tiles - first < kChunkTiles ? tiles - first : kChunkTiles;
      const int64_t k = k_begin + first * kTile;
      decode(tiles_at(b.task, b.n, k), count, codes);
      decode(tiles_at(b.task, b.n + 16 * (b.panels - 1), k), count, codes + kPanelBytes);
      finish_stores();
      const int64_t steps = ceil_div(count * kTile, kTileK);
      int64_t configured = 0;
      for (int64_t i = 0; i < b.rows; i += 2 * kTileRows) {
        const int64_t rows = b.rows - i < 2 * kTileRows ? b.rows - i : 2 * kTileRows;
        if (rows != configured) _tile_loadconfig(&kConfigs.of_rows[rows]);
        configured = rows;
        const int8_t* q = b.task.q + (b.m + i) * ldq + k;
        if (rows > kTileRows) {
          multiply<true>(codes, steps, q, ldq, sums + i * kColumns);
        } else {
          multiply<false>(codes, steps, q, ldq, sums + i * kColumns);
        }
      }
    }
  }

 private:
  /** Decodes a panel; what is missing of its last 64 columns is zero. */
  static void decode(const uint8_t* w, int64_t tiles, uint8_t* codes) {
    I2sCodes::decode(w, tiles, codes, 64);
    const int64_t missing = round_up(tiles * kTile, kTileK) / kTile - tiles;
    std::memset(codes + 256 * tiles, 0, static_cast<size_t>(256 * missing));
  }

  /** Adds up to 16 (kBoth: 17 to 32) rows of X times both panels to sums [rows][32]. */
  template <bool kBoth>
  __attribute__((noinline)) static void multiply(const uint8_t* codes, int64_t steps, const int8_t* q, int64_t ldq,
                                                 int32_t* sums) {
    constexpr int64_t kSumStride = kColumns * static_cast<int64_t>(sizeof(int32_t));
    int32_t* second = sums + kTileRows * kColumns;
    _tile_loadd(0, sums, kSumStride);
    _tile_loadd(1, sums + 16, kSumStride);
    if (kBoth) {
      _tile_loadd(2, second, kSumStride);
      _tile_loadd(3, second + 16, kSumStride);
    }
    for (int64_t step = 0; step < steps; ++step, q += kTileK, codes += kTileBytes) {
      _tile_loadd(4, q, ldq);
      _tile_loadd(6, codes, 64);
      _tile_loadd(7, codes + kPanelBytes, 64);
      _tile_dpbsud(0, 4, 6);
      _tile_dpbsud(1, 4, 7);
      if (kBoth) {
        _tile_loadd(5, q + kTileRows * ldq, ldq);
        _tile_dpbsud(2, 5, 6);
        _tile_dpbsud(3, 5, 7);
      }
    }
    _tile_stored(0, sums, kSumStride);
    _tile_stored(1, sums + 16, kSumStride);
    if (kBoth) {
      _tile_stored(2, second, kSumStride);
      _tile_stored(3, second + 16, kSumStride);
    }
  }
};

}  // namespace

void gemm_a8_i2s_32x32__amx(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end,
                            void* scratch) {
  gemm<Tiles>(task, m_begin, m_end, n_begin, n_end, scratch);
  _tile_release();  // 8 KiB less for every context switch, and the core may sleep deeply
}

int64_t gemm_a8_i2s_32x32__amx_scratch(int64_t M, int64_t N, int64_t K) { return Workspace<Tiles>::bytes(M, N, K); }

}  // namespace ternary::cpu
