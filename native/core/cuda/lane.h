/**
 * @file lane.h
 * @brief What products on host memory run on: streams of the library's own, with device memory for one call at a time.
 */
#ifndef TERNARY_CORE_CUDA_LANE_H_
#define TERNARY_CORE_CUDA_LANE_H_

#include <memory>
#include <vector>

#include "core/base/large_memory.h"
#include "core/base/mutex.h"
#include "core/cuda/device/memory.h"

namespace ternary {

/** A stream with device memory for one call at a time. */
struct CudaLane {
  explicit CudaLane(const CudaDevice& device) : stream(device) {}
  /** Makes room for so many bytes in both memories. */
  void grow(const CudaDevice& device, int64_t bytes);

  CudaStream stream;
  CudaMemory memory;
  LargeMemory buffer;  ///< of the host; a product of one row takes less time than to allocate it
  int64_t buffer_bytes = 0;
};

/** Lanes that are not in use. As many come to be as threads call at once; kMostIdle of them are kept. */
class CudaLanes {
 public:
  static constexpr size_t kMostIdle = 8;
  static constexpr int64_t kMostIdleBuffer = 16 << 20;  ///< larger host memory is freed after the call
  explicit CudaLanes(const CudaDevice& device) : device_(device) {}
  ~CudaLanes();
  std::unique_ptr<CudaLane> take();
  void give(std::unique_ptr<CudaLane> lane);

 private:
  const CudaDevice& device_;
  Mutex mutex_;
  std::vector<std::unique_ptr<CudaLane>> idle_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_LANE_H_
