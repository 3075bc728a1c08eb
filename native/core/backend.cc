#include "core/backend.h"

#include <dlfcn.h>

#include <string>

#include "core/failure.h"

namespace ternary {
namespace {

std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

const Backend& load(const char* name) {
  const std::string file = own_folder() + name;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(TERNARY_ILLEGAL_STATE, "the backend %s cannot be loaded: %s", file.c_str(), dlerror());
  const auto backend = reinterpret_cast<BackendFn>(dlsym(library, "ternary_backend"));
  const Backend* table = backend == nullptr ? nullptr : backend(kBackendAbi);
  if (table == nullptr) {
    dlclose(library);
    fail(TERNARY_ILLEGAL_STATE, "the backend %s is not of this library's version (%d)", file.c_str(), kBackendAbi);
  }
  return *table;
}

}  // namespace

const Backend& cpu_backend() {
  static const Backend& backend = load("libternary_cpu.so");
  return backend;
}

}  // namespace ternary
