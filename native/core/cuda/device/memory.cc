#include "core/cuda/device/memory.h"

#include <cinttypes>
#include <vector>

#include "core/base/failure.h"

namespace ternary {

CudaMemory::CudaMemory(const CudaDevice& device, int64_t bytes) : cuda_(device.cuda), bytes_(bytes) {
  void* memory = nullptr;
  const int error = cuda_->Malloc(&memory, static_cast<size_t>(bytes));
  if (error == kCudaOutOfMemory) {
    cuda_->GetLastError();
    fail(TERNARY_OUT_OF_MEMORY, "%" PRId64 " bytes of device memory could not be allocated on %s", bytes,
         device.name.c_str());
  }
  check_cuda(*cuda_, error, "cudaMalloc");
  memory_ = static_cast<uint8_t*>(memory);
}

CudaMemory::~CudaMemory() {
  if (memory_ != nullptr) cuda_->Free(memory_);
}

CudaStream::CudaStream(const CudaDevice& device) : cuda_(*device.cuda) {
  check_cuda(cuda_, cuda_.StreamCreateWithFlags(&stream_, kStreamNonBlocking), "cudaStreamCreateWithFlags");
}

CudaStream::~CudaStream() { cuda_.StreamDestroy(stream_); }

void CudaStream::send(void* target, const void* source, int64_t bytes) const {
  check_cuda(cuda_, cuda_.MemcpyAsync(target, source, static_cast<size_t>(bytes), kCopyToDevice, stream_),
             "cudaMemcpyAsync to the device");
}

void CudaStream::fetch(void* target, const void* source, int64_t bytes) const {
  check_cuda(cuda_, cuda_.MemcpyAsync(target, source, static_cast<size_t>(bytes), kCopyToHost, stream_),
             "cudaMemcpyAsync to the host");
}

void CudaStream::wait() const { check_cuda(cuda_, cuda_.StreamSynchronize(stream_), "the device"); }

CudaMemory sent_floats(const CudaDevice& device, const CudaStream& stream, const float* values, int64_t count,
                       int64_t room) {
  std::vector<float> padded(values, values + count);
  padded.resize(static_cast<size_t>(room), 0.0f);
  CudaMemory memory(device, room * 4);
  stream.send(memory.get(), padded.data(), room * 4);
  stream.wait();
  return memory;
}

}  // namespace ternary
