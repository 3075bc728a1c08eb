/**
 * @file memory.h
 * @brief Owners of device memory and of a stream. Their device is current wherever they are used.
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_MEMORY_H_
#define TERNARY_CORE_CUDA_DEVICE_MEMORY_H_

#include <cstdint>
#include <utility>

#include "core/cuda/device/device.h"

namespace ternary {

/** Device memory, 256-byte aligned as cudaMalloc gives it. */
class CudaMemory {
 public:
  CudaMemory() = default;
  CudaMemory(const CudaDevice& device, int64_t bytes);
  ~CudaMemory();
  CudaMemory(CudaMemory&& other) noexcept { *this = std::move(other); }
  CudaMemory& operator=(CudaMemory&& other) noexcept {
    std::swap(cuda_, other.cuda_);
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  uint8_t* get() const { return memory_; }
  int64_t bytes() const { return bytes_; }
  uint8_t* release() { return std::exchange(memory_, nullptr); }

 private:
  const Cudart* cuda_ = nullptr;
  uint8_t* memory_ = nullptr;
  int64_t bytes_ = 0;
};

/** A stream of our own that waits for no other and for which no other waits. */
class CudaStream {
 public:
  explicit CudaStream(const CudaDevice& device);
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  void* get() const { return stream_; }
  /** To device memory; the host's must stay until wait(). */
  void send(void* target, const void* source, int64_t bytes) const;
  /** To host memory, there after wait(). */
  void fetch(void* target, const void* source, int64_t bytes) const;
  /** Until everything has run; throws what the device reports. */
  void wait() const;
  /** The same for a caller that is already failing. */
  void settle() const noexcept { cuda_.StreamSynchronize(stream_); }

 private:
  const Cudart& cuda_;
  void* stream_ = nullptr;
};

/** `count` floats in device memory, zeros up to `room` of them; they are there when this returns. */
CudaMemory sent_floats(const CudaDevice& device, const CudaStream& stream, const float* values, int64_t count,
                       int64_t room);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_MEMORY_H_
