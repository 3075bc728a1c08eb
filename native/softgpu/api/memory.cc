// Allocation, copies, pointers.
#include "softgpu/api/api.h"
#include "softgpu/code/fault.h"
#include "softgpu/runtime/copies.h"

using namespace ternary::softgpu;

namespace {

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

void* allocate(Runtime& runtime, size_t bytes, MemoryKind kind, const char* what) {
  const Device& device = runtime.current_device();
  const int ordinal = runtime.current_ordinal();
  if (kind == MemoryKind::device) {
    const int64_t left = device.memory_bytes - runtime.memory().bytes_in_use(ordinal);
    require(static_cast<int64_t>(bytes) >= 0 && static_cast<int64_t>(bytes) <= left, cudaErrorMemoryAllocation);
  }
  Allocation* allocation = runtime.memory().allocate(bytes, kind, ordinal, what);
  require(allocation != nullptr, cudaErrorMemoryAllocation);
  return reinterpret_cast<void*>(allocation->address);
}

/** The allocation that begins at the pointer. */
Allocation& allocation_at(Runtime& runtime, const void* pointer, bool host) {
  Allocation* allocation = runtime.memory().find(address_of(pointer));
  const bool fits = allocation != nullptr && allocation->address == address_of(pointer) &&
                    allocation->kind == (host ? MemoryKind::pinned : MemoryKind::device);
  if (!fits) {
    throw CudaFailure(cudaErrorInvalidValue,
                      "what is freed is no allocation: " + runtime.memory().explain(address_of(pointer), 1));
  }
  return *allocation;
}

cudaError_t free_memory(void* pointer, bool host, const char* function = __builtin_FUNCTION()) {
  return call(
      [&](Runtime& runtime) {
        if (pointer == nullptr) return;
        runtime.forbid_while_capturing();
        Allocation& allocation = allocation_at(runtime, pointer, host);
        runtime.queue().wait_for_all();
        runtime.memory().free(&allocation);
      },
      function);
}

cudaError_t copy_rows(const CopyRequest& request, cudaStream_t stream, const char* function = __builtin_FUNCTION()) {
  return call([&](Runtime& runtime) { copy(runtime, runtime.stream(stream), request); }, function);
}

cudaError_t fill_rows(const char* what, const Rows& rows, int value, size_t width, size_t height, bool asynchronous,
                      cudaStream_t stream) {
  return call(
      [&](Runtime& runtime) { fill(runtime, runtime.stream(stream), what, rows, value, width, height, asynchronous); });
}

cudaError_t copy_symbol(const char* what, const void* symbol, size_t offset, size_t bytes, void* host, bool to_symbol,
                        cudaMemcpyKind kind, bool asynchronous, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    uint64_t address = 0, size = 0;
    runtime.variable(symbol, &address, &size);
    require(offset <= size && bytes <= size - offset, cudaErrorInvalidValue);
    const Rows variable{address + offset, bytes}, other{address_of(host), bytes};
    copy(runtime, runtime.stream(stream),
         {what, to_symbol ? variable : other, to_symbol ? other : variable, bytes, 1, kind, asynchronous});
  });
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return call([&](Runtime& runtime) {
    require(pointer != nullptr, cudaErrorInvalidValue);
    runtime.forbid_while_capturing();
    *pointer = bytes == 0 ? nullptr : allocate(runtime, bytes, MemoryKind::device, "cudaMalloc");
  });
}

cudaError_t cudaFree(void* pointer) { return free_memory(pointer, false); }

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned int flags) {
  return call([&](Runtime& runtime) {
    constexpr unsigned kKnown = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    require(pointer != nullptr && (flags & ~kKnown) == 0, cudaErrorInvalidValue);
    runtime.forbid_while_capturing();
    *pointer = bytes == 0 ? nullptr : allocate(runtime, bytes, MemoryKind::pinned, "cudaHostAlloc");
  });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes) { return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault); }
cudaError_t cudaFreeHost(void* pointer) { return free_memory(pointer, true); }

cudaError_t cudaHostRegister(void* pointer, size_t bytes, unsigned int) {
  return call([&](Runtime& runtime) {
    require(pointer != nullptr && bytes > 0, cudaErrorInvalidValue);
    runtime.forbid_while_capturing();
    require(runtime.memory().add_registered(address_of(pointer), bytes) != nullptr,
            cudaErrorHostMemoryAlreadyRegistered);
  });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return call([&](Runtime& runtime) {
    runtime.forbid_while_capturing();
    Allocation* allocation = runtime.memory().find(address_of(pointer));
    require(allocation != nullptr && allocation->kind == MemoryKind::registered &&
                allocation->address == address_of(pointer),
            cudaErrorHostMemoryNotRegistered);
    runtime.queue().wait_for_all();
    runtime.memory().free(allocation);
  });
}

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned int flags) {
  return call([&](Runtime& runtime) {
    require(device != nullptr && flags == 0, cudaErrorInvalidValue);
    const Allocation* allocation = runtime.memory().find(address_of(host));
    require(allocation != nullptr && allocation->kind != MemoryKind::device, cudaErrorInvalidValue);
    *device = host;
  });
}

