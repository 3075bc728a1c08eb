#include "core/cuda/copies/weight_bytes.h"

#include <atomic>

namespace ternary {
namespace {

/** TERNARY_DEVICE names no later one than cuda:63. */
constexpr int kMostDevices = 64;

std::atomic<int64_t> bytes_on[kMostDevices][kCudaLayoutCount];

void add_to(int ordinal, size_t layout, int64_t bytes) {
  bytes_on[ordinal][layout].fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

WeightBytes weight_bytes_on(int ordinal) {
  WeightBytes bytes;
  for (size_t layout = 0; layout < bytes.size(); ++layout) {
    bytes[layout] = bytes_on[ordinal][layout].load(std::memory_order_relaxed);
  }
  return bytes;
}

std::string weight_bytes_json(int ordinal) {
  const WeightBytes bytes = weight_bytes_on(ordinal);
  std::string json;
  for (size_t layout = 0; layout < bytes.size(); ++layout) {
    json += std::string(layout == 0 ? "{\"" : ",\"") + kCudaLayoutNames[layout] + "\":" + std::to_string(bytes[layout]);
  }
  return json + "}";
}

CountedBytes::~CountedBytes() {
  for (size_t layout = 0; layout < own_.size(); ++layout) add_to(ordinal_, layout, -own_[layout]);
}

void CountedBytes::add(CudaLayout layout, int64_t bytes) {
  own_[static_cast<size_t>(layout)] += bytes;
  add_to(ordinal_, static_cast<size_t>(layout), bytes);
}

}  // namespace ternary
