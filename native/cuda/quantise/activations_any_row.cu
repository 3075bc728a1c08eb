// Rows of X made ready for a product: a CTA a row, since a row's absmax and norm need all of it and its outputs none of
// its neighbours'. Decode has few rows, so what counts is the latency of one: three passes over shared memory.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"
#include "cuda/quantise/row_columns.cuh"

namespace ternary::cuda {
namespace {

/** `blocks`: the task may have blocks, or be rotated. */
template <bool blocks>
__global__ void __launch_bounds__(kRowThreads, 2)
    activations_any_row_kernel(const CudaActivationTask t, int capacity, bool shared_maxima) {
  extern __shared__ float4 values[];
  pdl_launch_dependents();
  pdl_wait();
  const int64_t m = blockIdx.x;
  for (int64_t i = m * kRowThreads + threadIdx.x; i < t.clear_count;
       i += static_cast<int64_t>(gridDim.x) * kRowThreads) {
    t.clear[i] = 0;
  }
  make_output_row<kRowThreads, blocks>(t, t.rows, m, row_source(t.rows, m, true), values, capacity, shared_maxima);
}

}  // namespace

TERNARY_CUDA_VARIANT(activations_any_row, any, activations_any_row_kernel<false>)
TERNARY_CUDA_VARIANT(activations_any_row, blocks, activations_any_row_kernel<true>)

int activations_any_row(const CudaActivationTask& task, const CudaLaunch& how) {
  const RowMemory memory = row_memory(task, kMostColumns);
  const dim3 ctas(static_cast<unsigned>(task.M)), threads(kRowThreads);
  if (task.rows.block == 0 && task.rows.rotation == 0) {
    return launch<activations_any_row_kernel<false>>(how, ctas, threads, memory.bytes, 1, task, memory.capacity, false);
  }
  return launch<activations_any_row_kernel<true>>(how, ctas, threads, memory.bytes, 1, task, memory.capacity,
                                                  memory.shared_maxima);
}

}  // namespace ternary::cuda
