/**
 * @file mma_math.h
 * @brief What mma.sync computes, over the registers of one warp: fragments in, fragments out, no machine around it.
 *
 * Fragment layouts of PTX ISA 9.7.14.5, in one formula for 8-bit and 16-bit elements. Lane l = 4 * g + t; a 32-bit
 * register holds p = 4 or 2 elements e:
 *
 *     A  register r  row    g + 8 * (r mod 2)   k  4 * p * (r div 2) + p * t + e   (shapes of 8 rows: row g, k of r)
 *     B  register r  column g                   k  4 * p * r + p * t + e
 *     C, D           row    g + 8 * (r div 2)   column 2 * t + r mod 2             (f16: two columns a register)
 */
#ifndef TERNARY_SOFTGPU_OPCODES_MMA_MATH_H_
#define TERNARY_SOFTGPU_OPCODES_MMA_MATH_H_

#include <cstdint>

namespace ternary::softgpu {

/** The registers of a fragment: 32 lanes each. */
using Fragment = const uint32_t* const*;
using FragmentOut = uint32_t* const*;

struct MmaShape {
  int rows, columns, depth;  ///< m, n, k
};

/** Elements of A and B. */
enum class MmaType : uint8_t { u8, s8, f16, bf16, e4m3 };

/** 32-bit registers a lane holds of A, B, and of C or D with 32-bit and with f16 elements. */
struct MmaRegisters {
  int a, b, c32, c16;
};
MmaRegisters mma_registers(MmaShape shape, MmaType type);

/** D = A * B + C in s32; wraps as two's complement, or with `satfinite` clamps the exact sum. d may be any of them. */
void mma_s32(MmaShape shape, MmaType a_type, MmaType b_type, bool satfinite, Fragment a, Fragment b, Fragment c,
             FragmentOut d);

/** D = A * B + C of f16, bf16 or e4m3 in f32: see tensor_sum() for the order. d may be any of them. */
void mma_f32(MmaShape shape, MmaType type, Fragment a, Fragment b, Fragment c, FragmentOut d);

/** The same of f16 with C and D in f16: summed as above, rounded once to nearest even at the end. */
void mma_f16(MmaShape shape, Fragment a, Fragment b, Fragment c, FragmentOut d);

/** Products that are added in one go, see tensor_sum(). */
inline constexpr int kTensorBlock = 8;

/** Bits behind the first of the largest addend that a tensor core keeps: of 16-bit operands, and of e4m3. */
inline constexpr int kKeptBits = 24, kKeptBitsOfE4m3 = 13;

/**
 * c + sum of kTensorBlock products a * b. Tensor cores do not round each addition. As measured on hardware (Fasi,
 * Higham, Mikaitis and Pranesh, "Numerical behavior of NVIDIA tensor cores", 2021, and later work on A100 and H100): the
 * products are exact; all addends, c among them, are aligned to the largest exponent, what lies below the last kept bit
 * is cut off; the sum is normalised once and cut off again. Blocks of 4 products on V100, 8 on A100, 16 on H100, with
 * 0, 1 and 2 bits kept below the 24 of a float. This is A100's, for every arch: the coarsest that the library runs on,
 * so that a bound held here is not held thanks to a kinder rounding than hardware's. Integers whose sums stay below
 * 2^24 come out exact in any order, which is what the dense fallback relies on.
 * Of e4m3 Hopper keeps 13 bits ("DeepSeek-V3 technical report", 2024), the coarsest again; Blackwell keeps more.
 * NaN, Inf * 0 and Inf - Inf give the canonical NaN 0x7fffffff.
 */
float tensor_sum(float c, const float* a, const float* b, int kept_bits = kKeptBits);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_OPCODES_MMA_MATH_H_
