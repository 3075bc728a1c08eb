/**
 * @file rows.h
 * @brief Rows that experts' products read: their sizes, and where they lie.
 */
#ifndef TERNARY_CORE_MOE_ROWS_H_
#define TERNARY_CORE_MOE_ROWS_H_

#include "core/weights/weights.h"

namespace ternary {

/** Sizes of a row that is ready for a product with weights of K columns. */
struct RowSizes {
  RowSizes(const ternary_weights& weights, ternary_activation activation, int64_t block);

  bool a8;
  int64_t K, block, unit;
  int64_t padded, ld;    ///< as in Plan
  int64_t scales, sums;  ///< of a row; 0 with A16
};

/** Elements of rows made ready, without their scales: q, or f of A16. */
struct ReadyRows {
  int8_t* q = nullptr;
  float* f = nullptr;

  template <typename Arena>
  void take(Arena& arena, const RowSizes& sizes, int64_t rows) {
    if (sizes.a8) {
      q = arena.template take<int8_t>(rows * sizes.ld);
    } else {
      f = arena.template take<float>(rows * sizes.ld);
    }
  }
};

/** What A8 has beside q. */
struct ReadyScales {
  float* s = nullptr;
  int32_t* q_sums = nullptr;

  template <typename Arena>
  void take(Arena& arena, const RowSizes& sizes, int64_t rows) {
    s = arena.template take<float>(rows * sizes.scales);
    q_sums = arena.template take<int32_t>(rows * sizes.sums);
  }
};

/** Gives the task its outputs: row 0 of it becomes `row` of `rows`, its scales those of `scale_row`. */
void set_outputs(const RowSizes& sizes, const ReadyRows& rows, int64_t row, const ReadyScales& scales,
                 int64_t scale_row, ActivationTask& task);

/** Gives the task its inputs: rows row, row + step ... of `rows`; their scales from `scale_row` on. */
void set_inputs(const RowSizes& sizes, const ReadyRows& rows, int64_t row, int64_t step, const ReadyScales& scales,
                int64_t scale_row, GemmTask& task);

void copy_row(const RowSizes& sizes, const ReadyRows& from, int64_t from_row, const ReadyRows& to, int64_t to_row);
void copy_scales(const RowSizes& sizes, const ReadyScales& from, int64_t from_row, const ReadyScales& to,
                 int64_t to_row);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_ROWS_H_
