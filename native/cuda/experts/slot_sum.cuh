/**
 * @file slot_sum.cuh
 * @brief Sums over the slots of a row, ascending: a thread a column, whose loads of some slots are on their way together.
 */
#ifndef TERNARY_CUDA_EXPERTS_SLOT_SUM_CUH_
#define TERNARY_CUDA_EXPERTS_SLOT_SUM_CUH_

#include "abi/cuda_kernel.h"
#include "cuda/device/scalar.cuh"
#include "cuda/experts/expert_ids.cuh"

namespace ternary::cuda {

/** A row's slots in shared memory. */
struct RowSlots {
  int64_t d[kMaxSlots];  ///< element where a slot's d begins; -1: it does not count
  float weight[kMaxSlots];
};

/** Slot `slot` of row m, by one thread of each CTA; the ids of a row are judged by the CTA that has its first columns. */
__device__ __forceinline__ void load_slot(const CudaCombineTask& t, int64_t m, int64_t slot, bool judges,
                                          RowSlots& slots) {
  const CombineTask& rows = t.rows;
  const int32_t id = rows.ids[m * rows.ld_ids + slot];
  if (judges && is_wrong(id, t.E)) atomicAdd(t.wrong_ids, 1u);
  slots.d[slot] = !counts(id, t.E)         ? -1
                  : rows.places == nullptr ? m * rows.ldd + slot * rows.H
                                           : rows.places[m * rows.T + slot] * rows.ldd;
  slots.weight[slot] = rows.use == WeightUse::used_before || (rows.spread && rows.use == WeightUse::in_sum)
                           ? 1.0f
                           : load_element(rows.weights, rows.weights_dtype, m * rows.ld_weights + slot);
}

/** What a slot that counts adds to column h. A weight that is not used is 1, by which every product is exact. */
__device__ __forceinline__ float addend(const CombineTask& t, const RowSlots& slots, int slot, int64_t h) {
  const float d = __fmul_rn(slots.weight[slot], load_fresh_element(t.d, t.d_dtype, slots.d[slot] + h));
  return t.use == WeightUse::before_rounding ? rounded(d, t.rounded_to) : d;
}

/** y of column h of row m, and the residual's. */
__device__ __forceinline__ void sum_column(const CombineTask& t, const RowSlots& slots, int64_t m, int64_t h) {
  float p = 0.0f;
  const int T = static_cast<int>(t.T);
#pragma unroll 4
  for (int slot = 0; slot < T; ++slot) {
    if (slots.d[slot] >= 0) p = __fadd_rn(p, addend(t, slots, slot, h));
  }
  p = __fmul_rn(p, t.scaling);
  store_element(t.y, t.y_dtype, m * t.ldy + h, p);
  if (t.residual == nullptr) return;
  const int64_t at = m * t.ld_residual + h;
  const float residual = load_element(t.residual, t.residual_dtype, at);
  store_element(t.residual_out, t.residual_dtype, at, __fadd_rn(residual, rounded(p, t.y_dtype)));
}

/** y of column h of all slots of row m. */
__device__ __forceinline__ void spread_column(const CombineTask& t, const RowSlots& slots, int64_t m, int64_t h) {
#pragma unroll 1
  for (int slot = 0; slot < static_cast<int>(t.T); ++slot) {
    const float d = slots.d[slot] < 0 ? 0.0f : addend(t, slots, slot, h);
    store_element(t.y, t.y_dtype, m * t.ldy + slot * t.H + h, d);
  }
}

/** Columns begin ... end - 1 of row m, by all threads of the CTA, which are as many as T at least. */
__device__ __forceinline__ void finish_columns(const CudaCombineTask& t, int64_t m, int64_t begin, int64_t end,
                                               int64_t step, bool judges, RowSlots& slots) {
  __syncthreads();  // everyone has left the row before
  if (threadIdx.x < t.rows.T) load_slot(t, m, threadIdx.x, judges, slots);
  __syncthreads();
  for (int64_t h = begin + threadIdx.x; h < end; h += step) {
    if (t.rows.spread) {
      spread_column(t.rows, slots, m, h);
    } else {
      sum_column(t.rows, slots, m, h);
    }
  }
}

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_EXPERTS_SLOT_SUM_CUH_
