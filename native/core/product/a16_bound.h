/**
 * @file a16_bound.h
 * @brief How far two fp32 sums of an A16 product may be apart, whatever their order.
 *
 * Both sums are of the same K products x' * w * alpha, exact but for the roundings that every order has. Each of at most
 * K + K / 32 + 8 additions is off by at most 2^-23 of the partial sums, which are at most the sum of magnitudes (2^-23:
 * tensor cores may truncate). What lies below bf16's smallest denormal is not seen by the planes of x'.
 */
#ifndef TERNARY_CORE_PRODUCT_A16_BOUND_H_
#define TERNARY_CORE_PRODUCT_A16_BOUND_H_

#include <cmath>
#include <cstdint>

#include "ternary/ternary.h"

namespace ternary {

/** What the bound of one output is made of. */
struct A16Sums {
  double magnitude = 0;  ///< sum over k of |x' * w * alpha|
  double alphas = 0;     ///< sum over k of |w * alpha|
  double largest = 0;    ///< of what is computed on the way: |x'|, and squares of what a norm sums
  double bias = 0;       ///< its magnitude
};

/** Half the distance of neighbours around y in a type, and of its denormals. */
inline double half_step(ternary_dtype dtype, double y) {
  switch (dtype) {
    case TERNARY_F16: return std::fabs(y) * 0x1p-11 + 0x1p-25;
    case TERNARY_BF16: return std::fabs(y) * 0x1p-8 + 0x1p-133;
    default: return std::fabs(y) * 0x1p-24 + 0x1p-149;
  }
}

/** The bound of two results of Y's type, one of which is `expected`; negative where sums may leave the range of fp32 or of
 *  Y's type, or X holds a value that is not finite: then only NaN says something. */
inline double a16_bound(const A16Sums& sums, int64_t columns, ternary_dtype y_dtype, double expected) {
  const double reach = sums.magnitude + sums.bias, K = static_cast<double>(columns);
  const double most = y_dtype == TERNARY_F16 ? 60000 : 1e37;
  if (!(reach < most) || !(sums.largest < 1e37) || !(sums.alphas < 1e37) || !std::isfinite(expected)) return -1;
  return 2 * ((K + K / 32 + 8) * 0x1p-23 * reach + sums.alphas * 0x1p-132) +
         2 * half_step(y_dtype, std::fabs(expected) + reach * 0x1p-10);
}

/** Whether y may be what an order of sums makes of `expected`. */
inline bool within(double bound, double y, double expected) {
  if (y == expected || (std::isnan(y) && std::isnan(expected))) return true;
  return bound >= 0 ? std::fabs(y - expected) <= bound : !std::isnan(expected);
}

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_A16_BOUND_H_
