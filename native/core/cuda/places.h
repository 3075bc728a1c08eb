/**
 * @file places.h
 * @brief Where everything of a product lies in its workspace, and how large a workspace may have to be.
 */
#ifndef TERNARY_CORE_CUDA_PLACES_H_
#define TERNARY_CORE_CUDA_PLACES_H_

#include "core/cuda/runtime.h"
#include "core/product/layer.h"

namespace ternary {

/** Whether the kernel is a product of this activation. */
bool serves(const CudaKernel& kernel, ternary_activation activation);

/** Whether the kernel is given X as planes: A16, and q as bf16 in one; else as q. */
bool takes_planes(const CudaKernel& kernel);

/** Completes a plan by its kernel and the kernel's own plan; a tail must be in it already. */
void finish(const CudaKernel& kernel, const CudaPlan& launch, const CudaProblem& problem, CudaProductPlan& plan);

/** An upper bound of places.bytes of every plan of this layer's products with up to M rows. */
int64_t most_workspace(const CudaRuntime& cuda, const ternary_layer& layer, int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_PLACES_H_
