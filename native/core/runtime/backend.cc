#include "core/runtime/backend.h"

#include <dlfcn.h>
#include <unistd.h>

#include <map>
#include <string>

#include "core/base/failure.h"
#include "core/base/process.h"

namespace ternary {
namespace {

/** Loads a library and asks `symbol` for the table of version `abi`. Never unloaded: its table is referred to. */
template <typename Table>
const Table& load(const std::string& file, const char* symbol, int32_t abi) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(TERNARY_ILLEGAL_STATE, "the backend %s cannot be loaded: %s", file.c_str(), dlerror());
  using TableFn = const Table* (*)(int32_t);
  const auto backend = reinterpret_cast<TableFn>(dlsym(library, symbol));
  const Table* table = backend == nullptr ? nullptr : backend(abi);
  if (table == nullptr) {
    dlclose(library);
    fail(TERNARY_ILLEGAL_STATE, "the backend %s is not of this library's version (%d)", file.c_str(), abi);
  }
  return *table;
}

}  // namespace

const Backend& cpu_backend() {
  static const Backend* loaded = nullptr;  // a failure is not kept: the file may be there next time
  const MutexLock lock(process_mutex);
  if (loaded == nullptr) {
    loaded = &load<Backend>(backend_folder(lock) + "libternary_cpu.so", "ternary_backend", kBackendAbi);
    fix_process(lock);
  }
  return *loaded;
}

std::string cuda_backend_file(const char* name, const std::string& arch) {
  return std::string("libternary_") + name + '_' + arch + ".so";
}

bool has_cuda_backend(const std::string& file) {
  const MutexLock lock(process_mutex);
  return access((backend_folder(lock) + file).c_str(), R_OK) == 0;
}

const CudaBackend& cuda_backend(const std::string& file) {
  static std::map<std::string, const CudaBackend*>& loaded = *new std::map<std::string, const CudaBackend*>;
  const MutexLock lock(process_mutex);
  const CudaBackend*& backend = loaded[file];
  if (backend == nullptr) {
    backend = &load<CudaBackend>(backend_folder(lock) + file, "ternary_cuda_backend", kCudaBackendAbi);
  }
  return *backend;
}

}  // namespace ternary
