/**
 * @file gemm.h
 * @brief The frame of every product: blocking, alpha, groups, epilogue, written once over Lanes; include a lanes header
 * first.
 *
 * A kernel is a `Micro` that only sums:
 *
 *     struct Micro {
 *       using Sum = int32_t;                         // A8: sum of q * code; float for A16: sum of f * w
 *       static constexpr int64_t kRows = ...;        // rows of X in a block
 *       static constexpr int64_t kColumns = ...;     // columns of Y in a block, a multiple of 16
 *       static constexpr int64_t kDecodedBytes = ...;  // scratch for decoded weights
 *       // Adds the products of columns k_begin ... k_end of X and W to sums [rows][kColumns]. k_begin is a multiple of
 *       // 16 (of the row's group_multiple where groups are in play); beyond k_end, up to the row padding, X or W is 0,
 *       // or k_end is a multiple of group_multiple.
 *       static void accumulate(const Block& block, int64_t k_begin, int64_t k_end, Sum* sums, void* decoded);
 *     };
 *
 * Blocks of X rows are outermost: a thread's share of W streams through once per block, so kRows is large where weights
 * are decoded (and reused) and small where they are used in place.
 */
#ifndef TERNARY_CPU_GEMM_H_
#define TERNARY_CPU_GEMM_H_

#include <cstring>
#include <type_traits>

#include "core/kernel.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

/** The part of Y being computed: rows m ... m + rows, columns n ... n + 16 * panels (a panel is 16 rows of W). */
struct Block {
  const GemmTask& task;
  int64_t m, rows, n, panels;
};

template <class Micro>
struct Workspace {
  using Sum = typename Micro::Sum;
  static constexpr int64_t kCells = Micro::kRows * Micro::kColumns;
  static constexpr int64_t kDecoded = (Micro::kDecodedBytes + 63) / 64 * 64;
  static constexpr int64_t kSmallestGroup = 32;
  static constexpr int64_t kGroupsABlock = 2048 / kSmallestGroup;
  static constexpr int64_t kBytes = kDecoded + kCells * static_cast<int64_t>(sizeof(Sum) + 2 * sizeof(float)) +
                                    kGroupsABlock * Micro::kColumns * static_cast<int64_t>(sizeof(float));

  explicit Workspace(void* scratch)
      : decoded(scratch),
        sums(reinterpret_cast<Sum*>(static_cast<char*>(scratch) + kDecoded)),
        products(reinterpret_cast<float*>(sums + kCells)),
        block_products(products + kCells),
        alphas(block_products + kCells),
        group_q_sums(reinterpret_cast<int32_t*>(alphas + kGroupsABlock * Micro::kColumns)) {}

  static int64_t bytes(int64_t M, int64_t, int64_t K) {
    const int64_t rows = M < Micro::kRows ? M : Micro::kRows;
    const bool a8 = std::is_same<Sum, int32_t>::value;
    return kBytes + (a8 ? rows * ceil_div(K, kSmallestGroup) * static_cast<int64_t>(sizeof(int32_t)) : 0);
  }

  void* decoded;
  Sum* sums;              ///< [kRows][kColumns]
  float* products;        ///< p of the contract
  float* block_products;  ///< p_b
  float* alphas;          ///< [groups of a block][kColumns]
  int32_t* group_q_sums;  ///< [rows][groups]: sum of q over each group
};

/** At most 16 floats, zeros for the rest: alpha and bias end at N. */
inline Lanes::F load_columns(const float* p, int64_t count) {
  if (count >= 16) return Lanes::load(p);
  alignas(64) float tail[16] = {};
  std::memcpy(tail, p, static_cast<size_t>(count) * sizeof(float));
  return Lanes::load(tail);
}

/** One rounding to y's type; at most 16 elements, none beyond N. */
inline void store_columns(const GemmTask& t, int64_t m, int64_t n, int64_t count, Lanes::F value) {
  const int64_t bytes = t.y_dtype == TERNARY_F32 ? 4 : 2;
  char* y = static_cast<char*>(t.y) + (m * t.ldy + n) * bytes;
  alignas(64) char tail[64];
  char* target = count >= 16 ? y : tail;
  switch (t.y_dtype) {
    case TERNARY_F16: Lanes::store_f16(target, value); break;
    case TERNARY_BF16: Lanes::store_bf16(target, value); break;
    default: Lanes::store(reinterpret_cast<float*>(target), value); break;
  }
  if (target == tail) std::memcpy(y, tail, static_cast<size_t>(count * bytes));
}

