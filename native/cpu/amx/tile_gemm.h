/**
 * @file tile_gemm.h
 * @brief A8 products with AMX's tile registers, for every layout that decodes to steps of four columns; include a
 * Codes first.
 *
 * A register of W is 16 steps of decoded codes: 64 columns of K of a panel. A register of X is 16 rows of q as they
 * lie. tdpbsud multiplies signed by unsigned, so codes need no correction beyond the usual sum of q.
 *
 * Reasoned, since no machine with AMX was at hand; cycles of Sapphire Rapids (Intel's optimisation manual): tdpbsud 16
 * for 16 rows of X, a tile load 8 from the L1 cache (16 lines, two a cycle), a tile store 16, a zmm store 1, a zmm
 * operation 1/2. Decoding a register of W from I2S is 28 operations and 16 stores, 16 cycles of ports that products do
 * not use. The limit we are held against is a 2 x 2 loop on 16 KiB of operands: one tile load a product. Per register
 * of W:
 *
 *     rows of X                     16 (1 x 4)           64 (2 x 2)     128 (2 x 2)
 *     products                      16                   64             128
 *     tile loads                    8 + 8/4 = 10         2 * 16 = 32    4 * 16 = 64     (the limit's: 8, 32, 64)
 *     decoding                      16                   16             16
 *     limit / all overlapped        16 / 16 = 1          64 / 64 = 1    128 / 128 = 1
 *     limit / loads overlapped      16 / 32 = 0.50       64 / 80 = 0.80   128 / 144 = 0.89
 *     limit / nothing overlapped    24 / 42 = 0.57       96 / 112 = 0.86  192 / 208 = 0.92
 *
 * So decoding may cost no more than this even if none of it hides. It should hide: W is decoded kRegistersAhead
 * registers before it is multiplied, between the products, because such a load is not forwarded from the store buffer
 * and the reorder window (512 entries, three of them) does not reach over a whole panel's decoding. Not in the table:
 * loading and storing the sums' registers (up to 32 rows once for all of K; beyond, once for a chunk of K: 24 cycles
 * for ten products, no product depends on them but the next on the same sums) and the epilogue of gemm.h.
 *
 * A chunk is as long as keeps its W (20 KiB) in the L1 cache while X (20 KiB for 32 rows) streams from the second-level
 * cache: 32 lines for 64 cycles of products.
 */
#ifndef TERNARY_CPU_AMX_TILE_GEMM_H_
#define TERNARY_CPU_AMX_TILE_GEMM_H_

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

constexpr int kRegisterRows = 16;
constexpr int64_t kRegisterColumns = 64;  ///< of K, in a register of X or W
constexpr int64_t kRegisterBytes = 1024;
constexpr int64_t kRegisterSteps = kRegisterColumns / 4;
constexpr int64_t kRegistersAhead = 2;

/** Operand of ldtilecfg. */
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64, "the processor reads 64 bytes");

/**
 * For 1 to 32 rows of X. Registers 0 to 3 are sums: up to 16 rows, of four panels, with X in 4 and W in 5 to 7;
 * beyond, of two panels and the first 16 rows, then the others, with X in 4 and 5, W in 6 and 7.
 */
struct TileConfigs {
  TileConfig of_rows[2 * kRegisterRows + 1];
};

constexpr TileConfigs make_configs() {
  TileConfigs configs = {};
  for (int rows = 1; rows <= 2 * kRegisterRows; ++rows) {
    TileConfig& config = configs.of_rows[rows];
    const int first = rows < kRegisterRows ? rows : kRegisterRows;
    const bool both = rows > kRegisterRows;
    const int others = both ? rows - kRegisterRows : first;
    const int register_rows[8] = {first,         first,        others, others, first, both ? others : kRegisterRows,
                                  kRegisterRows, kRegisterRows};
    config.palette = 1;
    for (int i = 0; i < 8; ++i) {
      config.rows[i] = static_cast<uint8_t>(register_rows[i]);
      config.row_bytes[i] = 64;
    }
  }
  return configs;
}

// Static: GCC 12's _tile_loadconfig tells the compiler of 8 of the 64 bytes, so a local one may be half written.
constexpr TileConfigs kConfigs = make_configs();

/** GCC's loads of registers do not say that they read memory: nothing stored before may be moved behind them. */
inline void finish_stores() { __asm__ volatile("" ::: "memory"); }

/**
 * kPanels panels of W, decoded register by register into a ring. A panel's operands lie one after another, and panels a
 * multiple of 4096 bytes apart, so that no load has the address bits 0 to 11 of a store shortly before.
 */
template <class Codes, int kPanels>
class DecodedPanels {
  using Tile = typename Codes::Tile;

