/**
 * @file unit_sum.cuh
 * @brief Sums of a unit as they are added up, and as the float that is scaled.
 */
#ifndef TERNARY_CUDA_DEVICE_UNIT_SUM_CUH_
#define TERNARY_CUDA_DEVICE_UNIT_SUM_CUH_

#include <cstdint>

namespace ternary::cuda {

/** Sums of floats are what they are. */
struct FloatSum {
  static constexpr float kZero = 0.0f;
  static __device__ __forceinline__ float of(float sum) { return sum; }
};

/**
 * Sums of int32, times 2^scale_log2, that begin at the pattern of 1.5 * 2^(23 - scale_log2). Its neighbours are the patterns
 * of that number plus and minus multiples of 2^-scale_log2. So as a float the sum is one subtraction away, exactly: I2F has
 * a quarter of its rate.
 */
template <int scale_log2>
struct SmallSum {
  static constexpr int32_t kZero = 0x4b400000 - (scale_log2 << 23);
  /** Of a unit with so many columns a sum stays between the patterns: |q| is at most 128, and a neighbour may be 2^22 off. */
  static constexpr int kMostColumns = ((1 << 22) >> scale_log2) / 128 - 32;
  static __device__ __forceinline__ float of(int32_t sum) {
    return __fsub_rn(__int_as_float(sum), __int_as_float(kZero));
  }
};

/** Sums of int32 of any size. They begin where small ones do, so that both have the same zero. */
struct LargeSum {
  static constexpr int32_t kZero = SmallSum<0>::kZero;
  static __device__ __forceinline__ float of(int32_t sum) {
    return __int2float_rn(static_cast<int32_t>(static_cast<uint32_t>(sum) - static_cast<uint32_t>(kZero)));
  }
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_UNIT_SUM_CUH_
