/**
 * @file softgpu_property.h
 * @brief Functions of the software GPU, and a device of other properties for a scope.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_SOFTGPU_PROPERTY_H_
#define TERNARY_TESTS_SUPPORT_CUDA_SOFTGPU_PROPERTY_H_

#include <cuda_runtime.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

#include "softgpu/softgpu.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {

/** A function of softgpu.h, null on a GPU. */
template <typename Function>
Function* softgpu(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

/** Device 0 with another value of a property (softgpu_set_device()) until it ends; nothing changes on a GPU. */
class SoftgpuProperty {
 public:
  SoftgpuProperty(const char* key, cudaDeviceAttr attribute, int value) : key_(key) {
    must(cudaDeviceGetAttribute(&before_, attribute, 0), key);
    set(value);
  }
  ~SoftgpuProperty() { set(before_); }
  SoftgpuProperty(const SoftgpuProperty&) = delete;
  SoftgpuProperty& operator=(const SoftgpuProperty&) = delete;

  /** Whether this is the software GPU. */
  bool is_set() const { return set_device_ != nullptr; }

 private:
  void set(int value) const {
    EXPECT_TRUE(!is_set() || set_device_(0, key_, std::to_string(value).c_str()) == 0) << key_;
  }

  decltype(softgpu_set_device)* set_device_ = softgpu<decltype(softgpu_set_device)>("softgpu_set_device");
  const char* key_;
  int before_ = 0;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_SOFTGPU_PROPERTY_H_
