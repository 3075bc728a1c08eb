#include "core/backend.h"

#include <dlfcn.h>
#include <unistd.h>

#include <map>
#include <string>

#include "core/failure.h"
#include "core/mutex.h"

namespace ternary {
namespace {

std::string cuda_file(const std::string& arch) { return own_folder() + "libternary_bitnet_" + arch + ".so"; }

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

std::string& configured_folder() {
  static std::string& folder = *new std::string;
  return folder;
}

std::string own_folder() {
  if (!configured_folder().empty()) return configured_folder();
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

const Backend& cpu_backend() {
  static const Backend& backend = load<Backend>(own_folder() + "libternary_cpu.so", "ternary_backend", kBackendAbi);
  return backend;
}

bool has_cuda_backend(const std::string& arch) { return access(cuda_file(arch).c_str(), R_OK) == 0; }

const CudaBackend& cuda_backend(const std::string& arch) {
  static Mutex mutex;
  static std::map<std::string, const CudaBackend*> loaded;
  const MutexLock lock(mutex);
  const CudaBackend*& backend = loaded[arch];
  if (backend == nullptr) backend = &load<CudaBackend>(cuda_file(arch), "ternary_cuda_backend", kCudaBackendAbi);
  return *backend;
}

}  // namespace ternary

ternary_status ternary_configure_process(const char* backend_folder, int32_t) {
  return ternary::guarded([&] { ternary::configured_folder() = std::string(backend_folder) + '/'; });
}
