/**
 * @file kernels.h
 * @brief Declarations of the entries of every GPU kernel of a library, from its kernels.inc.
 */
#ifndef TERNARY_CUDA_KERNELS_H_
#define TERNARY_CUDA_KERNELS_H_

#include "abi/cuda_kernel.h"

namespace ternary::cuda {

/** The entry of a row that has no product. */
template <CudaStage stage>
struct RowwiseTask;
template <>
struct RowwiseTask<CudaStage::activations> {
  using Task = CudaActivationTask;
};
template <>
struct RowwiseTask<CudaStage::rotate> {
  using Task = CudaRotateTask;
};
template <>
struct RowwiseTask<CudaStage::head_norm> {
  using Task = CudaHeadNormTask;
};
template <>
struct RowwiseTask<CudaStage::router> {
  using Task = CudaRouterTask;
};
template <>
struct RowwiseTask<CudaStage::route> {
  using Task = CudaRouteTask;
};
template <>
struct RowwiseTask<CudaStage::align> {
  using Task = CudaAlignTask;
};
template <>
struct RowwiseTask<CudaStage::combine> {
  using Task = CudaCombineTask;
};
template <>
struct RowwiseTask<CudaStage::expert_rows> {
  using Task = CudaExpertRowsTask;
};
template <>
struct RowwiseTask<CudaStage::expert_gate> {
  using Task = CudaExpertGateTask;
};
template <CudaStage stage>
using RowwiseEntry = int(const typename RowwiseTask<stage>::Task& task, const CudaLaunch& how);

#define ROWWISE(name, stage, function, ...) RowwiseEntry<CudaStage::stage> function;
#define GEMM(name, stage, layout, function, ...)                                       \
  int function(const CudaGemmTask& task, const CudaPlan& plan, const CudaLaunch& how); \
  Reason function##_plan(const CudaProblem& problem, CudaPlan* plan);
#define FUSED(name, layout, function, ...)                                              \
  int function(const CudaFusedTask& task, const CudaPlan& plan, const CudaLaunch& how); \
  Reason function##_plan(const CudaProblem& problem, CudaPlan* plan);
#define EXPERTS(name, stage, layout, function, finishes, ...) \
  int function(const CudaExpertsTask& task, const CudaLaunch& how);
#include TERNARY_CUDA_KERNELS
#undef ROWWISE
#undef GEMM
#undef FUSED
#undef EXPERTS

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_KERNELS_H_
