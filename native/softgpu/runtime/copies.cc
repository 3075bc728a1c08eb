#include "softgpu/runtime/copies.h"

#include <cstring>

namespace ternary::softgpu {
namespace {

uint8_t* bytes_at(uint64_t address) { return reinterpret_cast<uint8_t*>(address); }

uint64_t extent(const Rows& rows, uint64_t width, uint64_t height) { return rows.pitch * (height - 1) + width; }

/** The allocation of all bytes of the rows; null for pageable host memory. */
Allocation* allocation_of(Runtime& runtime, const Rows& rows, uint64_t width, uint64_t height, const char* what) {
  DeviceMemory& memory = runtime.memory();
  const uint64_t bytes = extent(rows, width, height);
  Allocation* allocation = memory.find(rows.address);
  if (allocation == nullptr) {
    // Addresses of ours that are not allocated are a mistake; all others are the host's own memory.
    if (!memory.reserved(rows.address)) return nullptr;
    throw CudaFailure(cudaErrorInvalidValue, std::string(what) + ": " + memory.explain(rows.address, bytes));
  }
  if (bytes > allocation->bytes - (rows.address - allocation->address)) {
    throw CudaFailure(cudaErrorInvalidValue, std::string(what) + ": " + memory.explain(rows.address, bytes));
  }
  return allocation;
}

bool on_device(const Allocation* allocation) {
  return allocation != nullptr && (allocation->kind == MemoryKind::device || allocation->kind == MemoryKind::variables);
}

void check_direction(cudaMemcpyKind kind, bool to_device, bool from_device) {
  bool fits = true;
  switch (kind) {
    case cudaMemcpyHostToHost: fits = !to_device && !from_device; break;
    case cudaMemcpyHostToDevice: fits = to_device && !from_device; break;
    case cudaMemcpyDeviceToHost: fits = !to_device && from_device; break;
    case cudaMemcpyDeviceToDevice: fits = to_device && from_device; break;
    case cudaMemcpyDefault: break;
    default: throw CudaFailure(cudaErrorInvalidMemcpyDirection);
  }
  require(fits, cudaErrorInvalidValue, "the kind of a copy does not fit its pointers");
}

void note_rows(AccessLog& log, const Rows& rows, uint64_t width, uint64_t height, Access access) {
  for (uint64_t row = 0; row < height; ++row) log.note(rows.address + row * rows.pitch, width, 0, access);
}

/** The rows of pageable host memory, as they are now. */
std::shared_ptr<std::vector<uint8_t>> staged(const Rows& rows, uint64_t width, uint64_t height) {
  auto bytes = std::make_shared<std::vector<uint8_t>>(width * height);
  for (uint64_t row = 0; row < height; ++row) {
    std::memcpy(bytes->data() + row * width, bytes_at(rows.address + row * rows.pitch), width);
  }
  return bytes;
}

/** Of a function that uses the default stream and waits. */
void forbid_synchronous(Runtime& runtime, Stream& stream) {
  runtime.forbid_in_capture_of(stream);
  runtime.forbid_while_capturing();
}

}  // namespace

/**
 * Pageable memory is read before the call returns, as CUDA does, and a copy into it waits. A copy from it to a device
 * does not, whatever the function: CUDA has the bytes in a buffer of its own then, and only what is ordered behind the
 * copy's stream meets them on the device. Pinned memory is read and written when the stream comes to it, so that a host
 * that reuses it too early is found out by its results.
 */
void copy(Runtime& runtime, Stream& stream, const CopyRequest& request) {
  if (!request.asynchronous) forbid_synchronous(runtime, stream);
  if (request.width == 0 || request.height == 0) return;
  require(request.height == 1 || (request.to.pitch >= request.width && request.from.pitch >= request.width),
          cudaErrorInvalidPitchValue);
  require(request.to.address != 0 && request.from.address != 0, cudaErrorInvalidValue);
  const Allocation* to = allocation_of(runtime, request.to, request.width, request.height, request.what);
  const Allocation* from = allocation_of(runtime, request.from, request.width, request.height, request.what);
  check_direction(request.kind, on_device(to), on_device(from));

  const bool captured = stream.capture != nullptr;
  std::shared_ptr<std::vector<uint8_t>> stage;
  Rows source = request.from;
  if (from == nullptr && !captured) {
    stage = staged(request.from, request.width, request.height);
    source = {reinterpret_cast<uint64_t>(stage->data()), request.width};
  }
  const bool note_source = from != nullptr, note_target = to != nullptr;
  auto work = std::make_shared<Work>();
  work->what = request.what;
  work->device = stream.device;
  const Rows target = request.to;
  const uint64_t width = request.width, height = request.height;
  work->run = [=](DeviceMemory& memory, AccessLog& log) {
    (void)stage;  // kept as long as the work
    for (uint64_t row = 0; row < height; ++row) {
      const uint64_t into = target.address + row * target.pitch, out_of = source.address + row * source.pitch;
      std::memmove(bytes_at(into), bytes_at(out_of), width);
      memory.copy_initialised(into, out_of, width);
    }
    if (note_source) note_rows(log, source, width, height, Access::read);
    if (note_target) note_rows(log, target, width, height, Access::write);
  };
  const OperationRef operation = runtime.submit(stream, std::move(work));
  const bool staged_upload = from == nullptr && on_device(to);
  if (!captured && (to == nullptr || !(request.asynchronous || staged_upload))) runtime.queue().wait_for(operation);
}

void fill(Runtime& runtime, Stream& stream, const char* what, const Rows& rows, int value, uint64_t width,
          uint64_t height, bool asynchronous) {
  if (!asynchronous) forbid_synchronous(runtime, stream);
  if (width == 0 || height == 0) return;
  require(height == 1 || rows.pitch >= width, cudaErrorInvalidPitchValue);
  require(allocation_of(runtime, rows, width, height, what) != nullptr, cudaErrorInvalidValue);
  auto work = std::make_shared<Work>();
  work->what = what;
  work->device = stream.device;
  work->run = [=](DeviceMemory& memory, AccessLog& log) {
    for (uint64_t row = 0; row < height; ++row) {
      std::memset(bytes_at(rows.address + row * rows.pitch), value, width);
      memory.initialise(rows.address + row * rows.pitch, width);
    }
    note_rows(log, rows, width, height, Access::write);
  };
  runtime.submit(stream, std::move(work));  // the host does not wait: cudaMemset() of device memory does not either
}

}  // namespace ternary::softgpu
