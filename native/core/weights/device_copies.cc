#include "core/weights/device_copies.h"

#include <memory>

namespace ternary {

DeviceCopies::~DeviceCopies() {
  for (Place* place = first_.load(); place != nullptr;) {
    Place* next = place->next;
    delete place->copy.load();
    delete place;
    place = next;
  }
}

DeviceCopies::Place* DeviceCopies::find_place(Place* first, int ordinal) {
  while (first != nullptr && first->ordinal != ordinal) first = first->next;
  return first;
}

DeviceCopies::Place& DeviceCopies::place_of(int ordinal) {
  Place* first = first_.load(std::memory_order_acquire);
  if (Place* found = find_place(first, ordinal)) return *found;
  auto made = std::make_unique<Place>(ordinal);
  made->next = first;
  while (!first_.compare_exchange_weak(first, made.get(), std::memory_order_acq_rel)) {
    if (Place* found = find_place(first, ordinal)) return *found;  // another thread's
    made->next = first;
  }
  return *made.release();
}

DeviceCopy* DeviceCopies::find(int ordinal) const {
  const Place* place = find_place(first_.load(std::memory_order_acquire), ordinal);
  return place == nullptr ? nullptr : place->copy.load(std::memory_order_acquire);
}

}  // namespace ternary
