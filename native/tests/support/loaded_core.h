/**
 * @file loaded_core.h
 * @brief libternary.so loaded by dlopen(), so that a test can have several copies of it and unload them.
 */
#ifndef TERNARY_TESTS_SUPPORT_LOADED_CORE_H_
#define TERNARY_TESTS_SUPPORT_LOADED_CORE_H_

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

#include "support/operands.h"
#include "ternary/ternary.h"

namespace ternary::test {

/** The library under test: from the command line. */
inline const char* library_file = "libternary.so";

/** A copy of the core, loaded as for a class loader. */
class Core {
 public:
  explicit Core(const std::string& file) : library_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) ADD_FAILURE() << dlerror();
  }
  ~Core() { close(); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void close() {
    if (library_ == nullptr) return;
    EXPECT_EQ(dlclose(library_), 0);
    library_ = nullptr;
  }

  template <typename Function>
  Function* get(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(library_, name));
  }

  /** Null with error() set if there is none. */
  ternary_runtime* runtime(const std::string& settings) const {
    ternary_runtime* made = nullptr;
    get<decltype(ternary_runtime_create)>("ternary_runtime_create")(settings.c_str(), &made);
    return made;
  }
  ternary_status configure(const char* backend_folder, int32_t copy) const {
    return get<decltype(ternary_configure_process)>("ternary_configure_process")(backend_folder, copy);
  }
  std::string info(const ternary_runtime* runtime) const {
    std::string json(1 << 16, 0);
    size_t length = 0;
    EXPECT_EQ(get<decltype(ternary_runtime_info)>("ternary_runtime_info")(runtime, json.data(), json.size(), &length),
              TERNARY_OK);
    return json.substr(0, length);
  }
  std::string error() const { return get<decltype(ternary_last_error)>("ternary_last_error")(); }
  void destroy(ternary_runtime* runtime) const {
    get<decltype(ternary_runtime_destroy)>("ternary_runtime_destroy")(runtime);
  }

  /** Quantises a row: a call that needs scratch. */
  ternary_status call(ternary_runtime* runtime) const {
    const float x[4] = {1, 2, 3, 4};
    int8_t q[4];
    float s;
    const ternary_quantise_operands operands = quantised(x, TERNARY_F32, 4, q, 4, &s, 1, 4);
    return get<decltype(ternary_quantise)>("ternary_quantise")(runtime, &operands);
  }

 private:
  void* library_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_LOADED_CORE_H_
