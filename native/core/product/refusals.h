/**
 * @file refusals.h
 * @brief The kernels that would have been preferred, and why they do not serve: part of a plan, counted at every call.
 */
#ifndef TERNARY_CORE_PRODUCT_REFUSALS_H_
#define TERNARY_CORE_PRODUCT_REFUSALS_H_

#include <cstddef>
#include <cstdint>

#include "abi/kernel.h"

namespace ternary {

/** Without padding, so that plans can be compared by bytes. */
struct Refusal {
  uint16_t row;  ///< of the runtime's counters
  uint16_t code;
  Reason reason() const { return static_cast<Reason>(code); }
};

/** In the order of preference. Those beyond kMost are dropped; whole() then says so, and the plan is not to be kept. */
template <int kMost>
struct Refusals {
  void add(size_t row, Reason reason) {
    if (count < kMost) list[count] = {static_cast<uint16_t>(row), static_cast<uint16_t>(reason)};
    ++count;
  }
  bool whole() const { return count <= kMost; }
  const Refusal* begin() const { return list; }
  const Refusal* end() const { return list + (whole() ? count : kMost); }

  int32_t count = 0;
  Refusal list[kMost] = {};
};

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_REFUSALS_H_
