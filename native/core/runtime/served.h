/**
 * @file served.h
 * @brief What served the calls of a thread while somebody asks.
 */
#ifndef TERNARY_CORE_RUNTIME_SERVED_H_
#define TERNARY_CORE_RUNTIME_SERVED_H_

#include "core/policy/counters.h"

namespace ternary {

/** A path, and the first row of X that it served: of a product that two kernels share, the second's is not 0. */
struct Served {
  Path path;
  int64_t first_row;
};

/** Collects what serves the calling thread while it lives, where TERNARY_VALIDATE is set. */
class Witness {
 public:
  Witness() noexcept;
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  const Served* begin() const { return list_; }
  const Served* end() const { return list_ + count_; }
  void add(const Served& served) noexcept {
    if (count_ < kMost) list_[count_++] = served;
  }

 private:
  static constexpr int kMost = 16;  ///< a layer of experts has 11 at most

  Witness* const before_;
  int count_ = 0;
  Served list_[kMost] = {};
};

/** Tells the thread's witness, if it has one. */
void note_served(const Path& path, int64_t first_row = 0) noexcept;

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_SERVED_H_
