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

/** A row without a product; the type of its function says what it is for. */
constexpr CudaKernel rowwise(const char* name, const char* file, CudaStage stage) {
  return {name, file, stage, CudaLayout::i2s, 1, kAnyM, kAnyK, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}
constexpr CudaKernel rowwise(const char* name, const char* file, CudaStage stage, CudaActivationFn function) {
  CudaKernel row = rowwise(name, file, stage);
  row.activations = function;
  return row;
}
constexpr CudaKernel rowwise(const char* name, const char* file, CudaStage stage, CudaRotateFn function) {
  CudaKernel row = rowwise(name, file, stage);
  row.rotate = function;
  return row;
}
constexpr CudaKernel rowwise(const char* name, const char* file, CudaStage stage, CudaHeadNormFn function) {
  CudaKernel row = rowwise(name, file, stage);
  row.head_norm = function;
  return row;
}

constexpr CudaKernel kKernels[] = {
#define ROWWISE(name, stage, function, ...) rowwise(name, #function, CudaStage::stage, function),
#define GEMM(name, stage, layout, function, m_min, m_max, k_max, ...)                \
  {name,    #function, CudaStage::stage, CudaLayout::layout, m_min,   m_max,  k_max, \
   nullptr, function,  nullptr,          function##_plan,    nullptr, nullptr},
#define FUSED(name, layout, function, m_min, m_max, k_max, ...) \
  {name,                                                        \
   #function,                                                   \
   CudaStage::fused_a8,                                         \
   CudaLayout::layout,                                          \
   m_min,                                                       \
   m_max,                                                       \
   k_max,                                                       \
   nullptr,                                                     \
   nullptr,                                                     \
   function,                                                    \
   function##_plan,                                             \
   nullptr,                                                     \
   nullptr},
#include TERNARY_CUDA_KERNELS
#undef ROWWISE
#undef GEMM
#undef FUSED
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
