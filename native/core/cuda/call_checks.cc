#include "core/cuda/call_checks.h"

#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/cuda/plan.h"

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

void check_call(const CudaDevice& device, const ternary_cuda_call& call,
                std::initializer_list<DeviceArgument> arguments) {
  check_stream(device, call.stream);
  for (const DeviceArgument& argument : arguments) check_memory(device, argument.name, argument.pointer);
}

void check_workspace(const CudaDevice& device, const ternary_cuda_call& call, int64_t needed, const char* says,
                     const Range* operands, int count) {
  if (call.workspace == nullptr) {
    if (call.workspace_bytes != 0) {
      fail(TERNARY_INVALID_ARGUMENT, "workspace_bytes is %" PRId64 " and workspace is null; it must be 0 then",
           call.workspace_bytes);
    }
    return;
  }
  check_pointer("workspace", call.workspace, kWorkspaceAlignment);
  if (call.workspace_bytes < needed) {
    fail(TERNARY_INVALID_ARGUMENT,
         "workspace_bytes is %" PRId64 "; this call needs %" PRId64 ", and %s says what every call does",
         call.workspace_bytes, needed, says);
  }
  check_memory(device, "workspace", call.workspace);
  check_apart({"workspace", call.workspace, call.workspace_bytes}, operands, count);
}

bool check_capture(const CudaDevice& device, const ternary_cuda_call& call, int64_t workspace_bytes) {
  const bool capturing = is_capturing(*device.cuda, call.stream);
  if (capturing && call.workspace == nullptr && workspace_bytes > 0) {
    fail(TERNARY_ILLEGAL_STATE,
         "the stream is being captured and no workspace is given; a graph needs one of the caller's "
         "own, which no other call uses when it is replayed");
  }
  return capturing;
}

}  // namespace ternary
