/**
 * @file gemm_case.h
 * @brief A product on a GPU: operands ready on the device, what the oracle makes of them, and a row run against that.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_GEMM_CASE_H_
#define TERNARY_TESTS_SUPPORT_CUDA_GEMM_CASE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "abi/cuda_kernel.h"
#include "support/cuda/device_memory.h"
#include "support/problem.h"

namespace ternary::test {

class CudaGemmCase {
 public:
  /** The problem's product, its norm and residual left out, with weights in `layout`. */
  CudaGemmCase(const ProblemSpec& spec, CudaLayout layout);

  const ProblemSpec& spec() const { return problem_.spec(); }
  CudaLayout layout() const { return layout_; }
  CudaProblem problem(int splits) const;

  /** Why the row would not serve the problem; cost is no reason here. */
  Reason refusal(const CudaKernel& kernel, int splits = 0) const;

  /**
   * Launches the row for rows m_begin ... m_end of X alone. Empty if it wrote those rows of Y and nothing else: for A8
   * the oracle's bits, for A16 within a bound (see a16_bound() in the .cc).
   */
  std::string run(const CudaKernel& kernel, int64_t m_begin, int64_t m_end, int splits = 0);
  std::string run(const CudaKernel& kernel, int splits = 0) { return run(kernel, 0, spec().M, splits); }

  /**
   * Three times the activations kernel and the row, one after the other without a wait, as a chain of programmatic
   * dependent launches where the device has them. Empty if Y is as run() wants it.
   */
  std::string run_chain(const CudaKernel& activations, const CudaKernel& kernel, int splits = 0);

  /** Plans from now on as for a device with this many SMs and this much shared memory a CTA. */
  void device(const DeviceLimits& limits) { limits_ = limits; }

  /** Y of the last run. */
  const OutputMatrix& got() const { return got_; }

 private:
  /** What a row needs besides its activations: Y's matrix, and its workspace with the words to clear counted. */
  struct Product {
    CudaGemmTask task;
    CudaPlan plan;
    DeviceMemory partial, y;
  };

  Product product(const CudaKernel& kernel, int64_t m_begin, int64_t m_end, int splits);
  void prepare_activations();
  void prepare_weights(const float* alpha, int64_t alpha_count);
  void expect_a8(const float* alpha);
  void expect_a16(const float* alpha);
  double a16_bound(int64_t m, int64_t n, const std::vector<double>& group_alpha_of_n) const;
  std::vector<uint16_t> planes(int64_t m_begin, int64_t m_end) const;
  DeviceMemory scales(int64_t m_begin, int64_t M) const;
  std::string verdict(int64_t m_begin, int64_t m_end) const;

  Problem problem_;
  DeviceLimits limits_ = device_limits();
  CudaLayout layout_;
  int64_t group_, groups_, unit_, units_, scales_, padded_;
  int plane_count_ = 0;
  bool plane_f16_ = false;
  std::vector<int8_t> q_;     // [M, padded], plain order
  std::vector<float> s_, f_;  // [M, scales], and A16's x' [M, padded]
  DeviceMemory codes_, alpha_, bias_;
  OutputMatrix expected_, got_;        // A8
  std::vector<double> exact_, bound_;  // A16: y before its last rounding, and how far off it may be
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_GEMM_CASE_H_
