#include "core/cuda/wrong_ids.h"

namespace ternary {

CudaWrongIds::~CudaWrongIds() {
  if (memory_.get() == nullptr) return;
  const CudaDeviceScope scope(*device_.cuda, device_.ordinal);
  memory_ = CudaMemory();
}

uint32_t* CudaWrongIds::counter() {
  if (uint32_t* counter = counter_.load(std::memory_order_acquire)) return counter;
  const MutexLock lock(mutex_);
  if (memory_.get() == nullptr) {
    const CudaStream stream(device_);
    CudaMemory memory(device_, sizeof(uint32_t));
    stream.send(memory.get(), &told_, sizeof told_);
    stream.wait();
    memory_ = std::move(memory);
    counter_.store(reinterpret_cast<uint32_t*>(memory_.get()), std::memory_order_release);
  }
  return counter_.load(std::memory_order_relaxed);
}

uint32_t CudaWrongIds::take() {
  if (counter_.load(std::memory_order_acquire) == nullptr) return 0;
  const MutexLock lock(mutex_);
  uint32_t count = 0;
  const CudaStream stream(device_);
  stream.fetch(&count, memory_.get(), sizeof count);
  stream.wait();
  const uint32_t since = count - told_;
  told_ = count;
  return since;
}

}  // namespace ternary
