/**
 * @file api_fixture.h
 * @brief For tests that use the software GPU as a program uses CUDA.
 */
#ifndef TERNARY_SOFTGPU_TESTS_RUNTIME_API_FIXTURE_H_
#define TERNARY_SOFTGPU_TESTS_RUNTIME_API_FIXTURE_H_

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "softgpu/tests/runtime/kernels.h"
#include "softgpu/tests/softgpu_function.h"

#define ASSERT_CUDA(call) ASSERT_EQ(call, cudaSuccess)
#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess)
/** Expects an error and takes it, so that a later cudaGetLastError() does not see it. */
#define EXPECT_CUDA_ERROR(call, error) \
  do {                                 \
    EXPECT_EQ(call, error);            \
    cudaGetLastError();                \
  } while (false)

namespace ternary::softgpu {

inline std::vector<int> counting(int count, int from) {
  std::vector<int> values;
  for (int i = 0; i < count; ++i) values.push_back(from + i);
  return values;
}

/** Each test begins with a device that has no fault, and ends with one. */
class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override { reset(); }
  void TearDown() override {
    free_all();
    reset();
  }
  void free_all() {
    for (void* pointer : allocated_) cudaFree(pointer);
    allocated_.clear();
  }
  static void reset() {
    EXPECT_CUDA(cudaDeviceReset());
    cudaGetLastError();
  }

  /** Device memory with those values. */
  int* device_ints(const std::vector<int>& values) {
    int* pointer = unwritten_ints(static_cast<int>(values.size()));
    EXPECT_CUDA(cudaMemcpy(pointer, values.data(), values.size() * sizeof(int), cudaMemcpyHostToDevice));
    EXPECT_CUDA(cudaStreamSynchronize(nullptr));  // which a copy of pageable memory does not
    return pointer;
  }
  int* unwritten_ints(int count) {
    void* pointer = nullptr;
    EXPECT_CUDA(cudaMalloc(&pointer, static_cast<size_t>(count) * sizeof(int)));
    allocated_.push_back(pointer);
    return static_cast<int*>(pointer);
  }
  static std::vector<int> host_ints(const int* pointer, int count) {
    std::vector<int> values(static_cast<size_t>(count));
    EXPECT_CUDA(cudaMemcpy(values.data(), pointer, values.size() * sizeof(int), cudaMemcpyDeviceToHost));
    return values;
  }
  static cudaStream_t new_stream() {
    cudaStream_t stream = nullptr;
    EXPECT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
  }
  static cudaEvent_t new_event() {
    cudaEvent_t event = nullptr;
    EXPECT_CUDA(cudaEventCreate(&event));
    return event;
  }
  static std::string fault() { return SOFTGPU(softgpu_fault)(); }
  static bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
  static int capability() {
    int major = 0;
    EXPECT_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    return major;
  }
  /** True where launches may be programmatic; elsewhere they must be refused. */
  bool programmatic() {
    if (capability() >= 9) return true;
    int* to = unwritten_ints(64);
    EXPECT_CUDA_ERROR(launch_dependent(64, device_ints(counting(64, 0)), to, Mistake::none, true, nullptr),
                      cudaErrorNotSupported);
    return false;
  }

 private:
  std::vector<void*> allocated_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_RUNTIME_API_FIXTURE_H_
