/**
 * @file cudart.h
 * @brief The functions of the CUDA runtime library that core/ calls, found when a runtime asks for a GPU.
 *
 * libternary.so is the same on machines without CUDA, so nothing of it is linked: the library is looked for at run time
 * and its few types that core needs are written out here (CUDA 13's, whose ABI its soname keeps).
 */
#ifndef TERNARY_CORE_CUDA_DEVICE_CUDART_H_
#define TERNARY_CORE_CUDA_DEVICE_CUDART_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace ternary {

/** cudaError_t values that have a meaning of their own here. */
inline constexpr int kCudaSuccess = 0, kCudaOutOfMemory = 2, kCudaInsufficientDriver = 35, kCudaInvalidFunction = 98,
                     kCudaNoDevice = 100, kCudaInvalidImage = 200, kCudaNoImage = 209, kCudaCaptureImplicit = 906;

/** cudaDeviceAttr values. */
enum class CudaAttribute : int {
  clock_khz = 13,
  sm_count = 16,
  memory_clock_khz = 36,
  memory_bus_bits = 37,
  l2_bytes = 38,
  capability_major = 75,
  capability_minor = 76,
  shared_bytes_sm = 81,
  pageable_access = 88,
  shared_bytes_block = 97
};

/** cudaPointerAttributes. */
struct CudaPointerAttributes {
  int type;  ///< 0 unregistered, 1 host, 2 device, 3 managed
  int device;
  void* device_pointer;
  void* host_pointer;
  long reserved[8];
};

/** cudaMemcpyKind. */
inline constexpr int kCopyToDevice = 1, kCopyToHost = 2;
inline constexpr unsigned kStreamNonBlocking = 1;
/** cudaStreamCaptureMode. */
inline constexpr int kCaptureModeRelaxed = 2;

/** Name of the runtime library, CUDA 13's. */
inline constexpr const char* kCudartName = "libcudart.so.13";
/** The first driver that runs CUDA 13.0 (r580), as cudaDriverGetVersion() has it. */
inline constexpr int kLeastDriver = 13000;

struct Cudart {
  int (*GetDeviceCount)(int*);
  int (*GetDevice)(int*);
  int (*SetDevice)(int);
  int (*DeviceGetAttribute)(int*, int, int);
  int (*GetDeviceProperties)(void*, int);
  int (*DriverGetVersion)(int*);
  int (*RuntimeGetVersion)(int*);
  int (*MemGetInfo)(size_t*, size_t*);
  int (*Malloc)(void**, size_t);
  int (*Free)(void*);
  int (*MemcpyAsync)(void*, const void*, size_t, int, void*);
  int (*StreamCreateWithFlags)(void**, unsigned);
  int (*StreamDestroy)(void*);
  int (*StreamSynchronize)(void*);
  int (*StreamGetId)(void*, unsigned long long*);
  int (*StreamGetDevice)(void*, int*);
  int (*StreamIsCapturing)(void*, int*);
  int (*ThreadExchangeStreamCaptureMode)(int*);
  int (*PointerGetAttributes)(CudaPointerAttributes*, const void*);
  int (*GetLastError)();
  const char* (*GetErrorName)(int);
  const char* (*GetErrorString)(int);
};

/** The library, loaded at the first call that finds it and kept; null with `why` set, a sentence, if
 *  it cannot be had. */
const Cudart* cudart(std::string& why);

/** Throws TERNARY_DEVICE_ERROR (TERNARY_OUT_OF_MEMORY if that is what it says) with `what` and CUDA's text unless
 *  `error` is 0. Takes the error off the calling thread's last-error slot, where sticky ones stay. */
void check_cuda(const Cudart& cuda, int error, const char* what);

/** CUDA's words and name for an error, which is taken off the calling thread's last-error slot in the same way. */
std::string cuda_error_text(const Cudart& cuda, int error);

/** "13.1" of 13010. */
std::string cuda_version_text(int version);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_DEVICE_CUDART_H_
