/**
 * @file wrong_ids.h
 * @brief Ids of experts on a device that are neither -1 nor an expert's: kernels count them, and a synchronisation tells.
 */
#ifndef TERNARY_CORE_CUDA_WRONG_IDS_H_
#define TERNARY_CORE_CUDA_WRONG_IDS_H_

#include <atomic>

#include "core/base/mutex.h"
#include "core/cuda/device/memory.h"

namespace ternary {

class CudaWrongIds {
 public:
  explicit CudaWrongIds(const CudaDevice& device) : device_(device) {}
  ~CudaWrongIds();

  /** What kernels add to, made at the first call that needs it. The device is current. */
  uint32_t* counter();

  /** How many came since the last time, of kernels that have run. Costs a load where no kernel was given the counter. */
  uint32_t take();

 private:
  const CudaDevice& device_;
  Mutex mutex_;
  std::atomic<uint32_t*> counter_{nullptr};
  CudaMemory memory_;
  uint32_t told_ = 0;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_WRONG_IDS_H_
