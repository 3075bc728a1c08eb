/**
 * @file fused_case.h
 * @brief A product whose GPU kernel quantises X itself: operands ready on the device, and a fused row run on them.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_FUSED_CASE_H_
#define TERNARY_TESTS_SUPPORT_CUDA_FUSED_CASE_H_

#include <string>

#include "abi/cuda_kernel.h"
#include "support/cuda/device_memory.h"
#include "support/problem.h"

namespace ternary::test {

class CudaFusedCase {
 public:
  CudaFusedCase(const ProblemSpec& spec, CudaLayout layout);

  /** Empty if the row wrote the oracle's Y and residual_out and nothing else. */
  std::string run(const CudaKernel& kernel, const DeviceLimits& limits, const CudaLaunch& how = {});

 private:
  const ProblemSpec& spec() const { return problem_.spec(); }
  CudaActivationTask activations(const DeviceMemory& residual_out) const;
  CudaGemmTask gemm(const DeviceMemory& y) const;

  Problem problem_;
  CudaLayout layout_;
  WeightsHandle weights_;
  Output expected_;
  DeviceMemory codes_, alpha_, x_, x_scale_, bias_, residual_, norm_weight_, column_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_FUSED_CASE_H_
