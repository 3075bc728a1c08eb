/**
 * @file dispatch.h
 * @brief Policy on a GPU: which kernels serve a problem, with what workspace, what is counted.
 */
#ifndef TERNARY_CORE_CUDA_DISPATCH_H_
#define TERNARY_CORE_CUDA_DISPATCH_H_

#include "core/cuda/runtime.h"
#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Starts checked arguments, whose pointers are the device's, on its stream. The device is current. */
void start_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& product, const ternary_cuda_call& call);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DISPATCH_H_