 public:
  static constexpr int64_t kRingRegisters = 20 / kPanels;
  static constexpr int64_t kRingBytes = kRingRegisters * kRegisterBytes;
  // A chunk that begins inside a tile of W has up to four steps before its first and as many after its last.
  static constexpr int64_t kMarginBytes = 4 * 64;
  static constexpr int64_t kPanelBytes = round_up(kRingBytes + 2 * kMarginBytes, 4096);
  static_assert(kRingRegisters * kRegisterSteps % Tile::kSteps == 0, "whole tiles of W in the ring");
  static_assert(kRingRegisters > kRegistersAhead, "room for what is decoded ahead");

  /** Columns k_begin ... k_end; more than kRingRegisters registers only if k_begin begins a tile of W. */
  DecodedPanels(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end, uint8_t* codes)
      : skipped_(k_begin % Tile::kColumns / 4),
        tiles_(ceil_div(k_end - k_begin + 4 * skipped_, Tile::kColumns)),
        prefetch_bytes_(patch.task.prefetch_bytes),
        ring_(codes + kMarginBytes),
        ring_end_(skipped_ > 0 ? nullptr : ring_ + kRingBytes),
        target_(ring_ - 64 * skipped_) {
    for (int p = 0; p < kPanels; ++p) {
      // Panels beyond the patch repeat its last: their sums are not used.
      const int64_t existing = panel + p < patch.panels ? panel + p : patch.panels - 1;
      w_[p] = tiles_at<Tile>(patch.task, patch.n + 16 * existing, k_begin);
    }
  }

  /**
   * Decodes what registers of W up to the `i`th need. Codes beyond k_end may be anything: X is 0 there, or they are not
   * used.
   */
  void decode_through(int64_t i) {
    const int64_t needed = ceil_div(kRegisterSteps * (i + 1) + skipped_, Tile::kSteps);
    const int64_t last = needed < tiles_ ? needed : tiles_;
    for (; next_ < last; ++next_) {
      for (int p = 0; p < kPanels; ++p) {
        const uint8_t* w = w_[p] + 64 * next_;
        _mm_prefetch(reinterpret_cast<const char*>(w + prefetch_bytes_), _MM_HINT_T0);
        Codes::decode(w, 1, target_ + p * kPanelBytes, 64);
      }
      target_ += 64 * Tile::kSteps;
      if (target_ == ring_end_) target_ = ring_;
    }
  }

  /** The first operand of the first panel; the other panels' are kPanelBytes apart. */
  const uint8_t* first() const { return ring_; }
  const uint8_t* after(const uint8_t* operand) const {
    return operand + kRegisterBytes == ring_ + kRingBytes ? ring_ : operand + kRegisterBytes;
  }

 private:
  const int64_t skipped_, tiles_, prefetch_bytes_;
  uint8_t* const ring_;
  uint8_t* const ring_end_;
  uint8_t* target_;
  int64_t next_ = 0;
  const uint8_t* w_[kPanels];
};

/** A Micro: see gemm.h. */
template <class Codes>
struct TileGemm {
  using Sum = int32_t;
  static constexpr int64_t kRows = 128, kColumns = 64;
  static constexpr int64_t kSumStride = kColumns * static_cast<int64_t>(sizeof(Sum));

  template <int kPanels>
  using Panels = DecodedPanels<Codes, kPanels>;

