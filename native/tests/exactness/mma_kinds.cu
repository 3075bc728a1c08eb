#include <cstdint>

#include "exactness/mma_kinds.h"

namespace ternary::test {
namespace {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 890
constexpr bool kHasE4m3 = false;
#else
constexpr bool kHasE4m3 = true;
#endif

struct Fragments {
  uint32_t a[4], b[2];
};

#define TERNARY_MMA(SHAPE, TYPES, SUM)                                                                              \
  asm volatile("mma.sync.aligned." SHAPE ".row.col." TYPES " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};" \
               : "+" SUM(d[0]), "+" SUM(d[1]), "+" SUM(d[2]), "+" SUM(d[3])                                         \
               : "r"(f.a[0]), "r"(f.a[1]), "r"(f.a[2]), "r"(f.a[3]), "r"(f.b[0]), "r"(f.b[1]))

template <MmaKind kind>
__device__ void multiply(int32_t (&d)[4], const Fragments& f) {
  if (kind == MmaKind::s8_s8) TERNARY_MMA("m16n8k32", "s32.s8.s8.s32", "r");
  if (kind == MmaKind::u8_s8) TERNARY_MMA("m16n8k32", "s32.u8.s8.s32", "r");
}

template <MmaKind kind>
__device__ void multiply(float (&d)[4], const Fragments& f) {
  if (kind == MmaKind::bf16) TERNARY_MMA("m16n8k16", "f32.bf16.bf16.f32", "f");
  if (kind == MmaKind::f16) TERNARY_MMA("m16n8k16", "f32.f16.f16.f32", "f");
  if constexpr (kind == MmaKind::e4m3 && kHasE4m3) TERNARY_MMA("m16n8k32", "f32.e4m3.e4m3.f32", "f");
}

/** In all kinds a lane holds the same bytes of a step: those at 4 t and at 16 + 4 t of rows g and g + 8 of A, g of B. */
template <MmaKind kind, typename Sum>
__global__ void mma_kernel(const uint8_t* a, const uint8_t* b, int steps, Sum* c_and_d) {
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4, row_bytes = steps * kMmaStepBytes;
  const auto word = [](const uint8_t* at) { return *reinterpret_cast<const uint32_t*>(at); };
  Sum d[4];
  for (int i = 0; i < 4; ++i) d[i] = c_and_d[(g + i / 2 * 8) * kMmaColumns + 2 * t + i % 2];
  for (int step = 0; step < steps; ++step) {
    const uint8_t *low = a + g * row_bytes + step * kMmaStepBytes + 4 * t, *high = low + 8 * row_bytes;
    const uint8_t* column = b + g * row_bytes + step * kMmaStepBytes + 4 * t;
    multiply<kind>(d, {{word(low), word(high), word(low + 16), word(high + 16)}, {word(column), word(column + 16)}});
  }
  const bool done = kind != MmaKind::e4m3 || kHasE4m3;
  for (int i = 0; done && i < 4; ++i) c_and_d[(g + i / 2 * 8) * kMmaColumns + 2 * t + i % 2] = d[i];
}

/** A's bytes unsigned, B's signed: a lane has four sums. */
__global__ void dp4a_kernel(const uint8_t* a, const uint8_t* b, int steps, int32_t* c_and_d) {
  for (int i = static_cast<int>(threadIdx.x); i < kMmaRows * kMmaColumns; i += 32) {
    const auto* left = reinterpret_cast<const uint32_t*>(a + i / kMmaColumns * steps * kMmaStepBytes);
    const auto* right = reinterpret_cast<const uint32_t*>(b + i % kMmaColumns * steps * kMmaStepBytes);
    int32_t d = c_and_d[i];
    for (int word = 0; word < steps * kMmaStepBytes / 4; ++word) {
      asm volatile("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(d) : "r"(left[word]), "r"(right[word]));
    }
    c_and_d[i] = d;
  }
}

}  // namespace

cudaError_t start_mma(MmaKind kind, const uint8_t* a, const uint8_t* b, int steps, void* c_and_d) {
  auto* whole = static_cast<int32_t*>(c_and_d);
  auto* floats = static_cast<float*>(c_and_d);
  switch (kind) {
    case MmaKind::s8_s8: mma_kernel<MmaKind::s8_s8><<<1, 32>>>(a, b, steps, whole); break;
    case MmaKind::u8_s8: mma_kernel<MmaKind::u8_s8><<<1, 32>>>(a, b, steps, whole); break;
    case MmaKind::bf16: mma_kernel<MmaKind::bf16><<<1, 32>>>(a, b, steps, floats); break;
    case MmaKind::f16: mma_kernel<MmaKind::f16><<<1, 32>>>(a, b, steps, floats); break;
    case MmaKind::e4m3: mma_kernel<MmaKind::e4m3><<<1, 32>>>(a, b, steps, floats); break;
    case MmaKind::dp4a: dp4a_kernel<<<1, 32>>>(a, b, steps, whole); break;
  }
  return cudaGetLastError();
}

}  // namespace ternary::test
