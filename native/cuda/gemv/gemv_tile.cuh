/**
 * @file gemv_tile.cuh
 * @brief What a lane does with its 16 bytes of a tile: codes out of bytes, and dot products with q.
 *
 * Codes are multiplied as they lie, not minus one: sum(q * w) = sum(q * code) - sum(q). Nothing is shifted into place
 * that can be undone once a sum: SASS instructions per 16 weights and lane are what these kernels have least of.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_TILE_CUH_
#define TERNARY_CUDA_GEMV_GEMV_TILE_CUH_

#include <cstdint>

#include "abi/cuda_kernel.h"
#include "cuda/gemv/gemv_plan.h"

namespace ternary::cuda {

/** c += a * b, unsigned bytes of A by signed bytes of B. */
__device__ __forceinline__ void mma_u8s8(int (&c)[4], uint4 a, uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b0), "r"(b1));
}

__device__ __forceinline__ int dp4a_u8s8(uint32_t a, uint32_t b, int c) {
  int d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

/**
 * Weights are read once by one warp and written by no kernel of a chain: past the first-level cache, which q shares. Not
 * .nc: ptxas may move such a load, volatile or not, below the wait for the previous kernel. Of the four first loads of a
 * slab none to one stayed before it on sm_90a and sm_100f in this kernel's form of 29 November; of plain loads all do.
 */
__device__ __forceinline__ uint4 load_weights(const uint4* p) {
  uint4 w;
  asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(w.x), "=r"(w.y), "=r"(w.z), "=r"(w.w)
               : "l"(p));
  return w;
}

/**
 * Codes of I2S, masked where they lie: set d has its codes times 4^d. Sums of a set are folded before they can wrap:
 * an output of mma gains up to 2 * 64 * 128 * 32 = 2^19 a tile, and shared memory never holds q of 2^12 tiles. With two
 * sets a word is shifted once, by a nibble: an instruction per 16 weights, for half the registers of four rows of dp4a,
 * which would be spilled.
 */
template <int kSetsOf>
struct I2sCodes {
  static constexpr CudaLayout kLayout = CudaLayout::i2s;
  static constexpr int kSteps = 4, kSets = kSetsOf;
  static_assert(kSets == 2 || kSets == 4, "all in place, or by nibbles");
  static constexpr __device__ bool by_heads(int) { return false; }

  /** sink(step, set, operand, the step before's operand) for each step; operands are those of the four words. */
  template <typename Sink>
  static __device__ __forceinline__ void decode(uint4 w, const Sink& sink) {
#pragma unroll
    for (int d = 0; d < kSteps; ++d) {
      const int set = d % kSets;
      if (d == kSets) w = {w.x >> 4, w.y >> 4, w.z >> 4, w.w >> 4};
      const uint32_t mask = 0x03030303u << 2 * set;
      sink(d, set, uint4{w.x & mask, w.y & mask, w.z & mask, w.w & mask}, uint4{});
    }
  }
  static __device__ __forceinline__ int fold(const int (&set)[kSets]) {
    int sum = 0;
#pragma unroll
    for (int i = 0; i < kSets; ++i) sum += set[i] >> 2 * i;
    return sum;
  }
};

/**
 * T5: a byte is v * 256 / 243 rounded up, so H_i = byte * 3^i / 256 rounded down is the number of its first i digits.
 * Bytes are widened to 16-bit lanes, in which byte * 243 does not overflow.
 */
struct T5Bytes {
  uint4 even, odd;

  __device__ __forceinline__ explicit T5Bytes(uint4 w) {
    even = {w.x & 0x00ff00ffu, w.y & 0x00ff00ffu, w.z & 0x00ff00ffu, w.w & 0x00ff00ffu};
    odd = {__byte_perm(w.x, 0, 0x4341), __byte_perm(w.y, 0, 0x4341), __byte_perm(w.z, 0, 0x4341),
           __byte_perm(w.w, 0, 0x4341)};
  }

  /** H_i of all bytes, in their places; `power` is 3^i. */
  __device__ __forceinline__ uint4 heads(uint32_t power) const {
    return {head(even.x, odd.x, power), head(even.y, odd.y, power), head(even.z, odd.z, power),
            head(even.w, odd.w, power)};
  }

 private:
  static __device__ __forceinline__ uint32_t head(uint32_t even_lanes, uint32_t odd_lanes, uint32_t power) {
    return __byte_perm(even_lanes * power, odd_lanes * power, 0x7351);
  }
};

