/**
 * @file experts.h
 * @brief Starts the operations around experts that have no ternary weights, on a GPU; and runs them, and layers of
 *        experts, on host memory.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_EXPERTS_H_
#define TERNARY_CORE_CUDA_CALLS_EXPERTS_H_

#include "core/cuda/runtime.h"
#include "core/experts/moe.h"

struct ternary_runtime;

namespace ternary {

/** Checked operands in the device's memory, which is current. Ids there are judged by the kernels, see CudaWrongIds. */
void start_route(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& operands,
                 const ternary_cuda_call& call);
void start_align(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_align_operands& operands,
                 const ternary_cuda_call& call);
void start_combine(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_combine_operands& operands,
                   const ternary_cuda_call& call);

/** What start_route() needs: the logits of a router with a matrix. */
int64_t route_workspace_bytes(int64_t M, int64_t E);

/** The same of checked operands in host memory, and waits. If they throw, nothing of the caller's has been written. */
void run_staged_moe(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_moe& moe,
                    const ternary_moe_operands& operands);
void run_staged_route(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_route_operands& operands);
void run_staged_align(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_align_operands& operands);
void run_staged_combine(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_combine_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_EXPERTS_H_
