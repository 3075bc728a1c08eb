/**
 * @file decode.cuh
 * @brief Sixteen weights of CudaLayout::top2 to bf16 or f16 pairs of 2 * w, in the place of CUTLASS's conversion of int2b_t.
 *
 * A shift and a mask a pair, where CUTLASS's needs a permute, a mask, a subtraction and a third of a shift: 16 instructions
 * in the place of 27 for 16 weights, and 8.75 in the place of 19 on the pipe of logic. Sums are twice the product's; that is
 * exact as fp32's exponent has it, and the epilogue halves them.
 */
#ifndef TERNARY_CUTLASS_GEMM_DECODE_CUH_
#define TERNARY_CUTLASS_GEMM_DECODE_CUH_

#include "cutlass_gemm/tensor_map.h"
// CUTLASS's headers come behind it.
#include "cutlass/numeric_conversion.h"

namespace ternary::cutlass_gemm {

/** By what the epilogue multiplies sums. */
inline constexpr float kHalf = 0.5f;

template <class X>
struct DecodeTop2 {
  using source_type = cutlass::Array<cutlass::int2b_t, 16>;
  using result_type = cutlass::Array<X, 16>;

  CUTLASS_DEVICE static result_type convert(const source_type& source) {
    const uint32_t word = reinterpret_cast<const uint32_t&>(source);
    cutlass::AlignedArray<uint32_t, 8, sizeof(result_type)> pairs;
    CUTLASS_PRAGMA_UNROLL
    for (int j = 0; j < 8; ++j) pairs[j] = word << 2 * j & 0xc000c000u;
    return reinterpret_cast<result_type&>(pairs);
  }
  CUTLASS_DEVICE result_type operator()(const source_type& source) const { return convert(source); }
};

}  // namespace ternary::cutlass_gemm

/** The conversions that the mainloop of mixed input asks for; int2b_t names the width of the weights and no more. */
template <cutlass::FloatRoundStyle kRound>
struct cutlass::NumericArrayConverter<cutlass::bfloat16_t, cutlass::int2b_t, 16, kRound>
    : ternary::cutlass_gemm::DecodeTop2<cutlass::bfloat16_t> {};
template <cutlass::FloatRoundStyle kRound>
struct cutlass::NumericArrayConverter<cutlass::half_t, cutlass::int2b_t, 16, kRound>
    : ternary::cutlass_gemm::DecodeTop2<cutlass::half_t> {};

#endif  // TERNARY_CUTLASS_GEMM_DECODE_CUH_