/**
 * Digit d is H_{d+1} - 3 * H_d. In steps 1 ... kByHeads q meets H_{d+1} in one set of sums and H_d in another, which is
 * subtracted thrice at the end: sums wrap, harmlessly, for nothing is divided. In other steps words are subtracted: each
 * byte of the difference is 0, 1 or 2, so no borrow crosses a byte. For mma a step by heads saves four multiply-adds and
 * costs one mma.
 */
template <int kByHeads>
struct T5Codes {
  static constexpr CudaLayout kLayout = CudaLayout::t5;
  static constexpr int kSteps = 5, kSets = kByHeads > 0 ? 2 : 1;

  /** Whether step d also adds the operand before it to the second set. */
  static constexpr __device__ bool by_heads(int d) { return d >= 1 && d <= kByHeads; }

  template <typename Sink>
  static __device__ __forceinline__ void decode(uint4 w, const Sink& sink) {
    const T5Bytes bytes(w);
    uint4 before = {0, 0, 0, 0};
    uint32_t power = 3;
#pragma unroll
    for (int d = 0; d < kSteps; ++d, power *= 3) {
      const uint4 now = bytes.heads(power);
      if (d == 0 || by_heads(d)) {
        sink(d, 0, now, before);
      } else {
        sink(d, 0, uint4{now.x - 3 * before.x, now.y - 3 * before.y, now.z - 3 * before.z, now.w - 3 * before.w},
             before);
      }
      before = now;
    }
  }
  static __device__ __forceinline__ int fold(const int (&set)[kSets]) {
    return set[0] - 3 * (kSets > 1 ? set[kSets - 1] : 0);
  }
};

/**
 * Sums of one panel by dp4a, for up to kRows rows of X: a lane has the columns of its t in rows g and g + 8 of W. A row of X
 * more costs four instructions per 16 weights, so mma is for several rows, but where int8 mma is slow: on sm_103a one
 * m16n8k32 takes an SM about 15 clocks (0.15 POPS, a thirtieth of sm_100), as long as thirty dp4a. For more than four
 * rows reading q takes as long as that: eight times four passes of shared memory for 1024 weights. Rows beyond M repeat
 * the last. `q` are 16 bytes in the permuted order for each row of X; `j` says which half of them a step uses.
 */
template <class CodesOf, int kRows>
struct Dp4aDots {
  using Codes = CodesOf;
  static constexpr int kVectors = kRows, kOutputs = 2 * kRows;
  int sums[Codes::kSets][kOutputs];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < Codes::kSets * kOutputs; ++i) sums[i / kOutputs][i % kOutputs] = 0;
  }
  /** From sums that fold() gave. */
  __device__ __forceinline__ void begin(const int (&held)[kOutputs]) {
    clear();
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) sums[0][i] = held[i];
  }
  __device__ __forceinline__ void add(int set, uint4 a, int j, const uint4 (&q)[kVectors]) {
#pragma unroll
    for (int m = 0; m < kRows; ++m) {
      const uint32_t low = j == 0 ? q[m].x : q[m].z, high = j == 0 ? q[m].y : q[m].w;
      int* sum = sums[set] + 2 * m;
      sum[0] = dp4a_u8s8(a.z, high, dp4a_u8s8(a.x, low, sum[0]));
      sum[1] = dp4a_u8s8(a.w, high, dp4a_u8s8(a.y, low, sum[1]));
    }
  }
  __device__ __forceinline__ int fold(int output) const {
    int set[Codes::kSets];
#pragma unroll
    for (int i = 0; i < Codes::kSets; ++i) set[i] = sums[i][output];
    return Codes::fold(set);
  }

  static __device__ __forceinline__ int q_row(int vector, int, int M) { return min(vector, M - 1); }
  /** Adds the four lanes that share a row of W. */
  static __device__ __forceinline__ int finish(int sum) {
    sum += __shfl_xor_sync(~0u, sum, 1);
    return sum + __shfl_xor_sync(~0u, sum, 2);
  }
  static __device__ __forceinline__ bool owner(int lane) { return (lane & 3) == 0; }
  /** Lanes that own outputs, and this one's number among them. */
  static constexpr int kOwners = 8;
  static __device__ __forceinline__ int owner_number(int lane) { return lane / 4; }
  static __device__ __forceinline__ int row(int output, int lane) { return 8 * (output & 1) + lane / 4; }
  static __device__ __forceinline__ int column(int output, int) { return output / 2; }
  /** Rows of X that a lane has outputs of, and which of them one is of. */
  static constexpr int kColumns = kRows;
  static constexpr __device__ int column_number(int output) { return output / 2; }
  static __device__ __forceinline__ int lane_column(int number, int) { return number; }
};

