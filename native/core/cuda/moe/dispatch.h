/**
 * @file dispatch.h
 * @brief Starts layers of experts on a GPU.
 */
#ifndef TERNARY_CORE_CUDA_MOE_DISPATCH_H_
#define TERNARY_CORE_CUDA_MOE_DISPATCH_H_

#include "core/cuda/runtime.h"
#include "core/experts/moe.h"

struct ternary_runtime;

namespace ternary {

/** Checked operands in the device's memory, which is current; ids there are judged by the kernels. */
void start_moe(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_moe& moe,
               const ternary_moe_operands& operands, const ternary_cuda_call& call);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_MOE_DISPATCH_H_
