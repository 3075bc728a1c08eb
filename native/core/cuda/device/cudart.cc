#include "core/cuda/device/cudart.h"

#include <dlfcn.h>

#include "core/base/failure.h"
#include "core/base/process.h"

namespace ternary {
namespace {

/** One that the process has already (whoever loaded it: the CUDA presets, a test), ours, or the system's. */
void* open_library(std::string& why) {
  if (void* loaded = dlopen(kCudartName, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)) return loaded;
  std::string own;
  {
    const MutexLock lock(process_mutex);
    own = backend_folder(lock) + kCudartName;
  }
  for (const std::string& name : {own, std::string(kCudartName)}) {
    if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    const char* error = dlerror();
    why = std::string("the CUDA runtime cannot be loaded: ") + (error == nullptr ? kCudartName : error);
  }
  return nullptr;
}

struct Symbol {
  const char* name;
  void** function;
};

template <typename Function>
void** slot(Function*& function) {
  return reinterpret_cast<void**>(&function);
}

bool find_functions(void* library, Cudart& cuda, std::string& why) {
  const Symbol symbols[] = {{"cudaGetDeviceCount", slot(cuda.GetDeviceCount)},
                            {"cudaGetDevice", slot(cuda.GetDevice)},
                            {"cudaSetDevice", slot(cuda.SetDevice)},
                            {"cudaDeviceGetAttribute", slot(cuda.DeviceGetAttribute)},
                            {"cudaGetDeviceProperties", slot(cuda.GetDeviceProperties)},
                            {"cudaDriverGetVersion", slot(cuda.DriverGetVersion)},
                            {"cudaRuntimeGetVersion", slot(cuda.RuntimeGetVersion)},
                            {"cudaMemGetInfo", slot(cuda.MemGetInfo)},
                            {"cudaMalloc", slot(cuda.Malloc)},
                            {"cudaFree", slot(cuda.Free)},
                            {"cudaMemcpyAsync", slot(cuda.MemcpyAsync)},
                            {"cudaStreamCreateWithFlags", slot(cuda.StreamCreateWithFlags)},
                            {"cudaStreamDestroy", slot(cuda.StreamDestroy)},
                            {"cudaStreamSynchronize", slot(cuda.StreamSynchronize)},
                            {"cudaStreamGetId", slot(cuda.StreamGetId)},
                            {"cudaStreamGetDevice", slot(cuda.StreamGetDevice)},
                            {"cudaStreamIsCapturing", slot(cuda.StreamIsCapturing)},
                            {"cudaThreadExchangeStreamCaptureMode", slot(cuda.ThreadExchangeStreamCaptureMode)},
                            {"cudaPointerGetAttributes", slot(cuda.PointerGetAttributes)},
                            {"cudaGetLastError", slot(cuda.GetLastError)},
                            {"cudaGetErrorName", slot(cuda.GetErrorName)},
                            {"cudaGetErrorString", slot(cuda.GetErrorString)}};
  for (const Symbol& symbol : symbols) {
    *symbol.function = dlsym(library, symbol.name);
    if (*symbol.function == nullptr) {
      why = std::string("the CUDA runtime ") + kCudartName + " has no function " + symbol.name;
      return false;
    }
  }
  return true;
}

}  // namespace

const Cudart* cudart(std::string& why) {
  static Mutex mutex;
  static Cudart found;
  static bool loaded = false;
  const MutexLock lock(mutex);
  if (loaded) return &found;
  void* library = open_library(why);
  if (library == nullptr) return nullptr;
  if (!find_functions(library, found, why)) {
    dlclose(library);
    return nullptr;
  }
  loaded = true;
  return &found;
}

void check_cuda(const Cudart& cuda, int error, const char* what) {
  if (error == kCudaSuccess) return;
  cuda.GetLastError();
  fail(error == kCudaOutOfMemory ? TERNARY_OUT_OF_MEMORY : TERNARY_DEVICE_ERROR, "%s failed: %s (%s, %d)", what,
       cuda.GetErrorString(error), cuda.GetErrorName(error), error);
}

std::string cuda_error_text(const Cudart& cuda, int error) {
  cuda.GetLastError();
  return std::string(cuda.GetErrorString(error)) + " (" + cuda.GetErrorName(error) + ")";
}

std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

}  // namespace ternary
