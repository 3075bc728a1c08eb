// Sums over the slots of a row, ascending: a thread a column, whose loads of some slots are on their way together.
#include "cuda/device/pdl.cuh"
#include "cuda/device/scalar.cuh"
#include "cuda/device/variant.h"
#include "cuda/experts/expert_ids.cuh"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr int kThreads = 256;

/** A row's slots in shared memory. */
struct RowSlots {
  int64_t d[kMaxSlots];  ///< element where a slot's d begins; -1: it does not count
  float weight[kMaxSlots];
};

/** Slot `slot` of row m, by one thread of each CTA; the ids of a row are judged by the CTA that has its first columns. */
__device__ void load_slot(const CudaCombineTask& t, int64_t m, int64_t slot, bool judges, RowSlots& slots) {
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
  const float d = __fmul_rn(slots.weight[slot], load_element(t.d, t.d_dtype, slots.d[slot] + h));
  return t.use == WeightUse::before_rounding ? rounded(d, t.rounded_to) : d;
}

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

__device__ __forceinline__ void spread_column(const CombineTask& t, const RowSlots& slots, int64_t m, int64_t h) {
#pragma unroll 1
  for (int slot = 0; slot < static_cast<int>(t.T); ++slot) {
    const float d = slots.d[slot] < 0 ? 0.0f : addend(t, slots, slot, h);
    store_element(t.y, t.y_dtype, m * t.ldy + slot * t.H + h, d);
  }
}

/** `pieces` CTAs share the columns of a row. */
__global__ void __launch_bounds__(kThreads) combine_any_row_kernel(const CudaCombineTask t, int pieces) {
  __shared__ RowSlots slots;
  pdl_launch_dependents();
  pdl_wait();
  const int64_t all = t.M * pieces;
  for (int64_t i = blockIdx.x; i < all; i += gridDim.x) {
    const int64_t m = i / pieces, piece = i - m * pieces;
    __syncthreads();  // everyone has left the row before
    if (threadIdx.x < t.rows.T) load_slot(t, m, threadIdx.x, piece == 0, slots);
    __syncthreads();
    for (int64_t h = piece * kThreads + threadIdx.x; h < t.rows.H; h += static_cast<int64_t>(pieces) * kThreads) {
      if (t.rows.spread) {
        spread_column(t.rows, slots, m, h);
      } else {
        sum_column(t.rows, slots, m, h);
      }
    }
  }
}

}  // namespace

TERNARY_CUDA_VARIANT(combine_any_row, any, combine_any_row_kernel)

int combine_any_row(const CudaCombineTask& task, const CudaLaunch& how) {
  const int64_t pieces = ceil_div(task.rows.H, kThreads), most = 1 << 16;
  const int64_t ctas = pieces * task.M;
  return launch<combine_any_row_kernel>(how, dim3(static_cast<unsigned>(ctas < most ? ctas : most)), dim3(kThreads), 0,
                                        1, task, static_cast<int>(pieces < most ? pieces : most));
}

}  // namespace ternary::cuda
