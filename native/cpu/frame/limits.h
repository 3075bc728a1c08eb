/**
 * @file limits.h
 * @brief What the loops of Stage::limit share. Include the header of the intrinsics first.
 */
#ifndef TERNARY_CPU_FRAME_LIMITS_H_
#define TERNARY_CPU_FRAME_LIMITS_H_

#include "abi/kernel.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

/** Hides where a register's value comes from, so that nothing computed with it can be moved out of a loop. */
template <class Register>
inline void opaque(Register& value) {
#ifdef __AVX512F__
  __asm__ volatile("" : "+v"(value));
#else
  if constexpr (sizeof(Register) <= 32) {
    __asm__ volatile("" : "+x"(value));
  } else {
    __asm__ volatile("" : "+m"(value));  // an emulated register
  }
#endif
}

/** Sum of the elements of vectors. */
template <class Vector, int kCount>
int64_t total(const Vector (&sums)[kCount]) {
  int64_t sum = 0;
  for (const Vector& vector : sums) {
    for (unsigned i = 0; i < sizeof(Vector) / sizeof(vector[0]); ++i) sum += vector[i];
  }
  return sum;
}

/** Bytes of 64-bit words of value 1, read by independent sums; kPrefetchBytes > 0 asks for lines that far ahead. */
template <class Words, int kPrefetchBytes>
int64_t read(const uint8_t* data, int64_t bytes) {
  constexpr int kSums = 8, kVectorBytes = sizeof(Words);
  Words sums[kSums] = {};
  for (const uint8_t* end = data + bytes; data < end; data += kSums * kVectorBytes) {
    for (int i = 0; i < kSums; ++i) {
      if (kPrefetchBytes > 0 && i * kVectorBytes % 64 == 0)
        __builtin_prefetch(data + i * kVectorBytes + kPrefetchBytes);
      sums[i] += *reinterpret_cast<const Words*>(data + i * kVectorBytes);
    }
  }
  return total(sums) * static_cast<int64_t>(sizeof(int64_t));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_LIMITS_H_
