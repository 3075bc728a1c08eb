/**
 * @file gemv_units.cuh
 * @brief Y = X * W^T for few rows of X and units of K, groups of alpha or blocks of X: the kernel, over the way of its
 * warps through super-blocks (gemv_super_blocks.cuh).
 *
 * fp32 sums have an order (numerics.md sections 3.3 and 7.2): within a super-block one fma after the other, super-blocks
 * ascending. So a warp has whole super-blocks; warps of a panel take neighbouring ones, and the first of them adds
 * their sums in order. Where k_warps is 1 a warp goes through all of K, in chunks that may end anywhere.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_UNITS_CUH_
#define TERNARY_CUDA_GEMV_GEMV_UNITS_CUH_

#include "cuda/device/epilogue.cuh"
#include "cuda/gemv/gemv_super_blocks.cuh"

namespace ternary::cuda {

/** Adds the super-blocks of a round to the leader's sums, in their order. */
template <class Dots, class Walk>
__device__ __forceinline__ void add_super_blocks(const GemvArgs& a, const Walk& walk, int round, float* places,
                                                 float (&sum)[Dots::kOutputs]) {
  const int lane = static_cast<int>(threadIdx.x) & 31, warp = static_cast<int>(threadIdx.x) / 32;
  const int own = Dots::owner_number(lane);
#pragma unroll
  for (int i = 0; i < Dots::kOutputs; ++i) {
    if (Dots::owner(lane)) places[(warp * Dots::kOutputs + i) * Dots::kOwners + own] = walk.super_block_sum(i);
  }
  __syncthreads();
  if (!walk.leader()) return;
  const int super_blocks = min(a.k_warps(), a.super_blocks - round * a.k_warps());
  for (int b = 0; b < super_blocks; ++b) {
#pragma unroll
    for (int i = 0; i < Dots::kOutputs; ++i) {
      sum[i] = __fadd_rn(sum[i], places[((warp + b) * Dots::kOutputs + i) * Dots::kOwners + own]);
    }
  }
}

template <class Dots, class Rows, int kCtas, int kAheadTiles, bool by_block>
__global__ void __launch_bounds__(kGemvThreads, kCtas) gemv_units_kernel(const GemvArgs a, const Rows rows) {
  extern __shared__ uint4 shared[];
  unsigned char* q = reinterpret_cast<unsigned char*>(shared) + unit_ring_bytes(Dots::Codes::kLayout, kAheadTiles);
  float* places = reinterpret_cast<float*>(q + a.M * a.q_stride);
  constexpr int kPlaces = kGemvWarps * Dots::kOutputs * Dots::kOwners;
  const int lane = static_cast<int>(threadIdx.x) & 31;
  pdl_launch_dependents();
  SuperBlockWalk<Dots, kAheadTiles, by_block> walk(a, shared, q);
  Epilogue epilogue(a.task);
  const int32_t* q_sums = a.task.q_sums;
  rows.template begin<by_block>(a, q, q + a.M * a.q_stride + unit_sums_bytes(a.M), epilogue, q_sums);
  if (a.resident) {
    rows.stage(a, q, 0, a.padded);
    __syncthreads();
  }
  constexpr int kSpanColumns = span_columns(Dots::Codes::kLayout);
  int turn = 0;
  for (int panel_set = static_cast<int>(blockIdx.x); panel_set < a.panel_sets;
       panel_set += static_cast<int>(gridDim.x)) {
    float sum[Dots::kOutputs] = {};
#pragma unroll 1
    for (int round = 0; round * a.chunk < a.steps; ++round) {
      int staged = 0;
      if (!a.resident) {
        staged = round * a.chunk * kStepColumns / kSpanColumns * kSpanColumns;
        const int end = min(a.padded, (round + 1) * a.chunk * kStepColumns);
        __syncthreads();
        rows.stage(a, q, staged, (end + kSpanColumns - 1) / kSpanColumns * kSpanColumns);
        __syncthreads();
      }
      walk.run(round, staged, {q_sums, epilogue.s, rows.ld_s(a)}, sum);
      if (a.k_warps_log2 == 0) continue;
      add_super_blocks<Dots>(a, walk, round, places + turn * kPlaces, sum);
      turn ^= 1;
    }
#pragma unroll
    for (int i = 0; i < Dots::kOutputs; ++i) {
      const int m = Dots::column(i, lane), n = walk.panel() * kPanelRows + Dots::row(i, lane);
      if (walk.leader() && Dots::owner(lane) && m < a.M && n < a.N) {
        by_block ? epilogue.finish_blocks(sum[i], a.groups > 0, m, n) : epilogue.finish_groups(sum[i], m, n);
      }
    }
    walk.next_panel();
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_UNITS_CUH_