  struct alignas(64) Scratch {
    int64_t configured_rows;  ///< for which the registers are configured; configuring costs as much as twelve products
    alignas(64) uint8_t codes[4 * Panels<4>::kPanelBytes];
  };
  static_assert(sizeof(Scratch::codes) >= 2 * Panels<2>::kPanelBytes, "the ring of two panels fits too");
  static constexpr int64_t kDecodedBytes = sizeof(Scratch);

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, int32_t* sums, void* decoded) {
    auto& scratch = *static_cast<Scratch*>(decoded);
    if (patch.rows <= kRegisterRows && patch.panels > 2) return multiply<4>(patch, 0, k_begin, k_end, sums, scratch);
    for (int64_t panel = 0; panel < patch.panels; panel += 2) {
      multiply<2>(patch, panel, k_begin, k_end, sums + 16 * panel, scratch);
    }
  }

 private:
  /** All rows of the patch by kPanels panels. */
  template <int kPanels>
  static void multiply(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end, int32_t* sums,
                       Scratch& scratch) {
    const bool one_pass = patch.rows <= 2 * kRegisterRows && k_begin % Codes::Tile::kColumns == 0;
    const int64_t chunk = one_pass ? k_end - k_begin : Panels<kPanels>::kRingRegisters * kRegisterColumns;
    const int64_t ldq = patch.task.ldq;
    for (int64_t k = k_begin; k < k_end; k += chunk) {
      const int64_t end = k + chunk < k_end ? k + chunk : k_end, registers = ceil_div(end - k, kRegisterColumns);
      const Panels<kPanels> panels(patch, panel, k, end, scratch.codes);
      for (int64_t i = 0; i < patch.rows; i += 2 * kRegisterRows) {
        const int64_t rows = patch.rows - i < 2 * kRegisterRows ? patch.rows - i : 2 * kRegisterRows;
        configure(scratch, rows);
        const int8_t* q = patch.task.q + (patch.m + i) * ldq + k;
        if (i == 0) {
          multiply_rows<true>(rows, panels, registers, q, ldq, sums);
        } else {
          multiply_rows<false>(rows, panels, registers, q, ldq, sums + i * kColumns);
        }
      }
    }
  }

  static void configure(Scratch& scratch, int64_t rows) {
    if (rows != scratch.configured_rows) _tile_loadconfig(&kConfigs.of_rows[rows]);
    scratch.configured_rows = rows;
  }

  template <bool kDecode, int kPanels>
  static void multiply_rows(int64_t rows, const DecodedPanels<Codes, kPanels>& panels, int64_t registers,
                            const int8_t* q, int64_t ldq, int32_t* sums) {
    if constexpr (kPanels == 2) {
      if (rows > kRegisterRows) return multiply_two_by_two<kDecode>(panels, registers, q, ldq, sums);
    }
    multiply_one_row_of_tiles<kDecode>(panels, registers, q, ldq, sums);
  }

  /** Adds 17 to 32 rows of X times two panels to sums; decodes the panels on the way, or finds them decoded. */
  template <bool kDecode>
  __attribute__((noinline)) static void multiply_two_by_two(Panels<2> panels, int64_t registers, const int8_t* q,
                                                            int64_t ldq, int32_t* sums) {
    constexpr int64_t kPanelBytes = Panels<2>::kPanelBytes;
    int32_t* others = sums + kRegisterRows * kColumns;
    if (kDecode) panels.decode_through(kRegistersAhead - 1);
    _tile_loadd(0, sums, kSumStride);
    _tile_loadd(1, sums + 16, kSumStride);
    _tile_loadd(2, others, kSumStride);
    _tile_loadd(3, others + 16, kSumStride);
    const uint8_t* codes = panels.first();
    for (int64_t i = 0; i < registers; ++i, q += kRegisterColumns, codes = panels.after(codes)) {
      if (kDecode) panels.decode_through(i + kRegistersAhead);
      finish_stores();
      _tile_loadd(6, codes, 64);
      _tile_loadd(4, q, ldq);
      _tile_dpbsud(0, 4, 6);
      _tile_loadd(7, codes + kPanelBytes, 64);
      _tile_dpbsud(1, 4, 7);
      _tile_loadd(5, q + kRegisterRows * ldq, ldq);
      _tile_dpbsud(2, 5, 6);
      _tile_dpbsud(3, 5, 7);
    }
    _tile_stored(0, sums, kSumStride);
    _tile_stored(1, sums + 16, kSumStride);
    _tile_stored(2, others, kSumStride);
    _tile_stored(3, others + 16, kSumStride);
  }

  /** Adds 1 to 16 rows of X times two or four panels to sums. */
  template <bool kDecode, int kPanels>
  __attribute__((noinline)) static void multiply_one_row_of_tiles(DecodedPanels<Codes, kPanels> panels,
                                                                  int64_t registers, const int8_t* q, int64_t ldq,
                                                                  int32_t* sums) {
    constexpr int64_t kPanelBytes = Panels<kPanels>::kPanelBytes;
    if (kDecode) panels.decode_through(kRegistersAhead - 1);
    _tile_loadd(0, sums, kSumStride);
    _tile_loadd(1, sums + 16, kSumStride);
    if constexpr (kPanels == 4) {
      _tile_loadd(2, sums + 32, kSumStride);
      _tile_loadd(3, sums + 48, kSumStride);
    }
    const uint8_t* codes = panels.first();
    for (int64_t i = 0; i < registers; ++i, q += kRegisterColumns, codes = panels.after(codes)) {
      if (kDecode) panels.decode_through(i + kRegistersAhead);
      finish_stores();
      _tile_loadd(4, q, ldq);
      _tile_loadd(5, codes, 64);
      _tile_dpbsud(0, 4, 5);
      _tile_loadd(6, codes + kPanelBytes, 64);
      _tile_dpbsud(1, 4, 6);
      if constexpr (kPanels == 4) {
        _tile_loadd(7, codes + 2 * kPanelBytes, 64);
        _tile_dpbsud(2, 4, 7);
        _tile_loadd(5, codes + 3 * kPanelBytes, 64);
        _tile_dpbsud(3, 4, 5);
      }
    }
    _tile_stored(0, sums, kSumStride);
    _tile_stored(1, sums + 16, kSumStride);
    if constexpr (kPanels == 4) {
      _tile_stored(2, sums + 32, kSumStride);
      _tile_stored(3, sums + 48, kSumStride);
    }
  }
};

/** The GemmFn of a kernel. */
template <class Codes>
void tile_gemm(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) {
  static_cast<typename TileGemm<Codes>::Scratch*>(scratch)->configured_rows = 0;  // GemmScratch begins with it
  gemm<TileGemm<Codes>>(task, m_begin, m_end, n_begin, n_end, scratch);
  _tile_release();  // 8 KiB less for every context switch, and the core may sleep deeply
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_AMX_TILE_GEMM_H_
