/**
 * @file activation_case.h
 * @brief Rows of X of a problem, made ready by the oracle and by a kernel.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_ACTIVATION_CASE_H_
#define TERNARY_TESTS_SUPPORT_CUDA_ACTIVATION_CASE_H_

#include <string>
#include <vector>

#include "support/cuda/device_memory.h"
#include "support/problem.h"

namespace ternary::test {

/** What the rows are made ready for. */
enum class Use { i2s, t5, dense, user, planes };

/** A problem's rows on the host, what the oracle makes of them, and the same on the device. */
class ActivationCase {
 public:
  ActivationCase(const ProblemSpec& spec, Use use);

  /** Empty if the kernel, launched over all rows, wrote the oracle's bits and nothing else. */
  std::string run(const CudaKernel& kernel);

 private:
  const ProblemSpec& spec() const { return problem_.spec(); }

  void run_oracle();

  /** All but residuals and outputs, with pointers of the host. */
  ActivationTask host_task() const;

  /** The inputs on the device: rows begin at any element, other inputs at any float. */
  CudaActivationTask device_task();

  int64_t residual_bytes() const;

  std::string launch(const CudaKernel& kernel, const CudaActivationTask& task);

  std::string run_a8(const CudaKernel& kernel);

  std::string wrong_sum(const DeviceMemory& q_sums) const;

  std::string run_planes(const CudaKernel& kernel);

  static constexpr int kClearWords = 1000;

  Problem problem_;
  Use use_;
  int64_t padded_, ld_, block_, scales_, unit_, units_;
  std::vector<int8_t> q_;
  std::vector<float> s_, f_;
  OutputMatrix expected_residual_, got_residual_;
  DeviceMemory x_, x_scale_, norm_weight_, alpha_, signs_, residual_, residual_out_, clear_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_ACTIVATION_CASE_H_
