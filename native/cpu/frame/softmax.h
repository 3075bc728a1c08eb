/**
 * @file softmax.h
 * @brief Softmax of a few values (numerics.md section 11.2), over Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_SOFTMAX_H_
#define TERNARY_CPU_FRAME_SOFTMAX_H_

#include <cstring>

#include "abi/elementary.h"
#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

constexpr int64_t kSoftmaxPartials = 32;

/** The float that Lanes::ordered() made this of; of -0 it made +0. */
inline float from_ordered(int32_t key) {
  const int32_t bits = key < 0 ? key ^ 0x7fffffff : key;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** The largest of `count` values. Where there is a NaN it may be any, for then every result is NaN. */
inline float largest_of(const float* values, int64_t count) {
  Lanes::I largest = Lanes::set_int(INT32_MIN);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) largest = Lanes::max(largest, Lanes::ordered(Lanes::load(values + i)));
  alignas(64) float tail[16];
  for (int64_t j = 0; j < 16; ++j) tail[j] = values[i + j < count ? i + j : 0];
  return from_ordered(Lanes::largest(Lanes::max(largest, Lanes::ordered(Lanes::load(tail)))));
}

/** In place. `values` has room for round_up(count, kSoftmaxPartials) and is zero beyond `count` afterwards. */
inline void softmax(float* values, int64_t count) {
  const Lanes::F max = Lanes::set(largest_of(values, count));
  for (int64_t i = 0; i < count; i += 16) {
    Lanes::store(values + i, elementary::exp<Lanes>(Lanes::sub(Lanes::load(values + i), max)));
  }
  const int64_t end = round_up(count, kSoftmaxPartials);
  std::memset(values + count, 0, static_cast<size_t>(end - count) * sizeof(float));
  Lanes::F low = Lanes::set(0.0f), high = Lanes::set(0.0f);
  for (int64_t i = 0; i < end; i += kSoftmaxPartials) {
    low = Lanes::add(low, Lanes::load(values + i));
    high = Lanes::add(high, Lanes::load(values + i + 16));
  }
  const Lanes::F sum = Lanes::set(Lanes::halving_sum(Lanes::add(low, high)));
  for (int64_t i = 0; i < count; i += 16) Lanes::store(values + i, Lanes::div(Lanes::load(values + i), sum));
  std::memset(values + count, 0, static_cast<size_t>(end - count) * sizeof(float));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_SOFTMAX_H_