/** Exact sums as fp32. Kernels multiply by codes 0, 1, 2, so the sum of q is taken off, modulo 2^32 like the sum. */
inline Lanes::F sums_as_float(const int32_t* sums, int32_t q_sum) {
  return Lanes::to_float(Lanes::sub(Lanes::load_int(sums), Lanes::set_int(q_sum)));
}
inline Lanes::F sums_as_float(const float* sums, int32_t) { return Lanes::load(sums); }

/** y of one alpha a column, from the sums of all K. */
template <class Micro>
void finish_plain(const Block& b, const Workspace<Micro>& space) {
  constexpr bool kA8 = std::is_same<typename Micro::Sum, int32_t>::value;
  const GemmTask& t = b.task;
  for (int64_t p = 0; p < b.panels; ++p) {
    const int64_t n = b.n + 16 * p, count = t.N - n;
    const Lanes::F alpha = load_columns(t.alpha + n, count);
    const Lanes::F bias = t.bias ? load_columns(t.bias + n, count) : Lanes::set(0.0f);
    for (int64_t i = 0; i < b.rows; ++i) {
      const int64_t m = b.m + i;
      const Lanes::F sum = sums_as_float(space.sums + i * Micro::kColumns + 16 * p, kA8 ? t.q_sum[m] : 0);
      const Lanes::F scale = kA8 ? Lanes::mul(Lanes::set(t.s[m]), alpha) : alpha;
      store_columns(t, m, n, count, t.bias ? Lanes::fma(sum, scale, bias) : Lanes::mul(sum, scale));
    }
  }
}

/** y of groups, from p. */
template <class Micro>
void finish_groups(const Block& b, const Workspace<Micro>& space) {
  constexpr bool kA8 = std::is_same<typename Micro::Sum, int32_t>::value;
  const GemmTask& t = b.task;
  for (int64_t p = 0; p < b.panels; ++p) {
    const int64_t n = b.n + 16 * p, count = t.N - n;
    const Lanes::F bias = t.bias ? load_columns(t.bias + n, count) : Lanes::set(0.0f);
    for (int64_t i = 0; i < b.rows; ++i) {
      const int64_t m = b.m + i;
      Lanes::F y = Lanes::load(space.products + i * Micro::kColumns + 16 * p);
      if (kA8) {
        const Lanes::F s = Lanes::set(t.s[m]);
        y = t.bias ? Lanes::fma(y, s, bias) : Lanes::mul(y, s);
      } else if (t.bias) {
        y = Lanes::add(y, bias);
      }
      store_columns(t, m, n, count, y);
    }
  }
}

/** Transposes alpha [n][group] of a block of groups, so that each group's come as lanes; zero beyond N. */
template <class Micro>
void gather_alphas(const Block& b, const Workspace<Micro>& space, int64_t first, int64_t last, int64_t groups) {
  for (int64_t i = 0; i < 16 * b.panels; ++i) {
    const float* row = b.task.alpha + (b.n + i) * groups;
    for (int64_t g = first; g < last; ++g) {
      space.alphas[(g - first) * Micro::kColumns + i] = b.n + i < b.task.N ? row[g] : 0.0f;
    }
  }
}

/** p_b += sums of group g times its alphas. */
template <class Micro>
void scale_group(const Block& b, const Workspace<Micro>& space, const float* alphas, int64_t g, int64_t groups) {
  for (int64_t p = 0; p < b.panels; ++p) {
    const Lanes::F alpha = Lanes::load(alphas + 16 * p);
    for (int64_t i = 0; i < b.rows; ++i) {
      const int64_t cell = i * Micro::kColumns + 16 * p;
      const Lanes::F sum = sums_as_float(space.sums + cell, space.group_q_sums[i * groups + g]);
      Lanes::store(space.block_products + cell, Lanes::fma(sum, alpha, Lanes::load(space.block_products + cell)));
    }
  }
}

