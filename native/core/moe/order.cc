#include "core/moe/order.h"

#include <algorithm>

namespace ternary {

void sort_slots(const Slots& slots, const SlotOrder& order) {
  int32_t* offsets = order.offsets;
  std::fill_n(offsets, slots.E + 1, 0);
  for (int64_t m = 0; m < slots.M; ++m) {
    for (int64_t t = 0; t < slots.T; ++t) {
      if (slots.id(m, t) >= 0) ++offsets[slots.id(m, t) + 1];
    }
  }
  for (int64_t e = 0; e < slots.E; ++e) offsets[e + 1] += offsets[e];
  // offsets[e] is now where e begins; it becomes where e ends, which is where e + 1 began: so they move up by one after.
  for (int64_t m = 0; m < slots.M; ++m) {
    for (int64_t t = 0; t < slots.T; ++t) {
      const int32_t id = slots.id(m, t);
      const int64_t slot = m * slots.T + t;
      const int32_t place = id < 0 ? -1 : offsets[id]++;
      if (place >= 0) order.slots[place] = static_cast<int32_t>(slot);
      if (order.places != nullptr) order.places[slot] = place;
    }
  }
  std::copy_backward(offsets, offsets + slots.E, offsets + slots.E + 1);
  offsets[0] = 0;
}

}  // namespace ternary
