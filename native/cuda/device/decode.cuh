/**
 * @file decode.cuh
 * @brief From the words of a tile (CudaLayout) to operands of mma: codes as bytes, weights as bf16 or f16, exactly.
 */
#ifndef TERNARY_CUDA_DEVICE_DECODE_CUH_
#define TERNARY_CUDA_DEVICE_DECODE_CUH_

#include <cstdint>

#include "abi/cuda_kernel.h"

namespace ternary::cuda {

/** Steps d of a tile, 32 columns each; of the dense layout, those of 64 columns. */
__host__ __device__ constexpr int steps_of(CudaLayout layout) {
  return layout == CudaLayout::t5 ? 5 : layout == CudaLayout::i2s ? 4 : 2;
}

/** Gives the codes of a lane's word of a tile, four bytes of 0 ... 2 a step, for d = 0, 1, ... in turn. */
template <CudaLayout layout>
class WordCodes;

template <>
class WordCodes<CudaLayout::i2s> {
 public:
  WordCodes() = default;
  __device__ __forceinline__ explicit WordCodes(uint32_t word) : word_(word) {}
  __device__ __forceinline__ uint32_t step(int d) { return word_ >> 2 * d & 0x03030303u; }

 private:
  uint32_t word_;
};

/**
 * A byte of T5 is a fraction x / 256 in base 3. With x widened to 16 bits, H_i = the high byte of x * 3^i (which fits,
 * 255 * 243 < 65536) holds the digits 0 ... i - 1, so digit i is H_{i+1} - 3 * H_i. The borrows of the subtraction
 * cancel
 * across a word: every byte of the result is 0 ... 2, so it is exact modulo 2^32.
 */
template <>
class WordCodes<CudaLayout::t5> {
 public:
  WordCodes() = default;
  __device__ __forceinline__ explicit WordCodes(uint32_t word)
      : even_(word & 0x00ff00ffu), odd_(word >> 8 & 0x00ff00ffu), high_(0) {}
  __device__ __forceinline__ uint32_t step(int) {
    even_ *= 3;
    odd_ *= 3;
    const uint32_t high = __byte_perm(even_, odd_, 0x7351);
    const uint32_t digits = high - 3 * high_;
    high_ = high;
    return digits;
  }

 private:
  uint32_t even_, odd_, high_;
};

/** Codes as signed weights, byte by byte: -1, 0, +1. 0x7f ... 0x81 are within their bytes. */
__device__ __forceinline__ uint32_t signed_weights(uint32_t codes) { return (codes + 0x7f7f7f7fu) ^ 0x80808080u; }

/** Gives the weights of a lane's word of a tile, four signed bytes a step, for d = 0, 1, ... in turn. */
template <CudaLayout layout>
class WordWeights {
 public:
  WordWeights() = default;
  __device__ __forceinline__ explicit WordWeights(uint32_t word) : codes_(word) {}
  __device__ __forceinline__ uint32_t step(int d) { return signed_weights(codes_.step(d)); }

 private:
  WordCodes<layout> codes_;
};

/** The same times 2^kScaleLog2, where that takes fewer instructions. */
template <CudaLayout layout>
class ScaledWeights : public WordWeights<layout> {
 public:
  static constexpr int kScaleLog2 = 0;
  using WordWeights<layout>::WordWeights;
};

/** Codes of I2S less one are two's complement of two bits, which as the highest bits of a byte are 64 times the weight. */
template <>
class ScaledWeights<CudaLayout::i2s> {
 public:
  static constexpr int kScaleLog2 = 6;
  ScaledWeights() = default;
  __device__ __forceinline__ explicit ScaledWeights(uint32_t word) : word_(~(word | (word << 1 & 0xaaaaaaaau))) {}
  __device__ __forceinline__ uint32_t step(int d) { return word_ << (6 - 2 * d) & 0xc0c0c0c0u; }

 private:
  uint32_t word_;
};

/**
 * Weights of two codes, bytes 2 * pair and 2 * pair + 1 of `codes`, as two bf16 or f16: the code becomes the last bits
 * of 128 (bf16) or 1024 (f16), of which 129 or 1025 is then subtracted, exactly.
 */
template <bool f16>
__device__ __forceinline__ uint32_t float_weights(uint32_t codes, int pair) {
  const uint32_t biased = __byte_perm(codes, f16 ? 0x64u : 0x43u, pair == 0 ? 0x4140 : 0x4342);
  uint32_t weights;
  if (f16) {
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(weights) : "r"(biased), "r"(0x3c003c00u), "r"(0xe401e401u));
  } else {
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(weights) : "r"(biased), "r"(0x3f803f80u), "r"(0xc301c301u));
  }
  return weights;
}

/**
 * Two of four int8 as bf16, exactly: their low 7 bits become those of 128 + u, and their sign bits choose between -128
 * and -256 to add, whose patterns differ in the bit where the sign is.
 */
__device__ __forceinline__ uint32_t bf16_of_int8(uint32_t bytes, int pair) {
  const uint32_t wide = __byte_perm(bytes, 0, pair == 0 ? 0x4140 : 0x4342);
  uint32_t values;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;"
      : "=r"(values)
      : "r"((wide & 0x007f007fu) | 0x43004300u), "r"(0x3f803f80u), "r"((wide & 0x00800080u) | 0xc300c300u));
  return values;
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_DECODE_CUH_
