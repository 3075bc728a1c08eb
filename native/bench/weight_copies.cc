#include "bench/weight_copies.h"

#include <cuda_runtime_api.h>

#include <memory>

#include "bench/gpu.h"
#include "bench/options.h"
#include "core/cuda/copies/layout.h"
#include "core/cuda/copies/weights.h"

namespace ternary::bench {
namespace {

template <typename T>
T* copied(const T* from, int64_t bytes) {
  void* to = nullptr;
  check(cudaMalloc(&to, static_cast<size_t>(bytes)), "cudaMalloc");
  check(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, nullptr), "copying weights");
  return static_cast<T*>(to);
}

}  // namespace

ternary_weights* copy_on_device(const ternary_weights& prepared, const CudaDevice& device) {
  const CudaWeights* source = find_weights(prepared, device.ordinal);
  if (source == nullptr || source->alpha_column != nullptr || prepared.group != 0) fail("these weights are not copied");
  auto made = std::make_unique<ternary_weights>(prepared.N, prepared.K, prepared.layout, prepared.group);
  made->alpha = prepared.alpha;
  auto copy = std::make_unique<CudaWeights>(device);
  copy->layout = source->layout;
  copy->codes = copied(source->codes, cuda_layout_bytes(source->layout, prepared.N, prepared.K));
  copy->alpha = copied(source->alpha, (prepared.N + 15) / 16 * 16 * static_cast<int64_t>(sizeof(float)));
  if (const uint8_t* top2 = source->codes_in(CudaLayout::top2)) {
    copy->top2 = copied(top2, cuda_layout_bytes(CudaLayout::top2, prepared.N, prepared.K));
  }
  check(cudaStreamSynchronize(nullptr), "copying weights");
  made->copies.place_of(device.ordinal).copy.store(copy.release(), std::memory_order_release);
  return made.release();
}

}  // namespace ternary::bench
