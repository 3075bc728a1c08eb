/**
 * @file softgpu_function.h
 * @brief Functions of softgpu.h for programs that are linked with CUDA's runtime.
 */
#ifndef TERNARY_SOFTGPU_TESTS_SOFTGPU_FUNCTION_H_
#define TERNARY_SOFTGPU_TESTS_SOFTGPU_FUNCTION_H_

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "softgpu/softgpu.h"

namespace ternary::softgpu {

template <class Function>
Function* softgpu_function(const char* name) {
  Function* function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  EXPECT_NE(function, nullptr) << name << ": this test is not running on the software GPU";
  return function;
}
#define SOFTGPU(name) softgpu_function<decltype(name)>(#name)

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_SOFTGPU_FUNCTION_H_
