/**
 * @file order.h
 * @brief Slots of rows sorted by expert: the order in which experts' products take them.
 */
#ifndef TERNARY_CORE_MOE_ORDER_H_
#define TERNARY_CORE_MOE_ORDER_H_

#include "core/experts/slots.h"

namespace ternary {

/** Slot t of row m is `m * T + t`. Those of id -1 have no place. */
struct SlotOrder {
  int32_t* offsets;  ///< [E + 1]: expert e has places offsets[e] ... offsets[e + 1] - 1
  int32_t* slots;    ///< [M * T]: the slot of each place, ascending for an expert
  int32_t* places;   ///< [M * T]: the place of each slot, -1 where it has none; may be null

  int32_t count(int64_t E) const { return offsets[E]; }
};

/** Sorts slots whose ids have been checked. */
void sort_slots(const Slots& slots, const SlotOrder& order);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_ORDER_H_
