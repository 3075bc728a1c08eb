/**
 * @file kernels.h
 * @brief Declarations of every GPU kernel's entries, from kernels.inc.
 */
#ifndef TERNARY_CUDA_KERNELS_H_
#define TERNARY_CUDA_KERNELS_H_

#include "abi/cuda_kernel.h"

namespace ternary::cuda {

#define TERNARY_CUDA_ROW(function)                       \
  Reason function##_refusal(const CudaProblem& problem); \
  int function##_splits(const CudaProblem& problem);     \
  int64_t function##_workspace(const CudaProblem& problem, int splits, int64_t* clear);
#define ACTIVATIONS(name, function) int function(const CudaActivationTask& task, const CudaLaunch& how);
#define GEMM(name, stage, layout, function, ...)                 \
  int function(const CudaGemmTask& task, const CudaLaunch& how); \
  TERNARY_CUDA_ROW(function)
#define FUSED(name, layout, function, ...)                        \
  int function(const CudaFusedTask& task, const CudaLaunch& how); \
  TERNARY_CUDA_ROW(function)
#include "cuda/kernels.inc"
#undef TERNARY_CUDA_ROW
#undef ACTIVATIONS
#undef GEMM
#undef FUSED

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_KERNELS_H_
