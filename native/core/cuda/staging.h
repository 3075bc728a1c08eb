/**
 * @file staging.h
 * @brief Products on host memory by a GPU: what it needs is copied there, what it made is copied back, all in one call.
 */
#ifndef TERNARY_CORE_CUDA_STAGING_H_
#define TERNARY_CORE_CUDA_STAGING_H_

#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/cuda/memory.h"
#include "core/product/product.h"

struct ternary_runtime;

namespace ternary {

/** A stream with device memory for one call at a time. */
struct CudaLane {
  explicit CudaLane(const CudaDevice& device) : stream(device) {}
  CudaStream stream;
  CudaMemory memory;
};

/** Lanes that are not in use. As many come to be as threads call at once; kMostIdle of them are kept. */
class CudaLanes {
 public:
  static constexpr size_t kMostIdle = 8;
  explicit CudaLanes(const CudaDevice& device) : device_(device) {}
  ~CudaLanes();
  std::unique_ptr<CudaLane> take();
  void give(std::unique_ptr<CudaLane> lane);

 private:
  const CudaDevice& device_;
  Mutex mutex_;
  std::vector<std::unique_ptr<CudaLane>> idle_;
};

/** Runs checked arguments on host memory and waits. If it throws, nothing of the caller's has been written. */
void run_staged_product(ternary_runtime& runtime, const Product& product);
void run_staged_quantise(ternary_runtime& runtime, const ActivationTask& task, int64_t M);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_STAGING_H_
