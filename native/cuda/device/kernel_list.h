/**
 * @file kernel_list.h
 * @brief Every kernel that this library can launch, in a list that launch() (pdl.cuh) makes of itself: nothing here
 *        names kernels. It is complete when the library has been loaded, and never changes then.
 */
#ifndef TERNARY_CUDA_DEVICE_KERNEL_LIST_H_
#define TERNARY_CUDA_DEVICE_KERNEL_LIST_H_

namespace ternary::cuda {

class ListedKernel {
 public:
  explicit ListedKernel(const void* kernel) : kernel_(kernel), next_(first_) { first_ = this; }
  ListedKernel(const ListedKernel&) = delete;
  ListedKernel& operator=(const ListedKernel&) = delete;

  /** What CUDA's functions on kernels are given. */
  const void* kernel() const { return kernel_; }
  const ListedKernel* next() const { return next_; }
  static const ListedKernel* first() { return first_; }

 private:
  static const ListedKernel* first_;  // in kernel_list.cc; null before any constructor runs
  const void* const kernel_;
  const ListedKernel* const next_;
};

/** CudaBackend::prepare. */
int prepare_kernels(int shared_bytes);

}  // namespace ternary::cuda

#endif  // TERNARY_CUDA_DEVICE_KERNEL_LIST_H_
