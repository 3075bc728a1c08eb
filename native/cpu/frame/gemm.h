/**
 * @file gemm.h
 * @brief The frame of every product: patches, alpha, groups, epilogue, once over Lanes; include a lanes header first.
 *
 * A kernel is a `Micro` that only sums:
 *
 *     struct Micro {
 *       using Sum = int32_t;                         // A8: sum of q * code; float for A16: sum of f * w
 *       static constexpr int64_t kRows = ...;        // rows of X in a patch
 *       static constexpr int64_t kColumns = ...;     // columns of Y in a patch, a multiple of 16
 *       static constexpr int64_t kDecodedBytes = ...;  // scratch for decoded weights
 *       // Adds the products of columns k_begin ... k_end of X and W to sums [rows][kColumns], which are 0 before: so it may
 *       // set them. k_begin is a multiple of 16 (of the row's group_multiple where groups are in play). Beyond k_end, up to
 *       // the row padding, X or W is 0, or k_end is a multiple of group_multiple.
 *       static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, Sum* sums, void* decoded);
 *       // Optional, for kernels of few rows, where a call a group would cost as much as the group: writes the sums of
 *       // groups first ... last, which are at most kGroupColumns wide, to sums [group][rows][kColumns].
 *       static constexpr int64_t kGroupColumns = ...;
 *       static void accumulate_groups(const Patch& patch, int64_t first, int64_t last, Sum* sums);
 *       // Optional, for kernels that look up: bytes of a row's tables, and what makes those of row m of q.
 *       static int64_t table_bytes(int64_t K, int64_t group);
 *       static void make_tables(const GemmTask& task, int64_t m);
 *     };
 *
 * Rows of X are outermost: a thread's share of W streams through once for the rows of a patch. So kRows is large where
 * weights are decoded (and reused) and small where they are used in place.
 */
#ifndef TERNARY_CPU_FRAME_GEMM_H_
#define TERNARY_CPU_FRAME_GEMM_H_

#include <cstring>
#include <type_traits>

#include "abi/kernel.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

/** The part of Y being computed: rows m ... m + rows, columns n ... n + 16 * panels (a panel is 16 rows of W). */
struct Patch {
  const GemmTask& task;
  int64_t m, rows, n, panels;
};

/** Widest group of which Micro::accumulate_groups takes several at once; 0 if it has no such function. */
template <class Micro, class = void>
struct GroupColumns {
  static constexpr int64_t value = 0;
};
template <class Micro>
struct GroupColumns<Micro, std::void_t<decltype(Micro::kGroupColumns)>> {
  static constexpr int64_t value = Micro::kGroupColumns;
};

/** Micro's tables; none if it has no such functions. */
template <class Micro, class = void>
struct RowTables {
  static int64_t bytes(int64_t, int64_t) { return 0; }
  static void make(const GemmTask&, int64_t) {}
};
template <class Micro>
struct RowTables<Micro, std::void_t<decltype(&Micro::make_tables)>> {
  static int64_t bytes(int64_t K, int64_t group) { return Micro::table_bytes(K, group); }
  static void make(const GemmTask& task, int64_t m) { Micro::make_tables(task, m); }
};

/** What a thread has in its scratch. */
template <class Micro>
struct GemmScratch {
  using Sum = typename Micro::Sum;
  static constexpr bool kA8 = std::is_same<Sum, int32_t>::value;
  static constexpr int64_t kCells = Micro::kRows * Micro::kColumns;
  /** With accumulate_groups, sums of this many groups, rows and columns: 16 KB leave room in the L1 cache. */
  static constexpr int64_t kSums = GroupColumns<Micro>::value > 0 && kCells < 4096 ? 4096 : kCells;
  static constexpr int64_t kDecoded = round_up(Micro::kDecodedBytes, 64);
  static constexpr int64_t kSmallestGroup = 32;

  explicit GemmScratch(void* scratch)
      : decoded(scratch),
        sums(reinterpret_cast<Sum*>(static_cast<char*>(scratch) + kDecoded)),
        products(reinterpret_cast<float*>(sums + kSums)),
        super_block_products(products + kCells),
        group_q_sums(reinterpret_cast<int32_t*>(super_block_products + kCells)) {}

  static int64_t bytes(int64_t M, int64_t, int64_t K) {
    const int64_t rows = M < Micro::kRows ? M : Micro::kRows;
    const int64_t q_sums = kA8 ? rows * ceil_div(K, kSmallestGroup) : 0;
    return kDecoded + (kSums + 2 * kCells + q_sums) * static_cast<int64_t>(sizeof(Sum));
  }

