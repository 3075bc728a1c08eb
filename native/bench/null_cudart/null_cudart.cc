// A CUDA runtime that does nothing: what is left of a call on it is the library's own time on the host. One H100 with
// memory that is the host's; kernels are not run, so results are nonsense. For host_calls_bench alone.
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kVersion = 13010;

/** cudaDeviceAttr values that are asked for, of an H100. */
int attribute_of(int attribute) {
  switch (attribute) {
    case 13: return 1980000;    // clock, kHz
    case 16: return 132;        // SMs
    case 36: return 2619000;    // memory clock, kHz
    case 37: return 5120;       // bits of the memory's bus
    case 38: return 50 << 20;   // L2
    case 75: return 9;          // capability
    case 81: return 228 << 10;  // shared memory of an SM
    case 97: return 227 << 10;  // and what a CTA may opt in to
  }
  return 0;
}

struct PointerAttributes {
  int type, device;
  void *device_pointer, *host_pointer;
  long reserved[8];
};

/** The part of cudaFuncAttributes that is read. */
struct FunctionAttributes {
  size_t shared_bytes, const_bytes, local_bytes;
  int threads, registers, ptx_version, binary_version, cache_mode, dynamic_shared_bytes;
};

}  // namespace

extern "C" {

int cudaGetDeviceCount(int* count) { return *count = 1, 0; }
int cudaGetDevice(int* device) { return *device = 0, 0; }
int cudaSetDevice(int) { return 0; }
int cudaDeviceGetAttribute(int* value, int attribute, int) { return *value = attribute_of(attribute), 0; }
int cudaGetDeviceProperties(char* name, int) { return std::strcpy(name, "NVIDIA H100 that does nothing"), 0; }
int cudaDriverGetVersion(int* version) { return *version = kVersion, 0; }
int cudaRuntimeGetVersion(int* version) { return *version = kVersion, 0; }
int cudaMemGetInfo(size_t* available, size_t* total) { return *available = *total = size_t{80} << 30, 0; }
int cudaMalloc(void** memory, size_t bytes) { return *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256), 0; }
int cudaFree(void* memory) { return std::free(memory), 0; }
int cudaMemcpyAsync(void* to, const void* from, size_t bytes, int, void*) { return std::memcpy(to, from, bytes), 0; }
int cudaStreamCreateWithFlags(void** stream, unsigned) { return *stream = std::malloc(1), 0; }
int cudaStreamDestroy(void* stream) { return std::free(stream), 0; }
int cudaStreamSynchronize(void*) { return 0; }
int cudaStreamGetId(void*, unsigned long long* id) { return *id = 1, 0; }
int cudaStreamGetDevice(void*, int* device) { return *device = 0, 0; }
int cudaStreamIsCapturing(void*, int* status) { return *status = 0, 0; }
int cudaThreadExchangeStreamCaptureMode(int*) { return 0; }
int cudaPointerGetAttributes(PointerAttributes* attributes, const void*) { return *attributes = {2, 0, {}, {}, {}}, 0; }
int cudaGetLastError() { return 0; }
const char* cudaGetErrorName(int) { return "cudaSuccess"; }
const char* cudaGetErrorString(int) { return "no error"; }
int cudaFuncGetAttributes(FunctionAttributes* attributes, const void*) { return *attributes = {}, 0; }
int cudaFuncSetAttribute(const void*, int, int) { return 0; }
int cudaLaunchKernelExC(const void*, const void*, void**) { return 0; }

// What nvcc's stubs register and call.
void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, void*, void*, void*, void*, int*) {}
int __cudaGetKernel(void** kernel, const void* stub) { return *kernel = const_cast<void*>(stub), 0; }
int __cudaPopCallConfiguration(void*, void*, size_t*, void*) { return 0; }
int __cudaLaunchKernel(void*, ...) { return 0; }
}
