#include "abi/cuda_kernel.h"
#include "cuda/device/arch.h"
#include "cuda/device/kernel_list.h"
#include "cuda/kernels.h"

#ifndef TERNARY_CUDA_ARCH
#error "TERNARY_CUDA_ARCH must name the architecture, e.g. \"sm90a\""
#endif
#ifndef TERNARY_CUDA_KERNELS
#error "TERNARY_CUDA_KERNELS must name the library's rows, e.g. \"cuda/kernels.inc\""
#endif

namespace ternary::cuda {
namespace {

constexpr CudaKernel kKernels[] = {
#define ROWWISE(name, stage, function, ...)                                                      \
  {name,    #function, CudaStage::stage, CudaLayout::i2s, 1, kAnyM, kAnyK, CudaRowsFn(function), \
   nullptr, nullptr,   nullptr},
#define GEMM(name, stage, layout, function, m_min, m_max, k_max, ...)                  \
  {name,         #function, CudaStage::stage, CudaLayout::layout, m_min, m_max, k_max, \
   CudaRowsFn(), function,  nullptr,          function##_plan},
#define FUSED(name, layout, function, m_min, m_max, k_max, ...)                                    \
  {name,    #function, CudaStage::fused_a8, CudaLayout::layout, m_min, m_max, k_max, CudaRowsFn(), \
   nullptr, function,  function##_plan},
#define EXPERTS(name, stage, layout, function, finishes, ...)                                       \
  {name,    #function, CudaStage::stage, CudaLayout::layout, 1, kAnyM, kAnyK, CudaRowsFn(function), \
   nullptr, nullptr,   nullptr},
#include TERNARY_CUDA_KERNELS
#undef ROWWISE
#undef GEMM
#undef FUSED
#undef EXPERTS
};

/** As pdl.cuh has it: before sm_90 kernels do not wait for what they overtake. */
constexpr bool kPdl = arch_number(TERNARY_CUDA_ARCH) >= 90;

constexpr CudaBackend kBackend = {TERNARY_CUDA_ARCH, kPdl, prepare_kernels, kKernels,
                                  sizeof kKernels / sizeof kKernels[0]};

}  // namespace
}  // namespace ternary::cuda

namespace ternary {

extern "C" TERNARY_API const CudaBackend* ternary_cuda_backend(int32_t abi) {
  return abi == kCudaBackendAbi ? &cuda::kBackend : nullptr;
}

}  // namespace ternary