template <class Micro>
void multiply_groups(const Block& b, const Workspace<Micro>& space) {
  const GemmTask& t = b.task;
  const int64_t groups = ceil_div(t.K, t.group);
  const int64_t groups_a_block = t.group < 2048 ? 2048 / t.group : 1;
  const int64_t cells = b.rows * Micro::kColumns;
  std::memset(space.products, 0, static_cast<size_t>(cells) * sizeof(float));
  for (int64_t first = 0; first < groups; first += groups_a_block) {
    const int64_t last = first + groups_a_block < groups ? first + groups_a_block : groups;
    std::memset(space.block_products, 0, static_cast<size_t>(cells) * sizeof(float));
    gather_alphas(b, space, first, last, groups);
    for (int64_t g = first; g < last; ++g) {
      const int64_t k_end = (g + 1) * t.group < t.K ? (g + 1) * t.group : t.K;
      std::memset(space.sums, 0, static_cast<size_t>(cells) * sizeof(*space.sums));
      Micro::accumulate(b, g * t.group, k_end, space.sums, space.decoded);
      scale_group(b, space, space.alphas + (g - first) * Micro::kColumns, g, groups);
    }
    for (int64_t cell = 0; cell < cells; cell += 16) {
      const Lanes::F sum = Lanes::add(Lanes::load(space.products + cell), Lanes::load(space.block_products + cell));
      Lanes::store(space.products + cell, sum);
    }
  }
  finish_groups(b, space);
}

template <class Micro>
void multiply_plain(const Block& b, const Workspace<Micro>& space) {
  std::memset(space.sums, 0, static_cast<size_t>(b.rows * Micro::kColumns) * sizeof(*space.sums));
  Micro::accumulate(b, 0, b.task.K, space.sums, space.decoded);
  finish_plain(b, space);
}

/** Sums of q over each group of K, for the rows of a block. */
inline void sum_groups(const GemmTask& t, int64_t m, int64_t rows, int32_t* sums) {
  const int64_t groups = ceil_div(t.K, t.group);
  const int64_t end = round_up(t.K, 16);  // q is zero beyond K
  for (int64_t i = 0; i < rows; ++i) {
    const int8_t* q = t.q + (m + i) * t.ldq;
    for (int64_t g = 0; g < groups; ++g) {
      Lanes::I sum = Lanes::set_int(0);
      for (int64_t k = g * t.group; k < (g + 1) * t.group && k < end; k += 16) sum = Lanes::add(sum, Lanes::load_int8(q + k));
      sums[i * groups + g] = Lanes::sum(sum);
    }
  }
}

template <class Micro>
void gemm(const GemmTask& t, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) {
  const Workspace<Micro> space(scratch);
  for (int64_t m = m_begin; m < m_end; m += Micro::kRows) {
    const int64_t rows = m_end - m < Micro::kRows ? m_end - m : Micro::kRows;
    if (t.group > 0 && t.q) sum_groups(t, m, rows, space.group_q_sums);
    for (int64_t n = n_begin; n < n_end; n += Micro::kColumns) {
      const int64_t columns = n_end - n < Micro::kColumns ? n_end - n : Micro::kColumns;
      const Block block{t, m, rows, n, ceil_div(columns, 16)};
      if (t.group > 0) {
        multiply_groups(block, space);
      } else {
        multiply_plain(block, space);
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

/** Tiles of 64 bytes: 16 rows of W by kColumns columns, which come as kSteps steps of four columns. */
struct I2sTile {
  static constexpr int64_t kColumns = tile_columns(TERNARY_LAYOUT_I2S_TILED), kSteps = kColumns / 4;
};
struct T5Tile {
  static constexpr int64_t kColumns = tile_columns(TERNARY_LAYOUT_T5_TILED), kSteps = kColumns / 4;
};

/** The tile of column k of the 16 rows of W from n; those of higher columns follow. */
template <class Tile = I2sTile>
inline const uint8_t* tiles_at(const GemmTask& t, int64_t n, int64_t k) {
  return t.w + (n / kTile * ceil_div(t.K, Tile::kColumns) + k / Tile::kColumns) * 64;
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the GemmFn `function` and its ScratchBytesFn, which the table knows as `function_scratch`. */
#define TERNARY_CPU_GEMM(function, ...)                                                                            \
  namespace ternary::cpu {                                                                                         \
  void function(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end,              \
                void* scratch) {                                                                                   \
    gemm<__VA_ARGS__>(task, m_begin, m_end, n_begin, n_end, scratch);                                              \
  }                                                                                                                \
  int64_t function##_scratch(int64_t M, int64_t N, int64_t K) { return Workspace<__VA_ARGS__>::bytes(M, N, K); }   \
  }

#endif  // TERNARY_CPU_GEMM_H_
