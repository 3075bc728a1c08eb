#include "core/cuda/lane.h"

#include <algorithm>

namespace ternary {

void CudaLane::grow(const CudaDevice& device, int64_t bytes) {
  const int64_t room = std::max<int64_t>(bytes, 1 << 20);
  if (buffer_bytes < bytes) {
    buffer.reset();
    buffer_bytes = 0;
    buffer = large_memory(room);
    buffer_bytes = room;
  }
  if (memory.bytes() >= bytes) return;
  memory = CudaMemory();
  memory = CudaMemory(device, room);
}

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
  if (lane->buffer_bytes > kMostIdleBuffer) {
    lane->buffer.reset();
    lane->buffer_bytes = 0;
  }
  const MutexLock lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(lane));
}  // one too many is freed after the lock: that waits for the device

}  // namespace ternary
