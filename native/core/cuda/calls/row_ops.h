/**
 * @file row_ops.h
 * @brief The operations that go row by row, on a GPU: no weights, no workspace, one kernel each.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_ROW_OPS_H_
#define TERNARY_CORE_CUDA_CALLS_ROW_OPS_H_

#include "core/cuda/runtime.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Start checked operands, whose pointers are the device's, on the call's stream. The device is current. */
void start_quantise(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_quantise_operands& operands,
                    const ternary_cuda_call& call);
void start_rotate(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_rotate_operands& operands,
                  const ternary_cuda_call& call);
void start_qk_norm(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_qk_norm_operands& operands,
                   const ternary_cuda_call& call);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_ROW_OPS_H_
