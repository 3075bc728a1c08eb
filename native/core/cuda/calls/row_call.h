/**
 * @file row_call.h
 * @brief What calls that go row by row have in common: the checks before a launch, and what follows it.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_ROW_CALL_H_
#define TERNARY_CORE_CUDA_CALLS_ROW_CALL_H_

#include <initializer_list>

#include "core/cuda/call_checks.h"
#include "core/cuda/runtime.h"
#include "core/policy/counters.h"

struct ternary_runtime;

namespace ternary {

/** The checks of a call without a workspace. */
void check_row_call(const CudaDevice& device, const ternary_cuda_call& call,
                    std::initializer_list<DeviceArgument> arguments);

/** The launch's result, and its count. */
void settle(ternary_runtime& runtime, CudaRuntime& cuda, const CudaKernel& kernel, int error, Op op, int64_t block = 0);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_ROW_CALL_H_
