#include "core/moe/rows.h"

#include <algorithm>

#include "core/runtime/plan.h"

namespace ternary {

RowSizes::RowSizes(const ternary_weights& weights, ternary_activation activation, int64_t b)
    : a8(activation == TERNARY_A8),
      K(weights.K),
      block(b),
      unit(unit_columns(weights.group, b)),
      padded(padded_columns(weights.layout, weights.K)),
      ld(row_stride(padded)),
      scales(a8 ? scales_of_row(K, block) : 0),
      sums(a8 ? sums_of_row(K, unit) : 0) {}

void set_outputs(const RowSizes& sizes, const ReadyRows& rows, int64_t row, const ReadyScales& scales,
                 int64_t scale_row, ActivationTask& task) {
  task.K = sizes.K;
  task.block = sizes.block;
  task.unit = sizes.unit;
  task.padded = sizes.padded;
  task.ldq = task.ldf = sizes.ld;
  if (sizes.a8) {
    task.q = rows.q + row * sizes.ld;
    task.s = scales.s + scale_row * sizes.scales;
    task.q_sums = scales.q_sums + scale_row * sizes.sums;
  } else {
    task.f = rows.f + row * sizes.ld;
  }
}

void set_inputs(const RowSizes& sizes, const ReadyRows& rows, int64_t row, int64_t step, const ReadyScales& scales,
                int64_t scale_row, GemmTask& task) {
  task.K = sizes.K;
  task.block = sizes.block;
  task.ldq = task.ldf = step * sizes.ld;
  if (sizes.a8) {
    task.q = rows.q + row * sizes.ld;
    task.s = scales.s + scale_row * sizes.scales;
    task.q_sums = scales.q_sums + scale_row * sizes.sums;
  } else {
    task.f = rows.f + row * sizes.ld;
  }
}

void copy_row(const RowSizes& sizes, const ReadyRows& from, int64_t from_row, const ReadyRows& to, int64_t to_row) {
  if (sizes.a8) {
    std::copy_n(from.q + from_row * sizes.ld, sizes.padded, to.q + to_row * sizes.ld);
  } else {
    std::copy_n(from.f + from_row * sizes.ld, sizes.padded, to.f + to_row * sizes.ld);
  }
}

void copy_scales(const RowSizes& sizes, const ReadyScales& from, int64_t from_row, const ReadyScales& to,
                 int64_t to_row) {
  if (!sizes.a8) return;
  std::copy_n(from.s + from_row * sizes.scales, sizes.scales, to.s + to_row * sizes.scales);
  std::copy_n(from.q_sums + from_row * sizes.sums, sizes.sums, to.q_sums + to_row * sizes.sums);
}

}  // namespace ternary
