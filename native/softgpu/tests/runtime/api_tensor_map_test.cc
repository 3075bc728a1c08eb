// cuTensorMapEncodeTiled() as programs get it: by cudaGetDriverEntryPointByVersion(), or from libcuda.so.1.
#include <cstdint>
#include <cstring>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

using Encode = int(void* map, int type, uint32_t rank, void* address, const uint64_t* size, const uint64_t* strides,
                   const uint32_t* box, const uint32_t* element_strides, int interleave, int swizzle, int promotion,
                   int fill);

class TensorMapTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    void* found = nullptr;
    cudaDriverEntryPointQueryResult status;
    ASSERT_CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &status));
    ASSERT_EQ(status, cudaDriverEntryPointSuccess);
    encode_ = reinterpret_cast<Encode*>(found);
  }

  /** bf16 [30, 20], rows 64 bytes apart, boxes of 16 by 8. */
  int encode() { return encode_(map_, 9, 2, address_, size_, strides_, box_, ones_, 0, swizzle_, 2, fill_); }

  Encode* encode_ = nullptr;
  alignas(64) uint8_t map_[128];
  void* address_ = reinterpret_cast<void*>(4096);
  uint64_t size_[2] = {30, 20}, strides_[1] = {64};
  uint32_t box_[2] = {16, 8}, ones_[2] = {1, 1};
  int swizzle_ = 1, fill_ = 0;
};

TEST_F(TensorMapTest, IsTheSameForTheSameArguments) {
  uint8_t first[128];
  ASSERT_EQ(encode(), 0);
  std::memcpy(first, map_, sizeof first);
  std::memset(map_, 7, sizeof map_);
  ASSERT_EQ(encode(), 0);
  EXPECT_EQ(std::memcmp(first, map_, sizeof first), 0);
}

TEST_F(TensorMapTest, WhatIsRefused) {
  const auto refused = [this](auto* place, auto value) {
    const auto before = *place;
    *place = static_cast<std::decay_t<decltype(before)>>(value);
    EXPECT_EQ(encode(), 1) << value;
    *place = before;
    EXPECT_EQ(encode(), 0);
  };
  refused(&box_[0], 0);
  refused(&box_[0], 257);
  refused(&box_[0], 4);   // 8 bytes
  refused(&box_[0], 32);  // 64 bytes, more than the swizzle's 32
  refused(&box_[1], 257);
  refused(&strides_[0], 24);
  refused(&strides_[0], uint64_t{1} << 40);
  refused(&size_[1], 0);
  refused(&size_[1], (uint64_t{1} << 32) + 1);
  refused(&ones_[0], 2);
  refused(&swizzle_, 5);
  refused(&fill_, 1);
  address_ = reinterpret_cast<void*>(4104);
  EXPECT_EQ(encode(), 1);
}

TEST_F(TensorMapTest, OtherFunctionsOfTheDriver) {
  void* found = this;
  cudaDriverEntryPointQueryResult status;
  EXPECT_CUDA_ERROR(cudaGetDriverEntryPointByVersion("cuLaunchKernel", &found, 12000, cudaEnableDefault, &status),
                    cudaErrorNotSupported);
  EXPECT_EQ(found, nullptr);
  EXPECT_EQ(status, cudaDriverEntryPointSymbolNotFound);
}

TEST_F(TensorMapTest, TheDriversLibraryHasItToo) {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  ASSERT_NE(driver, nullptr) << dlerror();
  encode_ = reinterpret_cast<Encode*>(dlsym(driver, "cuTensorMapEncodeTiled"));
  ASSERT_NE(encode_, nullptr);
  EXPECT_EQ(encode(), 0);
  dlclose(driver);
}

}  // namespace
}  // namespace ternary::softgpu