/** Sums of one panel by mma.m16n8k32, for 8 * kEights rows of X; those beyond M repeat the last and are not stored. */
template <class CodesOf, int kEights>
struct MmaDots {
  using Codes = CodesOf;
  static constexpr int kVectors = kEights, kOutputs = 4 * kEights;
  int sums[Codes::kSets][kEights][4];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < Codes::kSets * kEights * 4; ++i) sums[i / (4 * kEights)][i / 4 % kEights][i % 4] = 0;
  }
  __device__ __forceinline__ void begin(const int (&held)[kOutputs]) {
    clear();
#pragma unroll
    for (int i = 0; i < kOutputs; ++i) sums[0][i / 4][i % 4] = held[i];
  }
  __device__ __forceinline__ void add(int set, uint4 a, int j, const uint4 (&q)[kVectors]) {
#pragma unroll
    for (int e = 0; e < kEights; ++e) {
      mma_u8s8(sums[set][e], a, j == 0 ? q[e].x : q[e].z, j == 0 ? q[e].y : q[e].w);
    }
  }
  __device__ __forceinline__ int fold(int output) const {
    int set[Codes::kSets];
#pragma unroll
    for (int i = 0; i < Codes::kSets; ++i) set[i] = sums[i][output / 4][output % 4];
    return Codes::fold(set);
  }

  static __device__ __forceinline__ int q_row(int vector, int lane, int M) { return min(8 * vector + lane / 4, M - 1); }
  static __device__ __forceinline__ int finish(int sum) { return sum; }
  static __device__ __forceinline__ bool owner(int) { return true; }
  static constexpr int kOwners = 32;
  static __device__ __forceinline__ int owner_number(int lane) { return lane; }
  static __device__ __forceinline__ int row(int output, int lane) { return 8 * (output / 2 % 2) + lane / 4; }
  static __device__ __forceinline__ int column(int output, int lane) {
    return 8 * (output / 4) + 2 * (lane & 3) + (output & 1);
  }
  static constexpr int kColumns = 2 * kEights;
  static constexpr __device__ int column_number(int output) { return 2 * (output / 4) + (output & 1); }
  static __device__ __forceinline__ int lane_column(int number, int lane) {
    return 8 * (number / 2) + 2 * (lane & 3) + (number & 1);
  }
};

/** Adds what decode() hands out for step d of a tile. */
template <class Dots>
__device__ __forceinline__ void add_step(Dots& dots, int d, int set, uint4 operand, uint4 before, int j,
                                         const uint4 (&q)[Dots::kVectors]) {
  dots.add(set, operand, j, q);
  if (Dots::Codes::by_heads(d)) dots.add(Dots::Codes::kSets - 1, before, j, q);
}

/** An address of shared memory in 32 bits: one add a step, where a generic pointer's base would be made anew each time. */
using SharedAddress = uint32_t;
__device__ __forceinline__ SharedAddress shared_address(const void* p) {
  return static_cast<SharedAddress>(__cvta_generic_to_shared(p));
}

/** A lane's 16 bytes of a tile of W into shared memory; whole lines of the L2 come with it, which neighbours ask for. */
__device__ __forceinline__ void copy_weights(SharedAddress to, const uint8_t* from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" : : "r"(to), "l"(from) : "memory");
}

__device__ __forceinline__ uint4 load_shared(SharedAddress at) {
  uint4 v;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(at)
               : "memory");
  return v;
}

/** A lane's 16 bytes of each row of X that it needs, of a line of 64 columns; `at[i]` is where its row i begins. */
template <class Dots>
__device__ __forceinline__ void load_q(const SharedAddress (&at)[Dots::kVectors], int line,
                                       uint4 (&q)[Dots::kVectors]) {
#pragma unroll
  for (int i = 0; i < Dots::kVectors; ++i) {
    q[i] = load_shared(at[i] + 64 * line);
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_TILE_CUH_
