/**
 * @file kernels.h
 * @brief Declarations of the entries of every GPU kernel of a library, from its kernels.inc.
 */
#ifndef TERNARY_CUDA_KERNELS_H_
#define TERNARY_CUDA_KERNELS_H_

#include "abi/cuda_kernel.h"

namespace ternary::cuda {

#define ACTIVATIONS(name, function) int function(const CudaActivationTask& task, const CudaLaunch& how);
#define GEMM(name, stage, layout, function, ...)                                       \
  int function(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how); \
  Reason function##_plan(const CudaProblem& problem, CudaPlan* plan);
#define FUSED(name, layout, function, ...)                                              \
  int function(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how); \
  Reason function##_plan(const CudaProblem& problem, CudaPlan* plan);
#include TERNARY_CUDA_KERNELS
#undef ACTIVATIONS
#undef GEMM
#undef FUSED

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_KERNELS_H_
