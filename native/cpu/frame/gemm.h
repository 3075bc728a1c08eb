/**
 * @file gemm.h
 * @brief The frame of every product: patches, scales, epilogue, once over Lanes; include a lanes header first.
 *
 * A kernel is a `Micro` that only sums:
 *
 *     struct Micro {
 *       using Sum = int32_t;                         // A8: sum of q * code; float for A16: sum of f * w
 *       static constexpr int64_t kRows = ...;        // rows of X in a patch
 *       static constexpr int64_t kColumns = ...;     // columns of Y in a patch, a multiple of 16
 *       static constexpr int64_t kDecodedBytes = ...;  // scratch for decoded weights
 *       // Adds the products of columns k_begin ... k_end of X and W to sums [rows][kColumns], which are 0 before: so it may
 *       // set them. k_begin is a multiple of 16 (of the row's group_multiple where units are in play). Beyond k_end, up to
 *       // the row padding, X or W is 0, or k_end is a multiple of group_multiple.
 *       static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, Sum* sums, void* decoded);
 *       // Optional, for kernels of few rows, where a call a unit would cost as much as the unit: writes the sums of
 *       // units first ... last, which are at most kUnitColumns wide, to sums [unit][rows][kColumns].
 *       static constexpr int64_t kUnitColumns = ...;
 *       static void accumulate_units(const Patch& patch, int64_t first, int64_t last, Sum* sums);
 *       // Optional, for kernels that look up: bytes of a row's tables, and what makes those of row m of q.
 *       static int64_t table_bytes(int64_t K, int64_t unit);
 *       static void make_tables(const GemmTask& task, int64_t m);
 *     };
 *
 * Rows of X are outermost: a thread's share of W streams through once for the rows of a patch. So kRows is large where
 * weights are decoded (and reused) and small where they are used in place.
 */
#ifndef TERNARY_CPU_FRAME_GEMM_H_
#define TERNARY_CPU_FRAME_GEMM_H_

#include "cpu/frame/units.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

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
      const Lanes::F sum = sums_as_float(space.sums + i * Micro::kColumns + 16 * p, kA8 ? t.q_sums[m] : 0);
      const Lanes::F scale = kA8 ? Lanes::mul(Lanes::set(t.s[m]), alpha) : alpha;
      store_columns<kType>(t, m, n, count, Lanes::fma(sum, scale, bias));
    }
  }
}

template <class Micro>
void multiply_plain(const Patch& patch, const GemmScratch<Micro>& space) {
  std::memset(space.sums, 0, static_cast<size_t>(patch.rows * Micro::kColumns) * sizeof(*space.sums));
  Micro::accumulate(patch, 0, patch.task.K, space.sums, space.decoded);
  for_type(patch.task.y_dtype, [&](auto type) { finish_plain<Micro, decltype(type)::value>(patch, space); });
}

template <class Micro>
void gemm(const GemmTask& t, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end, void* scratch) {
  const GemmScratch<Micro> space(scratch);
  const int64_t unit = unit_columns(t.group, t.block);
  for (int64_t m = m_begin; m < m_end; m += Micro::kRows) {
    const int64_t rows = m_end - m < Micro::kRows ? m_end - m : Micro::kRows;
    for (int64_t n = n_begin; n < n_end; n += Micro::kColumns) {
      const int64_t columns = n_end - n < Micro::kColumns ? n_end - n : Micro::kColumns;
      const Patch patch{t, m, rows, n, ceil_div(columns, 16), unit};
      if (unit > 0) {
        multiply_units(patch, space);
      } else {
        multiply_plain(patch, space);
      }
    }
  }
}

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
  int64_t function##_scratch() { return GemmScratch<__VA_ARGS__>::bytes(); }                                           \
  int64_t function##_table_bytes(int64_t K, int64_t unit) { return RowTables<__VA_ARGS__>::bytes(K, unit); }           \
  void function##_tables(const GemmTask& task, int64_t m_begin, int64_t m_end) {                                       \
    for (int64_t m = m_begin; task.table_bytes > 0 && m < m_end; ++m) RowTables<__VA_ARGS__>::make(task, m);           \
  }                                                                                                                    \
  }

#endif  // TERNARY_CPU_FRAME_GEMM_H_
