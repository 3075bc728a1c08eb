/**
 * @file device_copies.h
 * @brief Copies of an immutable object in the memory of devices: owned by the object, one a device, made once.
 */
#ifndef TERNARY_CORE_WEIGHTS_DEVICE_COPIES_H_
#define TERNARY_CORE_WEIGHTS_DEVICE_COPIES_H_

#include <atomic>

#include "core/base/mutex.h"

namespace ternary {

/** What a kind of device makes of an object; destroying it frees the device's memory. */
class DeviceCopy {
 public:
  virtual ~DeviceCopy() = default;
};

/** The copies of one object. Costs nothing where there is no device. */
class DeviceCopies {
 public:
  /** Where the copy on a device is, once it is made. Stays as long as the object. */
  struct Place {
    explicit Place(int device) : ordinal(device) {}
    const int ordinal;
    Mutex mutex;  ///< held by whoever makes the copy, so that another device's is not waited for
    std::atomic<DeviceCopy*> copy{nullptr};
    Place* next = nullptr;
  };

  DeviceCopies() = default;
  ~DeviceCopies();
  DeviceCopies(const DeviceCopies&) = delete;
  DeviceCopies& operator=(const DeviceCopies&) = delete;

  /** The copy on a device; null if there is none yet. Never waits. */
  DeviceCopy* find(int ordinal) const;

  /** The device's place, made if need be. Never waits. */
  Place& place_of(int ordinal);

 private:
  static Place* find_place(Place* first, int ordinal);

  std::atomic<Place*> first_{nullptr};
};

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_DEVICE_COPIES_H_