  void* decoded;
  Sum* sums;                    ///< [kRows][kColumns], or [groups][rows][kColumns]
  float* products;              ///< p of the contract
  float* super_block_products;  ///< p_b
  int32_t* group_q_sums;        ///< [rows][groups]: sum of q over each group
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

/** y of one alpha a column, from the sums of all K. */
template <class Micro, ternary_dtype kType>
void finish_plain(const Patch& patch, const GemmScratch<Micro>& space) {
  constexpr bool kA8 = GemmScratch<Micro>::kA8;
  const GemmTask& t = patch.task;
  for (int64_t p = 0; p < patch.panels; ++p) {
    const int64_t n = patch.n + 16 * p, count = t.N - n;
    const Lanes::F alpha = load_columns(t.alpha + n, count), bias = load_bias(t, n, count);
    for (int64_t i = 0; i < patch.rows; ++i) {
      const int64_t m = patch.m + i;
      const Lanes::F sum = sums_as_float(space.sums + i * Micro::kColumns + 16 * p, kA8 ? t.q_sum[m] : 0);
      const Lanes::F scale = kA8 ? Lanes::mul(Lanes::set(t.s[m]), alpha) : alpha;
      store_columns<kType>(t, m, n, count, Lanes::fma(sum, scale, bias));
    }
  }
}

/** y of groups, from p. */
template <class Micro, ternary_dtype kType>
void finish_groups(const Patch& patch, const GemmScratch<Micro>& space) {
  const GemmTask& t = patch.task;
  for (int64_t p = 0; p < patch.panels; ++p) {
    const int64_t n = patch.n + 16 * p, count = t.N - n;
    const Lanes::F bias = load_bias(t, n, count);
    for (int64_t i = 0; i < patch.rows; ++i) {
      const int64_t m = patch.m + i;
      const Lanes::F product = Lanes::load(space.products + i * Micro::kColumns + 16 * p);
      constexpr bool kA8 = GemmScratch<Micro>::kA8;
      const Lanes::F y = kA8 ? Lanes::fma(product, Lanes::set(t.s[m]), bias) : Lanes::add(product, bias);
      store_columns<kType>(t, m, n, count, y);
    }
  }
}

/** Groups first ... last of a super-block that is begin ... end. */
struct Groups {
  int64_t begin, end, first, last;
};

/** Their sums, [group][rows][kColumns]: as many as there is room for at once, else the first alone. Sets g.last. */
template <class Micro>
void accumulate_groups(const Patch& patch, const GemmScratch<Micro>& space, Groups& g) {
  const GemmTask& t = patch.task;
  const int64_t cells = patch.rows * Micro::kColumns;
  if constexpr (GroupColumns<Micro>::value > 0) {
    if (t.group <= GroupColumns<Micro>::value) {
      const int64_t room = GemmScratch<Micro>::kSums / cells;
      g.last = g.first + room < g.end ? g.first + room : g.end;
      return Micro::accumulate_groups(patch, g.first, g.last, space.sums);
    }
  }
  g.last = g.first + 1;
  const int64_t k_end = g.last * t.group < t.K ? g.last * t.group : t.K;
  std::memset(space.sums, 0, static_cast<size_t>(cells) * sizeof(*space.sums));
  Micro::accumulate(patch, g.first * t.group, k_end, space.sums, space.decoded);
}

/** p_b += sums of the groups times their alphas; p += p_b where the super-block ends. */
template <class Micro>
void scale_groups(const Patch& patch, const GemmScratch<Micro>& space, const Groups& g) {
  const int64_t groups = ceil_div(patch.task.K, patch.task.group);
  for (int64_t p = 0; p < patch.panels; ++p) {
    const float* alpha = patch.task.alpha + ((patch.n / 16 + p) * groups + g.first) * 16;
    for (int64_t i = 0; i < patch.rows; ++i) {
      const int64_t cell = i * Micro::kColumns + 16 * p;
      const int32_t* q_sums = space.group_q_sums + i * groups + g.first;
      Lanes::F product = g.first == g.begin ? Lanes::set(0.0f) : Lanes::load(space.super_block_products + cell);
      for (int64_t j = 0; j < g.last - g.first; ++j) {
        const auto* sums = space.sums + j * patch.rows * Micro::kColumns + cell;
        const Lanes::F sum = sums_as_float(sums, GemmScratch<Micro>::kA8 ? q_sums[j] : 0);
        product = Lanes::fma(sum, Lanes::load(alpha + 16 * j), product);
      }
      if (g.last < g.end) {
        Lanes::store(space.super_block_products + cell, product);
      } else {
        Lanes::store(space.products + cell, Lanes::add(Lanes::load(space.products + cell), product));
      }
    }
  }
}

template <class Micro>
void multiply_groups(const Patch& patch, const GemmScratch<Micro>& space) {
  const GemmTask& t = patch.task;
  const int64_t groups = ceil_div(t.K, t.group);
  const int64_t groups_a_super_block = t.group < 2048 ? 2048 / t.group : 1;
  std::memset(space.products, 0, static_cast<size_t>(patch.rows * Micro::kColumns) * sizeof(float));
  for (int64_t begin = 0; begin < groups; begin += groups_a_super_block) {
    Groups g{begin, begin + groups_a_super_block < groups ? begin + groups_a_super_block : groups, begin, begin};
    for (; g.first < g.end; g.first = g.last) {
      accumulate_groups(patch, space, g);
      scale_groups(patch, space, g);
    }
  }
  for_type(t.y_dtype, [&](auto type) { finish_groups<Micro, decltype(type)::value>(patch, space); });
}

template <class Micro>
void multiply_plain(const Patch& patch, const GemmScratch<Micro>& space) {
  std::memset(space.sums, 0, static_cast<size_t>(patch.rows * Micro::kColumns) * sizeof(*space.sums));
  Micro::accumulate(patch, 0, patch.task.K, space.sums, space.decoded);
  for_type(patch.task.y_dtype, [&](auto type) { finish_plain<Micro, decltype(type)::value>(patch, space); });
}

/** Sums of q over each group of K, for the rows of a patch. */
inline void sum_groups(const GemmTask& t, int64_t m, int64_t rows, int32_t* sums) {
  const int64_t groups = ceil_div(t.K, t.group);
  const int64_t end = round_up(t.K, 16);  // q is zero beyond K
  for (int64_t i = 0; i < rows; ++i) {
    const int8_t* q = t.q + (m + i) * t.ldq;
    for (int64_t g = 0; g < groups; ++g) {
      Lanes::I sum = Lanes::set_int(0);
      for (int64_t k = g * t.group; k < (g + 1) * t.group && k < end; k += 16) {
        sum = Lanes::add(sum, Lanes::load_int8(q + k));
      }
      sums[i * groups + g] = Lanes::sum(sum);
    }
  }
}

template <class Micro>
void gemm(const GemmTask& t, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) {
  const GemmScratch<Micro> space(scratch);
  for (int64_t m = m_begin; m < m_end; m += Micro::kRows) {
    const int64_t rows = m_end - m < Micro::kRows ? m_end - m : Micro::kRows;
    if (t.group > 0 && t.q) sum_groups(t, m, rows, space.group_q_sums);
    for (int64_t n = n_begin; n < n_end; n += Micro::kColumns) {
      const int64_t columns = n_end - n < Micro::kColumns ? n_end - n : Micro::kColumns;
      const Patch patch{t, m, rows, n, ceil_div(columns, 16)};
      if (t.group > 0) {
        multiply_groups(patch, space);
      } else {
        multiply_plain(patch, space);
      }
    }
  }
}

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

/** Defines the GemmFn `function` of a Micro, and what the table has besides: ScratchBytesFn, TableBytesFn, MakeTablesFn. */
#define TERNARY_CPU_GEMM(function, ...) TERNARY_CPU_GEMM_BY(function, (gemm<__VA_ARGS__>), __VA_ARGS__)

/** The same where another function than gemm<Micro> goes through the patches. */
#define TERNARY_CPU_GEMM_BY(function, call, ...)                                                                       \
  namespace ternary::cpu {                                                                                             \
  void function(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) { \
    call(task, m_begin, m_end, n_begin, n_end, scratch);                                                               \
  }                                                                                                                    \
  int64_t function##_scratch(int64_t M, int64_t N, int64_t K) { return GemmScratch<__VA_ARGS__>::bytes(M, N, K); }     \
  int64_t function##_table_bytes(int64_t K, int64_t group) { return RowTables<__VA_ARGS__>::bytes(K, group); }         \
  void function##_tables(const GemmTask& task, int64_t m_begin, int64_t m_end) {                                       \
    for (int64_t m = m_begin; task.table_bytes > 0 && m < m_end; ++m) RowTables<__VA_ARGS__>::make(task, m);           \
  }                                                                                                                    \
  }

#endif  // TERNARY_CPU_FRAME_GEMM_H_
