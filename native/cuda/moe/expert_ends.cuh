/**
 * @file expert_ends.cuh
 * @brief What products of few slots do besides, by the CTA that is last: h of a tile of slots, or sums over slots.
 *
 * So that a layer at decode is two launches behind that of x'. The order of sums is that of slots whoever is last.
 */
#ifndef TERNARY_CUDA_MOE_EXPERT_ENDS_CUH_
#define TERNARY_CUDA_MOE_EXPERT_ENDS_CUH_

#include "cuda/device/cluster.cuh"
#include "cuda/experts/slot_sum.cuh"
#include "cuda/moe/expert_inputs.cuh"
#include "cuda/moe/expert_tile.cuh"
#include "cuda/moe/slot_rows.cuh"

namespace ternary::cuda {

/** h of the slots of a tile, made ready: gates and ups are those of all CTAs of this row of the grid. */
template <int kThreads, int most>
__device__ __forceinline__ void end_with_gate(const CudaExpertsTask& t, const ExpertTile<most>& tile, void* shared,
                                              int shared_floats) {
  if (!last_to_come(t.tickets + blockIdx.y, static_cast<int>(gridDim.x))) return;
  const CudaExpertInputs& inputs = t.gate.inputs;
  const RowMemory memory = row_memory(inputs.activations, shared_floats);
  const ActivationTask rows = rows_of_expert(inputs, tile.expert, 0);
#pragma unroll 1
  for (int i = 0; i < tile.count; ++i) {
    const int slot = tile.rows[i].slot;
    __syncthreads();  // everyone has left the row before
    make_output_row<kThreads, true>(inputs.activations, rows, slot, gate_source(t.gate.gate, slot), shared,
                                    memory.capacity, memory.shared_maxima);
  }
}

/** Slots of row m that have an expert, by the lanes of each warp alike; adds up wrong ids where it `judges`. */
__device__ __forceinline__ int counted_slots(const CudaCombineTask& t, int64_t m, bool judges) {
  int counted = 0;
  for (int slot = static_cast<int>(threadIdx.x) & 31; slot < static_cast<int>(t.rows.T); slot += 32) {
    const int32_t id = t.rows.ids[m * t.rows.ld_ids + slot];
    counted += counts(id, t.E);
    if (judges && threadIdx.x < 32 && is_wrong(id, t.E)) atomicAdd(t.wrong_ids, 1u);
  }
  return __reduce_add_sync(~0u, counted);
}

/**
 * Sums of the CTA's columns of those rows whose slots are all there now: each CTA adds its slots to the tickets of their
 * rows. A row without slots has nobody who is last, so the CTAs of its first slot write it.
 */
template <int kColumns, int most>
__device__ __forceinline__ void end_with_sum(const CudaExpertsTask& t, const ExpertTile<most>& tile) {
  __shared__ RowSlots slots;
  __shared__ int complete[most];
  const CudaCombineTask& sum = t.sum;
  const int T = static_cast<int>(sum.rows.T);
  const int64_t begin = int64_t{blockIdx.x} * kColumns, end = min(begin + kColumns, sum.rows.H);
  const int first_slot = static_cast<int>(blockIdx.y);
  if (first_slot % T == 0 && counted_slots(sum, first_slot / T, blockIdx.x == 0) == 0) {
    finish_columns(sum, first_slot / T, begin, end, kColumns, false, slots);
  }
  if (tile.count == 0) return;
  __syncthreads();  // d of all threads is written
  if (threadIdx.x < 32) {
    for (int i = 0; i < tile.count;) {
      const int m = tile.rows[i].slot / T, first = i;
      while (i < tile.count && tile.rows[i].slot / T == m) ++i;  // slots ascend
      const int all = counted_slots(sum, m, false);
      if (threadIdx.x != 0) continue;
      __threadfence();
      const int before = atomicAdd(t.tickets + int64_t{m} * gridDim.x + blockIdx.x, i - first);
      __threadfence();
      for (int j = first; j < i; ++j) complete[j] = j == first && before + (i - first) == all;
    }
  }
  __syncthreads();
#pragma unroll 1
  for (int i = 0; i < tile.count; ++i) {
    if (complete[i] != 0) finish_columns(sum, tile.rows[i].slot / T, begin, end, kColumns, false, slots);
  }
}

/** The task's end, by all threads of a CTA behind its product, which has left `shared`. */
template <int kThreads, int kColumns, int most>
__device__ __forceinline__ void end_tile(const CudaExpertsTask& t, const ExpertTile<most>& tile, void* shared,
                                         int shared_floats) {
  static_assert(kThreads >= kMaxSlots && kThreads >= kColumns, "a thread a slot, and a thread a column");
  if (t.end == CudaExpertsEnd::gate && tile.count > 0) end_with_gate<kThreads>(t, tile, shared, shared_floats);
  if (t.end == CudaExpertsEnd::sum) end_with_sum<kColumns>(t, tile);
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_MOE_EXPERT_ENDS_CUH_
