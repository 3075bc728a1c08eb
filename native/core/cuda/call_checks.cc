#include "core/cuda/call_checks.h"

#include "core/base/failure.h"

namespace ternary {

bool is_capturing(const Cudart& cuda, void* stream) {
  int status = 0;
  const int error = cuda.StreamIsCapturing(stream, &status);
  if (error == kCudaCaptureImplicit) {
    cuda.GetLastError();
    fail(TERNARY_ILLEGAL_STATE,
         "the call is for the default stream while a blocking stream is being captured; it must be for another stream");
  }
  check_cuda(cuda, error, "cudaStreamIsCapturing");
  return status != 0;
}

void check_stream(const CudaDevice& device, void* stream) {
  if (stream == nullptr) return;
  int ordinal = device.ordinal;
  check_cuda(*device.cuda, device.cuda->StreamGetDevice(stream, &ordinal), "cudaStreamGetDevice");
  if (ordinal != device.ordinal) {
    fail(TERNARY_INVALID_ARGUMENT, "the stream belongs to device %d; it must belong to the runtime's, %d", ordinal,
         device.ordinal);
  }
}

void check_memory(const CudaDevice& device, const char* name, const void* pointer) {
  if (pointer == nullptr) return;
  constexpr int kUnregistered = 0, kDevice = 2;
  CudaPointerAttributes attributes = {};
  if (device.cuda->PointerGetAttributes(&attributes, pointer) != kCudaSuccess) {
    device.cuda->GetLastError();
    attributes.type = kUnregistered;
  }
  if (attributes.type == kUnregistered && !device.pageable_access) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is at %p, which is no memory that CUDA knows; it must be the device's", name,
         pointer);
  }
  if (attributes.type == kDevice && attributes.device != device.ordinal) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is memory of device %d; it must be of the runtime's, %d", name,
         attributes.device, device.ordinal);
  }
}

}  // namespace ternary
