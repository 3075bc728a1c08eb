// The known product that kernels of the second arrangement must get right before they serve, by kernels of the host.
#include "core/cuda/device_check.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "abi/cuda_layout.h"
#include "support/host_cudart.h"

namespace ternary::test {
namespace {

/** What a kernel of the host makes of a sum. */
using Accumulator = float (*)(float sum);

float right(float sum) { return sum; }
/** A sum of 23 bits: the last is cut off. */
float narrow(float sum) {
  uint32_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  bits &= ~1u;
  std::memcpy(&sum, &bits, sizeof sum);
  return sum;
}

/** 2 * w of column k of a row, by what cuda_layout.h says of its word. */
float twice_weight(const uint8_t* row, int64_t k) {
  uint32_t word;
  std::memcpy(&word, row + k / 16 * 4, sizeof word);
  const uint32_t pair = word << k % 16 / 2 * 2 & 0xc000c000u, bits = k % 2 == 0 ? pair << 16 : pair & 0xffff0000u;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <Accumulator kSum>
int multiply(const CudaGemmTask& t, const CudaPlan&, const CudaLaunch&) {
  for (int64_t m = 0; m < t.M; ++m) {
    for (int64_t n = 0; n < t.N; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < t.K; ++k) {
        const uint32_t bits = uint32_t{t.planes[m * t.ld_plane + k]} << 16;
        float x;
        std::memcpy(&x, &bits, sizeof x);
        sum += double{x} * twice_weight(t.w + n * cuda_row_bytes(CudaLayout::top2, t.K), k);
      }
      static_cast<float*>(t.y)[m * t.ldy + n] = kSum(static_cast<float>(sum)) * 0.5f * (t.s[m] * t.alpha[n]);
    }
  }
  return 0;
}
int fail_to_launch(const CudaGemmTask&, const CudaPlan&, const CudaLaunch&) { return 98; }

Reason accept(const CudaProblem&, CudaPlan* plan) {
  *plan = {};
  return Reason::none;
}

CudaKernel row_of(CudaGemmFn gemm, CudaStage stage = CudaStage::gemm_a8, CudaLayout layout = CudaLayout::top2) {
  return {"fake", "fake", stage, layout, 1, kAnyM, kAnyK, CudaRowsFn(), gemm, nullptr, accept};
}

class DeviceCheck : public testing::Test {
 protected:
  /** What is said of a device that was not asked before. */
  static Top2Kernels check(const std::vector<CudaKernel>& kernels) {
    static int ordinal = 100;
    const CudaBackend backend = {"fake", false, nullptr, kernels.data(), static_cast<int32_t>(kernels.size())};
    CudaDevice device;
    device.cuda = &cuda();
    device.ordinal = ++ordinal;
    device.backends.push_back(&backend);
    return check_top2_kernels(device);
  }

 private:
  static const Cudart& cuda() {
    static const Cudart with_errors = [] {
      Cudart c = host_cudart();
      c.GetLastError = [] { return 0; };
      c.GetErrorName = [](int) { return "fake"; };
      c.GetErrorString = [](int) { return "no such function"; };
      return c;
    }();
    return with_errors;
  }
};

TEST_F(DeviceCheck, RightSumsMayServe) {
  EXPECT_EQ(check({row_of(multiply<right>)}), Top2Kernels::right);
  EXPECT_EQ(check({row_of(multiply<right>), row_of(multiply<right>)}), Top2Kernels::right);
}

TEST_F(DeviceCheck, OneKernelWithALostBitIsTheEndOfAll) {
  EXPECT_EQ(check({row_of(multiply<narrow>)}), Top2Kernels::wrong);
  EXPECT_EQ(check({row_of(multiply<narrow>), row_of(multiply<right>)}), Top2Kernels::wrong);
  EXPECT_EQ(check({row_of(multiply<right>), row_of(multiply<narrow>)}), Top2Kernels::wrong);
}

TEST_F(DeviceCheck, AKernelThatDoesNotRunIsWrong) { EXPECT_EQ(check({row_of(fail_to_launch)}), Top2Kernels::wrong); }

TEST_F(DeviceCheck, OtherKernelsAreNotAsked) {
  EXPECT_EQ(check({}), Top2Kernels::none);
  EXPECT_EQ(
      check({row_of(fail_to_launch, CudaStage::gemm_a16), row_of(fail_to_launch, CudaStage::gemm_a8, CudaLayout::i2s)}),
      Top2Kernels::none);
}

TEST_F(DeviceCheck, ADeviceIsAskedOnce) {
  static int launches = 0;
  const CudaKernel counted = row_of([](const CudaGemmTask& t, const CudaPlan& plan, const CudaLaunch& how) {
    ++launches;
    return multiply<right>(t, plan, how);
  });
  const CudaBackend backend = {"fake", false, nullptr, &counted, 1};
  CudaDevice device;
  device.cuda = &host_cudart();
  device.ordinal = 99;
  device.backends.push_back(&backend);
  EXPECT_EQ(check_top2_kernels(device), Top2Kernels::right);
  EXPECT_EQ(check_top2_kernels(device), Top2Kernels::right);
  EXPECT_EQ(launches, 1);
}

}  // namespace
}  // namespace ternary::test
