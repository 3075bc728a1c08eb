/**
 * @file dispatch.h
 * @brief Policy on a GPU: which kernels serve a problem, with what workspace, what is counted.
 */
#ifndef TERNARY_CORE_CUDA_DISPATCH_H_
#define TERNARY_CORE_CUDA_DISPATCH_H_

#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Starts checked arguments, whose pointers are the device's, on its stream. The device is current. */
void start_product(ternary_runtime& runtime, const Product& product, const ternary_cuda_call& call);

/** Starts a checked quantisation. */
void start_quantise(ternary_runtime& runtime, const ActivationTask& task, int64_t M, const ternary_cuda_call& call);

/** What ternary_workspace_bytes() says. */
int64_t cuda_workspace_bytes(const ternary_runtime& runtime, const ternary_weights& weights,
                             ternary_activation activation, int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DISPATCH_H_
