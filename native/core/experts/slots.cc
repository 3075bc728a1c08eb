#include "core/experts/slots.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/product/product.h"
#include "core/product/ranges.h"

namespace ternary {
namespace {

void check_residual(const SlotSums& sums, int64_t M, int64_t H) {
  if (sums.residual == nullptr) {
    if (sums.residual_out != nullptr) fail(TERNARY_INVALID_ARGUMENT, "residual_out is given without residual");
    return;
  }
  check_float_dtype("residual_dtype", sums.residual_dtype);
  check_matrix("residual", "ld_residual", sums.residual, sums.residual_dtype, M, H, sums.ld_residual);
  check_pointer("residual_out", sums.residual_out, dtype_bytes(sums.residual_dtype));
}

}  // namespace

void check_slot_counts(int64_t M, int64_t T) {
  check_rows(M);
  if (T < 1 || T > kMaxSlots) {
    fail(TERNARY_INVALID_ARGUMENT, "T is %" PRId64 "; it must be 1 to %" PRId64, T, kMaxSlots);
  }
}

void check_slots(const Slots& slots) {
  check_slot_counts(slots.M, slots.T);
  check_pointer("expert_ids", slots.ids, alignof(int32_t));
  check_stride("ld_ids", slots.ld_ids, slots.T, slots.M, sizeof(int32_t));
}

void check_ids(const Slots& slots) {
  for (int64_t m = 0; m < slots.M; ++m) {
    for (int64_t t = 0; t < slots.T; ++t) {
      const int32_t id = slots.id(m, t);
      if (id >= -1 && id < slots.E) continue;
      fail(TERNARY_INVALID_ARGUMENT,
           "expert_ids of row %" PRId64 ", slot %" PRId64 " is %" PRId32 "; it must be -1 (none) or 0 to %" PRId64, m,
           t, id, slots.E - 1);
    }
  }
}

void check_weights_dtype(const char* name, ternary_dtype dtype) {
  if (dtype == TERNARY_F32 || dtype == TERNARY_BF16) return;
  fail(TERNARY_INVALID_ARGUMENT, "%s is %d; it must be F32 (0) or BF16 (2)", name, static_cast<int>(dtype));
}

void check_slot_weights(const SlotWeights& weights, const Slots& slots, bool needed) {
  if (weights.weights == nullptr && !needed) {
    if (weights.ld == 0 && weights.dtype == TERNARY_F32) return;
    fail(TERNARY_INVALID_ARGUMENT,
         "ld_weights is %" PRId64 ", expert_weights_dtype is %d and expert_weights is null; they must be 0 then",
         weights.ld, static_cast<int>(weights.dtype));
  }
  check_weights_dtype("expert_weights_dtype", weights.dtype);
  check_matrix("expert_weights", "ld_weights", weights.weights, weights.dtype, slots.M, slots.T, weights.ld);
}

void check_slot_sums(const SlotSums& sums, int64_t M, int64_t y_columns, int64_t H, const Range* inputs, int count) {
  check_float_dtype("y_dtype", sums.y_dtype);
  check_matrix("y", "ldy", sums.y, sums.y_dtype, M, y_columns, sums.ldy);
  check_residual(sums, M, H);
  const Range y = matrix_range("y", sums.y, sums.y_dtype, M, y_columns, sums.ldy);
  const Range residual = matrix_range("residual", sums.residual, sums.residual_dtype, M, H, sums.ld_residual);
  const Range residual_out =
      matrix_range("residual_out", sums.residual_out, sums.residual_dtype, M, H, sums.ld_residual);
  check_apart(y, inputs, count);
  check_apart(y, &residual, 1);
  check_apart(y, &residual_out, 1);
  check_apart(residual_out, inputs, count);
  if (sums.residual_out != sums.residual) check_apart(residual_out, &residual, 1);
}

void check_scaling(float scaling) {
  if (is_finite(scaling) && scaling != 0) return;
  fail(TERNARY_INVALID_ARGUMENT, "scaling is %g; it must be finite and not 0, and 1 where nothing is to be scaled",
       static_cast<double>(scaling));
}

void check_flag(const char* name, int32_t value) {
  static constexpr const char* kWords[] = {"no", "yes"};
  check_choice(name, value, kWords);
}

}  // namespace ternary
