/**
 * @file mma.cuh
 * @brief mma.sync as these kernels use it: A is 16 rows of W, B is 8 rows of X, D[n][m] the sums.
 *
 * Lane 4 * g + t holds of D rows (n) g and g + 8, columns (m) 2 * t and 2 * t + 1: d[0], d[1] of row g, d[2], d[3] of
 * row g + 8.
 */
#ifndef TERNARY_CUDA_DEVICE_MMA_CUH_
#define TERNARY_CUDA_DEVICE_MMA_CUH_

#include <cstdint>

namespace ternary::cuda {

/** A of codes 0 ... 2. */
__device__ __forceinline__ void mma_codes(int32_t (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/** A of weights -1 ... 1. */
__device__ __forceinline__ void mma_weights(int32_t (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/** Sixteen columns of bf16 or f16, fp32 sums. */
template <bool f16>
__device__ __forceinline__ void mma_floats(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  if (f16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_MMA_CUH_
