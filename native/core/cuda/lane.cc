#include "core/cuda/lane.h"

namespace ternary {

CudaLanes::~CudaLanes() {
  if (idle_.empty()) return;
  const CudaDeviceScope scope(*device_.cuda, device_.ordinal);
  idle_.clear();
}

std::unique_ptr<CudaLane> CudaLanes::take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<CudaLane> lane = std::move(idle_.back());
      idle_.pop_back();
      return lane;
    }
  }
  return std::make_unique<CudaLane>(device_);
}

void CudaLanes::give(std::unique_ptr<CudaLane> lane) {
  const MutexLock lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(lane));
}  // one too many is freed after the lock: that waits for the device

}  // namespace ternary
