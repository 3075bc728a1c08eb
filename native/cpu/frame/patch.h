/**
 * @file patch.h
 * @brief A piece of Y, the scratch that a thread has for it, and how its operands are loaded and stored.
 */
#ifndef TERNARY_CPU_FRAME_PATCH_H_
#define TERNARY_CPU_FRAME_PATCH_H_

#include <cstring>
#include <type_traits>

#include "abi/kernel.h"

namespace ternary::cpu {
namespace {

/** The part of Y being computed: rows m ... m + rows, columns n ... n + 16 * panels (a panel is 16 rows of W). */
struct Patch {
  const GemmTask& task;
  int64_t m, rows, n, panels;
  int64_t unit;  ///< columns that are summed before they are scaled; 0: all of K
};

/** Widest unit of which Micro::accumulate_units takes several at once; 0 if it has no such function. */
template <class Micro, class = void>
struct UnitColumns {
  static constexpr int64_t value = 0;
};
template <class Micro>
struct UnitColumns<Micro, std::void_t<decltype(Micro::kUnitColumns)>> {
  static constexpr int64_t value = Micro::kUnitColumns;
};

/** Micro's tables; none if it has no such functions. */
template <class Micro, class = void>
struct RowTables {
  static int64_t bytes(int64_t, int64_t) { return 0; }
  static void make(const GemmTask&, int64_t) {}
};
template <class Micro>
struct RowTables<Micro, std::void_t<decltype(&Micro::make_tables)>> {
  static int64_t bytes(int64_t K, int64_t unit) { return Micro::table_bytes(K, unit); }
  static void make(const GemmTask& task, int64_t m) { Micro::make_tables(task, m); }
};

/** What a thread has in its scratch. */
template <class Micro>
struct GemmScratch {
  using Sum = typename Micro::Sum;
  static constexpr bool kA8 = std::is_same<Sum, int32_t>::value;
  static constexpr int64_t kCells = Micro::kRows * Micro::kColumns;
  /** With accumulate_units, sums of this many units, rows and columns: 16 KB leave room in the L1 cache. */
  static constexpr int64_t kSums = UnitColumns<Micro>::value > 0 && kCells < 4096 ? 4096 : kCells;
  static constexpr int64_t kDecoded = round_up(Micro::kDecodedBytes, 64);

  explicit GemmScratch(void* scratch)
      : decoded(scratch),
        sums(reinterpret_cast<Sum*>(static_cast<char*>(scratch) + kDecoded)),
        products(reinterpret_cast<float*>(sums + kSums)),
        super_block_products(products + kCells) {}

  static constexpr int64_t bytes() { return kDecoded + (kSums + 2 * kCells) * static_cast<int64_t>(sizeof(Sum)); }

  void* decoded;
  Sum* sums;                    ///< [kRows][kColumns], or [units][rows][kColumns]
  float* products;              ///< P of the contract
  float* super_block_products;  ///< p of a super-block
};

/** At most 16 floats, zeros for the rest: alpha and bias end at N. */
inline Lanes::F load_columns(const float* p, int64_t count) {
  if (count >= 16) return Lanes::load(p);
  alignas(64) float tail[16] = {};
  std::memcpy(tail, p, static_cast<size_t>(count) * sizeof(float));
  return Lanes::load(tail);
}

/** No bias, as a bias: x + -0 is x, for both zeros too, so that fma(x, y, -0) is x * y rounded once. */
inline Lanes::F load_bias(const GemmTask& t, int64_t n, int64_t count) {
  return t.bias ? load_columns(t.bias + n, count) : Lanes::set(-0.0f);
}

/** One rounding to y's type; at most 16 elements, none beyond N. */
template <ternary_dtype kType>
void store_columns(const GemmTask& t, int64_t m, int64_t n, int64_t count, Lanes::F value) {
  constexpr int64_t kBytes = kType == TERNARY_F32 ? 4 : 2;
  char* y = static_cast<char*>(t.y) + (m * t.ldy + n) * kBytes;
  alignas(64) char tail[64];
  char* target = count >= 16 ? y : tail;
  if constexpr (kType == TERNARY_F16) Lanes::store_f16(target, value);
  if constexpr (kType == TERNARY_BF16) Lanes::store_bf16(target, value);
  if constexpr (kType == TERNARY_F32) Lanes::store(reinterpret_cast<float*>(target), value);
  if (target == tail) std::memcpy(y, tail, static_cast<size_t>(count * kBytes));
}

template <ternary_dtype kType>
using Type = std::integral_constant<ternary_dtype, kType>;

/** Calls finish(Type<y_dtype>()): the type is chosen once a patch, not once every 16 outputs. */
template <class Finish>
void for_type(ternary_dtype y_dtype, Finish finish) {
  switch (y_dtype) {
    case TERNARY_F16: return finish(Type<TERNARY_F16>());
    case TERNARY_BF16: return finish(Type<TERNARY_BF16>());
    default: return finish(Type<TERNARY_F32>());
  }
}

/** Exact sums as fp32. Kernels multiply by codes 0, 1, 2, so the sum of q is taken off, modulo 2^32 like the sum. */
inline Lanes::F sums_as_float(const int32_t* sums, int32_t q_sum) {
  return Lanes::to_float(Lanes::sub(Lanes::load_int(sums), Lanes::set_int(q_sum)));
}
inline Lanes::F sums_as_float(const float* sums, int32_t) { return Lanes::load(sums); }

/** Four activations, to broadcast. */
inline int32_t four_activations(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, sizeof four);
  return four;
}

/** A tile: kBytes for 16 rows of W by kColumns columns, which decoded are kSteps steps of four columns. */
template <ternary_layout kLayout>
struct TileOf {
  static constexpr int64_t kColumns = tile_columns(kLayout), kSteps = kColumns / 4, kBytes = traits(kLayout).bytes;
};
using I2sTile = TileOf<TERNARY_LAYOUT_I2S_TILED>;
using T5Tile = TileOf<TERNARY_LAYOUT_T5_TILED>;
using T3Tile = TileOf<TERNARY_LAYOUT_T3_TILED>;

/** From a tile to that of the same columns in the next panel. */
template <class Tile = I2sTile>
inline int64_t panel_bytes(const GemmTask& t) {
  return ceil_div(t.K, Tile::kColumns) * Tile::kBytes;
}

/** The tile of column k of the 16 rows of W from n; those of higher columns follow. */
template <class Tile = I2sTile>
inline const uint8_t* tiles_at(const GemmTask& t, int64_t n, int64_t k) {
  return t.w + (n / kTile * ceil_div(t.K, Tile::kColumns) + k / Tile::kColumns) * Tile::kBytes;
}

/** Rows of the next block where `left` are left: blocks of like size, 9 rows as 5 and 4 where `most` is 8. */
inline int64_t like_rows(int64_t left, int64_t most) { return ceil_div(left, ceil_div(left, most)); }

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_PATCH_H_
