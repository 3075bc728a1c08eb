#include "core/cuda/copies/moe.h"

#include <memory>

#include "core/cuda/device/memory.h"

namespace ternary {
namespace {

float* sent(const CudaDevice& device, const CudaStream& stream, const float* values, int64_t count) {
  if (values == nullptr) return nullptr;
  return reinterpret_cast<float*>(sent_floats(device, stream, values, count, count).release());
}

std::unique_ptr<CudaMoe> make_copy(const ternary_moe& moe, const CudaWeights& w13, const CudaWeights& w2,
                                   const CudaDevice& device) {
  auto copy = std::make_unique<CudaMoe>(device, w13, w2);
  if (moe.bytes() == 0) return copy;
  const CudaStream stream(device);
  copy->signs13 = sent(device, stream, moe.signs13(), moe.H());
  copy->signs2 = sent(device, stream, moe.signs2(), moe.I());
  return copy;
}

}  // namespace

CudaMoe::~CudaMoe() { free({signs13, signs2}); }

const CudaMoe* find_moe(const ternary_moe& moe, int ordinal) {
  return static_cast<const CudaMoe*>(moe.copies.find(ordinal));
}

const CudaMoe& prepare_moe(const ternary_moe& moe, const CudaDevice& device, ThreadPool& pool) {
  const CudaWeights& w13 = prepare_weights(moe.w13, device, pool, {});
  const CudaWeights& w2 = prepare_weights(moe.w2, device, pool, {});
  if (const CudaMoe* found = find_moe(moe, device.ordinal)) return *found;
  DeviceCopies::Place& place = moe.copies.place_of(device.ordinal);
  const MutexLock lock(place.mutex);
  if (place.copy.load() == nullptr) {
    place.copy.store(make_copy(moe, w13, w2, device).release(), std::memory_order_release);
  }
  return *static_cast<const CudaMoe*>(place.copy.load());
}

}  // namespace ternary