/** Allocated at once, freed when the stream comes to it; both count as writes, which others must be ordered with. */
cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    require(pointer != nullptr && bytes > 0, cudaErrorInvalidValue);
    Stream& in = runtime.stream(stream);
    require(in.capture == nullptr, cudaErrorNotSupported, "the software GPU does not capture cudaMallocAsync");
    *pointer = allocate(runtime, bytes, MemoryKind::device, "cudaMallocAsync");
    auto work = std::make_shared<Work>();
    work->what = "cudaMallocAsync";
    work->device = in.device;
    work->run = [address = address_of(*pointer), bytes](DeviceMemory&, AccessLog& log) {
      log.note(address, bytes, 0, Access::write);
    };
    runtime.submit(in, std::move(work));
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return call([&](Runtime& runtime) {
    if (pointer == nullptr) return;
    Stream& in = runtime.stream(stream);
    require(in.capture == nullptr, cudaErrorNotSupported, "the software GPU does not capture cudaFreeAsync");
    Allocation* allocation = &allocation_at(runtime, pointer, false);
    auto work = std::make_shared<Work>();
    work->what = "cudaFreeAsync";
    work->device = in.device;
    work->run = [allocation](DeviceMemory& memory, AccessLog& log) {
      if (allocation->freed) throw Fault(FaultKind::address, "the memory is freed already");
      log.note(allocation->address, allocation->bytes, 0, Access::write);
      memory.free(allocation);
    };
    runtime.submit(in, std::move(work));
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&](Runtime& runtime) {
    require(free != nullptr && total != nullptr, cudaErrorInvalidValue);
    *total = static_cast<size_t>(runtime.current_device().memory_bytes);
    *free = *total - static_cast<size_t>(runtime.memory().bytes_in_use(runtime.current_ordinal()));
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return call([&](Runtime& runtime) {
    require(attributes != nullptr, cudaErrorInvalidValue);
    *attributes = {};
    attributes->device = runtime.current_ordinal();
    const Allocation* allocation = runtime.memory().find(address_of(pointer));
    if (allocation == nullptr) {
      attributes->type = cudaMemoryTypeUnregistered;
      attributes->device = cudaInvalidDeviceId;
      attributes->hostPointer = const_cast<void*>(pointer);
      return;
    }
    const bool host = allocation->kind == MemoryKind::pinned || allocation->kind == MemoryKind::registered;
    attributes->type = host ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
    if (!host) attributes->device = allocation->device;
    attributes->devicePointer = const_cast<void*>(pointer);
    attributes->hostPointer = host ? const_cast<void*>(pointer) : nullptr;
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return copy_rows({"cudaMemcpy", {address_of(to), bytes}, {address_of(from), bytes}, bytes, 1, kind, false}, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const Rows rows_to{address_of(to), bytes}, rows_from{address_of(from), bytes};
  const CopyRequest request = {"cudaMemcpyAsync", rows_to, rows_from, bytes, 1, kind, true};
  return copy_rows(request, stream);
}

cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
  return copy_rows(
      {"cudaMemcpy2D", {address_of(to), to_pitch}, {address_of(from), from_pitch}, width, height, kind, false},
      nullptr);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_rows(
      {"cudaMemcpy2DAsync", {address_of(to), to_pitch}, {address_of(from), from_pitch}, width, height, kind, true},
      stream);
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return fill_rows("cudaMemset", {address_of(to), bytes}, value, bytes, 1, false, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return fill_rows("cudaMemsetAsync", {address_of(to), bytes}, value, bytes, 1, true, stream);
}

cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream) {
  return fill_rows("cudaMemset2DAsync", {address_of(to), pitch}, value, width, height, true, stream);
}

cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  return call([&](Runtime& runtime) {
    require(pointer != nullptr, cudaErrorInvalidValue);
    uint64_t address = 0, bytes = 0;
    runtime.variable(symbol, &address, &bytes);
    *pointer = reinterpret_cast<void*>(address);
  });
}

cudaError_t cudaGetSymbolSize(size_t* size, const void* symbol) {
  return call([&](Runtime& runtime) {
    require(size != nullptr, cudaErrorInvalidValue);
    uint64_t address = 0, bytes = 0;
    runtime.variable(symbol, &address, &bytes);
    *size = bytes;
  });
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return copy_symbol("cudaMemcpyToSymbol", symbol, offset, bytes, const_cast<void*>(from), true, kind, false, nullptr);
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return copy_symbol("cudaMemcpyFromSymbol", symbol, offset, bytes, to, false, kind, false, nullptr);
}

}  // extern "C"
