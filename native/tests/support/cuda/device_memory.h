/**
 * @file device_memory.h
 * @brief Copies of operands on a GPU whose last byte is the allocation's last: the software GPU faults beyond it.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_DEVICE_MEMORY_H_
#define TERNARY_TESTS_SUPPORT_CUDA_DEVICE_MEMORY_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "abi/cuda_kernel.h"

namespace ternary::test {

/** Ends the process with a sentence: a test cannot go on after a device fault, which is sticky. */
inline void require_cuda(int error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(static_cast<cudaError_t>(error)));
  std::exit(EXIT_FAILURE);
}

class DeviceMemory {
 public:
  DeviceMemory() = default;
  /** `bytes` at `offset` from a multiple of 256. Not written. */
  explicit DeviceMemory(int64_t bytes, int64_t offset = 0) : bytes_(bytes), offset_(offset) {
    if (bytes > 0) require_cuda(cudaMalloc(&base_, static_cast<size_t>(bytes + offset)), "cudaMalloc");
  }
  DeviceMemory(const void* host, int64_t bytes, int64_t offset = 0) : DeviceMemory(bytes, offset) { write(host); }
  ~DeviceMemory() {
    if (base_ != nullptr) require_cuda(cudaFree(base_), "cudaFree");
  }
  DeviceMemory(DeviceMemory&& other) noexcept { swap(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    swap(other);
    return *this;
  }

  int64_t bytes() const { return bytes_; }
  /** Waits: a copy of pageable memory may return before the bytes are there, and streams of their own would miss them. */
  void write(const void* host) {
    copy(data(), host, cudaMemcpyHostToDevice);
    require_cuda(cudaStreamSynchronize(nullptr), "cudaMemcpy");
  }
  void read(void* host) const { copy(host, data(), cudaMemcpyDeviceToHost); }
  /** Null if empty. */
  char* data() const { return base_ == nullptr ? nullptr : static_cast<char*>(base_) + offset_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data());
  }

 private:
  void copy(void* to, const void* from, cudaMemcpyKind kind) const {
    if (bytes_ > 0) require_cuda(cudaMemcpy(to, from, static_cast<size_t>(bytes_), kind), "cudaMemcpy");
  }

  void swap(DeviceMemory& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    std::swap(offset_, other.offset_);
  }

  void* base_ = nullptr;
  int64_t bytes_ = 0, offset_ = 0;
};

/** What plans ask of a device. */
struct DeviceLimits {
  int sm_count, shared_bytes;  ///< shared memory a CTA may opt in to
};

inline DeviceLimits device_limits() {
  DeviceLimits limits = {};
  require_cuda(cudaDeviceGetAttribute(&limits.sm_count, cudaDevAttrMultiProcessorCount, 0), "SM count");
  require_cuda(cudaDeviceGetAttribute(&limits.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
               "shared memory");
  return limits;
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_DEVICE_MEMORY_H_
