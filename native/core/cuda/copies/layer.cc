#include "core/cuda/copies/layer.h"

#include <memory>

namespace ternary {
namespace {

float* released(CudaMemory memory) { return reinterpret_cast<float*>(memory.release()); }

std::unique_ptr<CudaLayer> make_copy(const ternary_layer& layer, const CudaWeights& weights, const CudaDevice& device) {
  auto copy = std::make_unique<CudaLayer>(device, weights);
  if (layer.bytes() == 0) return copy;
  const CudaStream stream(device);
  const int64_t N = layer.weights.N, K = layer.weights.K;
  if (layer.bias() != nullptr) copy->bias = released(sent_floats(device, stream, layer.bias(), N, N));
  if (layer.has_norm()) copy->norm_weight = released(sent_floats(device, stream, layer.norm_weight(), K, K));
  if (layer.signs() != nullptr) copy->signs = released(sent_floats(device, stream, layer.signs(), K, K));
  return copy;
}

}  // namespace

CudaLayer::~CudaLayer() { free({bias, norm_weight, signs}); }

const CudaLayer* find_layer(const ternary_layer& layer, int ordinal) {
  return static_cast<const CudaLayer*>(layer.copies.find(ordinal));
}

const CudaLayer& prepare_layer(const ternary_layer& layer, const CudaDevice& device, ThreadPool& pool,
                               SecondLayouts wanted) {
  const CudaWeights& weights = prepare_weights(layer.weights, device, pool, wanted);
  if (const CudaLayer* found = find_layer(layer, device.ordinal)) return *found;
  DeviceCopies::Place& place = layer.copies.place_of(device.ordinal);
  const MutexLock lock(place.mutex);
  if (place.copy.load() == nullptr) {
    place.copy.store(make_copy(layer, weights, device).release(), std::memory_order_release);
  }
  return *static_cast<const CudaLayer*>(place.copy.load());
}

}  // namespace ternary
