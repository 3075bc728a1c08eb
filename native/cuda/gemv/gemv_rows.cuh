/**
 * @file gemv_rows.cuh
 * @brief How q reaches a GEMV's shared memory: copied from where the activations kernel left it, or made there.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_ROWS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_ROWS_CUH_

#include "cuda/device/pdl.cuh"
#include "cuda/gemv/gemv_plan.h"
#include "cuda/quantise/activations.cuh"

namespace ternary::cuda {

/** What a GEMV kernel is given: its task and its plan, see GemvPlan. */
struct GemvArgs {
  CudaGemmTask task;
  int M, N, tiles, slabs, panels, padded;
  int k_warps_log2, splits, panel_sets, chunk, q_stride, scratch_columns;
  bool resident, cluster;
  int units, unit_steps, super_block_units, steps, super_blocks;  ///< with units; a step is 32 columns
  int groups, group_units, block_units;  ///< with blocks: units of a group (0: none), of a block
  int ld_s;                              ///< with blocks: scales of rows between two blocks
  int32_t* tickets;                      ///< one a panel set, where CTAs add up in device memory

  __device__ int k_warps() const { return 1 << k_warps_log2; }
  __device__ int cta_panels() const { return kGemvWarps >> k_warps_log2; }
};

/** What belongs to q where K has units. */
struct UnitRows {
  const int32_t* q_sums;  ///< [M, units]
  const float* s;         ///< with blocks [blocks, ld_s]
  int ld_s;
};

/** Sixteen bytes into shared memory without passing a register; wait_copies() before they are read. */
__device__ __forceinline__ void copy_16(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
               :
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))), "l"(global)
               : "memory");
}
/** The same for four bytes. */
__device__ __forceinline__ void copy_4(void* shared, const void* global) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
               :
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))), "l"(global)
               : "memory");
}
/** What was copied since the last is a batch. */
__device__ __forceinline__ void end_batch() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Until all batches but the last `left` have landed. */
template <int left>
__device__ __forceinline__ void wait_batches() {
  asm volatile("cp.async.wait_group %0;" : : "n"(left) : "memory");
}
__device__ __forceinline__ void wait_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

/** q that an earlier kernel made: chunks of it are copied as they are needed. */
struct StagedRows {
  /** From here on what earlier kernels wrote may be read. `free`: shared memory behind q and the sums. */
  template <bool by_block>
  __device__ void begin(const GemvArgs&, unsigned char*, unsigned char*, Epilogue&, const int32_t*&) const {
    pdl_wait();
  }
  __device__ int ld_s(const GemvArgs& a) const { return a.ld_s; }

  /** Columns first ... end of all rows (end cut at the padding) to the front of q in shared memory. */
  __device__ void stage(const GemvArgs& a, unsigned char* q, int first, int end) const {
    const int vectors = (min(end, a.padded) - first) / 16;
    for (int m = 0; m < a.M; ++m) {
      const int8_t* from = a.task.q + m * a.task.ldq + first;
      for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kGemvThreads) {
        copy_16(q + m * a.q_stride + 16 * i, from + 16 * i);
      }
    }
    wait_copies();
  }
};

/** q that each CTA makes of X for itself, all of it at once. CTA 0 writes residual_out. */
struct FusedRows {
  CudaActivationTask activations;

  /** `by_block`: of kernels for blocks. */
  template <bool by_block>
  __device__ void begin(const GemvArgs& a, unsigned char* q, unsigned char* free, Epilogue& epilogue,
                        const int32_t*& q_sums) const {
    float* v = reinterpret_cast<float*>(free);
    float* part = v + a.scratch_columns;
    uint32_t* warp_max = reinterpret_cast<uint32_t*>(part + kPartials);
    float* s = reinterpret_cast<float*>(warp_max + kGemvWarps);
    const int blocks = by_block ? a.units / a.block_units + (a.units % a.block_units != 0) : 1;
    int32_t* sums = reinterpret_cast<int32_t*>(s + a.M * blocks);
    pdl_wait();
    for (int m = 0; m < a.M; ++m) {
      quantise_row<kGemvThreads, by_block>(
          activations.rows, m, blockIdx.x == 0, {v, a.scratch_columns, part, warp_max},
          {reinterpret_cast<int8_t*>(q + m * a.q_stride), a.padded, false, s + m, sums + m * a.units, activations.unit,
           nullptr, a.M, reinterpret_cast<uint32_t*>(s + m), a.M});
    }
    epilogue.s = s;
    q_sums = sums;
  }
  __device__ void stage(const GemvArgs&, unsigned char*, int, int) const {}
  __device__ int ld_s(const GemvArgs& a) const { return a.M; }
};

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_ROWS_CUH_
