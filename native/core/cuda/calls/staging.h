/**
 * @file staging.h
 * @brief Products on host memory by a GPU: what it needs is copied there, what it made is copied back, all in one call.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_STAGING_H_
#define TERNARY_CORE_CUDA_CALLS_STAGING_H_

#include "core/cuda/runtime.h"
#include "core/product/product.h"

struct ternary_runtime;

namespace ternary {

/** Runs checked arguments on host memory and waits. If it throws, nothing of the caller's has been written. */
void run_staged_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& product);
void run_staged_quantise(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_quantise_operands& operands);
void run_staged_rotate(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_rotate_operands& operands);
void run_staged_qk_norm(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_qk_norm_operands& operands);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_STAGING_H_
