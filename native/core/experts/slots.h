/**
 * @file slots.h
 * @brief The rules that operations on slots share: their ids, their weights, and where their sums go.
 */
#ifndef TERNARY_CORE_EXPERTS_SLOTS_H_
#define TERNARY_CORE_EXPERTS_SLOTS_H_

#include "abi/kernel.h"

namespace ternary {

/** Which expert each slot of each row has. */
struct Slots {
  int64_t M, T, E;
  const int32_t* ids;  ///< [M, T]
  int64_t ld_ids;

  int32_t id(int64_t m, int64_t t) const { return ids[m * ld_ids + t]; }
};

/** The slots of operands that have M, T, expert_ids and ld_ids. */
template <typename Operands>
Slots slots_of(const Operands& operands, int64_t E) {
  return {operands.M, operands.T, E, operands.expert_ids, operands.ld_ids};
}

/** M rows of T slots. */
void check_slot_counts(int64_t M, int64_t T);

/** M, T, and the matrix of ids, which is not read. */
void check_slots(const Slots& slots);

/** Throws for the first id that is neither -1 nor an expert's. Apart from other checks, for ids may lie on a device. */
void check_ids(const Slots& slots);

/** What each slot's expert counts. */
struct SlotWeights {
  const void* weights;  ///< [M, T], or null
  ternary_dtype dtype;
  int64_t ld;
};

template <typename Operands>
SlotWeights slot_weights_of(const Operands& operands) {
  return {operands.expert_weights, operands.expert_weights_dtype, operands.ld_weights};
}

/** F32 or BF16. */
void check_weights_dtype(const char* name, ternary_dtype dtype);

/** The matrix of weights; it may be null unless it is needed. */
void check_slot_weights(const SlotWeights& weights, const Slots& slots, bool needed);

/** Where the sums over slots go: Y, and beside it the residual with Y added. */
struct SlotSums {
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;
  const void* residual;
  void* residual_out;
  ternary_dtype residual_dtype;
  int64_t ld_residual;
};

template <typename Operands>
SlotSums slot_sums_of(const Operands& o) {
  return {o.y, o.y_dtype, o.ldy, o.residual, o.residual_out, o.residual_dtype, o.ld_residual};
}

struct Range;

/** Y [M, y_columns] and, where there is one, the residual [M, H] are what they must be, and apart from the inputs. */
void check_slot_sums(const SlotSums& sums, int64_t M, int64_t y_columns, int64_t H, const Range* inputs, int count);

/** Finite and not 0: a struct that was zeroed does not say what its caller wants. */
void check_scaling(float scaling);

/** 0 or 1. */
void check_flag(const char* name, int32_t value);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_SLOTS_H_
