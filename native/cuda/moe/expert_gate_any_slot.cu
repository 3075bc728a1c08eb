// h of slots made ready for their experts' second product, a CTA a slot: the function of its gates times its ups, and what
// activations are.
#include "cuda/device/pdl.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"
#include "cuda/moe/expert_inputs.cuh"
#include "cuda/moe/slot_rows.cuh"

namespace ternary::cuda {
namespace {

__global__ void __launch_bounds__(kRowThreads, 2)
    expert_gate_any_slot_kernel(const CudaExpertGateTask t, int capacity, bool shared_maxima) {
  extern __shared__ float4 values[];
  pdl_launch_dependents();  // ids are there: the products before read them
  pdl_wait();
  const CudaExpertInputs& inputs = t.inputs;
  const int64_t slot = blockIdx.x;
  const int32_t id = id_of(inputs.slots, slot);
  if (!counts(id, inputs.slots.E)) return;
  make_output_row<kRowThreads, true>(inputs.activations, rows_of_expert(inputs, id, 0), slot, gate_source(t.gate, slot),
                                     values, capacity, shared_maxima);
}

}  // namespace

TERNARY_CUDA_VARIANT(expert_gate_any_slot, any, expert_gate_any_slot_kernel)

int expert_gate_any_slot(const CudaExpertGateTask& task, const CudaLaunch& how) {
  const RowMemory memory = row_memory(task.inputs.activations, kMostColumns);
  return launch<expert_gate_any_slot_kernel>(how, dim3(static_cast<unsigned>(task.inputs.activations.M)),
                                             dim3(kRowThreads), memory.bytes, 1, task, memory.capacity,
                                             memory.shared_maxima);
}

}  // namespace ternary::cuda
