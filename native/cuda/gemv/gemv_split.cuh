/**
 * @file gemv_split.cuh
 * @brief The end of a panel set: sums of warps, and of CTAs where those share K, added up and written to Y.
 *
 * Sums are integers, so any order gives the same bits.
 */
#ifndef TERNARY_CUDA_GEMV_GEMV_SPLIT_CUH_
#define TERNARY_CUDA_GEMV_GEMV_SPLIT_CUH_

#include "cuda/device/cluster.cuh"
#include "cuda/device/epilogue.cuh"
#include "cuda/gemv/gemv_rows.cuh"

namespace ternary::cuda {

/**
 * threadIdx.x, read where it is needed. What an end makes of it would else be made before the loop over weights and kept
 * in registers through it, of which kernels with eight tiles on their way have none to spare: ptxas spilled it.
 */
__device__ __forceinline__ int thread_here() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}

/** An output of a panel set: thread i has outputs i, i + kGemvThreads ...; neighbours in N are neighbours. */
struct GemvOutput {
  int panel, row, m, n;

  __device__ GemvOutput(const GemvArgs& a, int panel_set, int i) {
    const int panels_log2 = 3 - a.k_warps_log2;
    row = i & (kPanelRows - 1);
    panel = i >> 4 & (a.cta_panels() - 1);
    m = i >> (4 + panels_log2);
    n = (panel_set * a.cta_panels() + panel) * kPanelRows + row;
  }
};
__device__ __forceinline__ int output_count(const GemvArgs& a) { return a.cta_panels() * kPanelRows * a.M; }

/**
 * Where a warp leaves the sum of a row of its panel for row m of X: [warp][m][row], eights of rows swapped by bits of m
 * and of the panel. A warp that stores mma's sums has eight rows of W and m = 2t of four t, which would lie on the same
 * eight banks (four passes a store); a warp that reads has sixteen rows of two panels or of m = 2t, 2t + 1, and two
 * panels would lie on the same banks where two or four warps share K.
 */
__device__ __forceinline__ int* sum_place(const GemvArgs& a, int* sums, int warp, int m, int row) {
  const int swap = (m & 6) << 2 ^ (warp >> a.k_warps_log2 & 1) << 4;
  return sums + warp * sums_of_warp(a.M) + ((m * kPanelRows + row) ^ swap);
}

/**
 * What the end of a panel set needs. `alphas` has a thread's alpha of its first output: asked for before the panels' weights,
 * and kept in shared memory, for through the loop over weights some kernels have no register left.
 */
struct GemvEnd {
  const Epilogue& epilogue;
  const int32_t* q_sums;
  int panel_set;
  const float* alphas;

  __device__ void write(const GemvOutput& o, int i, int sum) const {
    const float scale = i < kGemvThreads ? alphas[i] : epilogue.alpha[o.n];
    const bool biased = epilogue.bias != nullptr;
    epilogue.store(o.m, o.n, a8_output(sum - q_sums[o.m], epilogue.s[o.m], scale, biased, epilogue.bias_of(o.n)));
  }
};

__device__ __forceinline__ int warps_sum(const GemvArgs& a, int* sums, const GemvOutput& o) {
  int sum = 0;
  for (int k = 0; k < a.k_warps(); ++k) sum += *sum_place(a, sums, (o.panel << a.k_warps_log2) + k, o.m, o.row);
  return sum;
}

/** CTAs of a cluster: each adds up its warps, then a share of the outputs over the cluster's shared memories. */
__device__ inline void end_in_cluster(const GemvArgs& a, int* sums, const GemvEnd& end) {
  const int count = output_count(a), rank = static_cast<int>(blockIdx.x) % a.splits;
  for (int i = thread_here(); i < count; i += kGemvThreads) {
    const GemvOutput o(a, end.panel_set, i);
    *sum_place(a, sums, o.panel << a.k_warps_log2, o.m, o.row) = warps_sum(a, sums, o);
  }
  publish_shared();
  for (int i = thread_here(); i < count; i += kGemvThreads) {
    const GemvOutput o(a, end.panel_set, i);
    if (i / kGemvThreads % a.splits != rank || o.n >= a.N) continue;
    int sum = 0;
    for (int r = 0; r < a.splits; ++r) {
      sum += load_remote(sum_place(a, sums, o.panel << a.k_warps_log2, o.m, o.row), r);
    }
    end.write(o, i, sum);
  }
  leave_shared();  // no CTA overwrites its sums, or ends, while another still reads them
}

/** CTAs that only device memory joins: each adds to `partial`; the last, by its ticket, writes Y. */
__device__ inline void end_in_memory(const GemvArgs& a, int* sums, const GemvEnd& end) {
  const int count = output_count(a);
  int32_t* partial = static_cast<int32_t*>(a.task.partial);
  const auto place = [&](const GemvOutput& o) {
    return partial + static_cast<int64_t>(o.m) * a.panels * kPanelRows + o.n;
  };
  for (int i = thread_here(); i < count; i += kGemvThreads) {
    const GemvOutput o(a, end.panel_set, i);
    if (o.n < a.N) atomicAdd(place(o), warps_sum(a, sums, o));
  }
  if (!last_to_come(a.tickets + end.panel_set, a.splits)) return;
  for (int i = thread_here(); i < count; i += kGemvThreads) {
    const GemvOutput o(a, end.panel_set, i);
    if (o.n < a.N) end.write(o, i, __ldcg(place(o)));
  }
}

/** After a barrier behind the warps' sums. */
__device__ inline void end_panel_set(const GemvArgs& args, int* sums, const GemvEnd& end) {
  GemvArgs a = args;
  asm volatile("" : "+r"(a.M), "+r"(a.k_warps_log2));  // as thread_here()
  if (a.splits > 1) {
    if (a.cluster) {
      end_in_cluster(a, sums, end);
    } else {
      end_in_memory(a, sums, end);
    }
    return;
  }
  const int count = output_count(a);
  for (int i = thread_here(); i < count; i += kGemvThreads) {
    const GemvOutput o(a, end.panel_set, i);
    if (o.n < a.N) end.write(o, i, warps_sum(a, sums, o));
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_GEMV_GEMV_SPLIT_CUH_
