// Rows of X made ready for experts, a CTA an output row: of each row of X, or of each slot where x' is its own.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"
#include "cuda/moe/expert_inputs.cuh"
#include "cuda/moe/slot_rows.cuh"

namespace ternary::cuda {
namespace {

__global__ void __launch_bounds__(kRowThreads, 2)
    expert_rows_any_row_kernel(const CudaExpertRowsTask t, int capacity, bool shared_maxima) {
  extern __shared__ float4 values[];
  pdl_wait();
  pdl_launch_dependents();  // only now: the products read ids before their own wait
  const CudaExpertInputs& inputs = t.inputs;
  const int64_t row = blockIdx.x;
  for (int64_t i = row * kRowThreads + threadIdx.x; i < inputs.activations.clear_count;
       i += static_cast<int64_t>(gridDim.x) * kRowThreads) {
    inputs.activations.clear[i] = 0;
  }
  ActivationTask rows = inputs.activations.rows;
  WeightedSource source = {};
  int64_t m = row;
  if (t.by_slot) {
    const int64_t slots = inputs.slots.M * inputs.slots.T, part = row / slots, slot = row - part * slots;
    const int32_t id = id_of(inputs.slots, slot);
    if (!counts(id, inputs.slots.E)) return;
    m = slot / inputs.slots.T;
    rows = rows_of_expert(inputs, id, part);
    source.weighted = t.weights != nullptr;
    if (source.weighted) {
      source.weight = load_element(t.weights, t.weights_dtype, m * t.ld_weights + (slot - m * inputs.slots.T));
    }
  }
  source.row = row_source(rows, m, false);
  source.K = source.row.K;
  make_output_row<kRowThreads, true>(inputs.activations, rows, row, source, values, capacity, shared_maxima);
}

}  // namespace

TERNARY_CUDA_VARIANT(expert_rows_any_row, any, expert_rows_any_row_kernel)

int expert_rows_any_row(const CudaExpertRowsTask& task, const CudaLaunch& how) {
  const RowMemory memory = row_memory(task.inputs.activations, kMostColumns);
  return launch<expert_rows_any_row_kernel>(how, dim3(static_cast<unsigned>(task.inputs.activations.M)),
                                            dim3(kRowThreads), memory.bytes, 1, task, memory.capacity,
                                            memory.shared_maxima);
}

}  // namespace ternary::cuda
