// Lone products of CUTLASS's A16 rows: what tensor memory makes of every finite x times +1 and -1. The bound of A16 takes
// it that a product is exact and denormals are kept. Weights there are 2 * w, so the largest x overflow.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "abi/cuda_layout.h"
#include "abi/cuda_rows.h"
#include "abi/dtype.h"
#include "core/cuda/copies/layout.h"
#include "support/cuda/device_memory.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

/** All 16-bit values in rows of K columns, by two identities: Y is [x, -x]. */
constexpr int64_t kK = 128, kN = 2 * kK, kM = 65536 / kK;

bool is_f16(const CudaKernel& kernel) { return std::strstr(kernel.file, "_f16_") != nullptr; }

float value_of(uint16_t x, bool f16) { return f16 ? f16_to_float(x) : bf16_to_float(x); }

/** The identity and below it the negative one, in CUTLASS's arrangement. */
std::vector<uint8_t> weights() {
  std::vector<uint8_t> i2s(kN * kK / 4, 0x55), top2(cuda_layout_bytes(CudaLayout::top2, kN, kK));
  for (int64_t n = 0; n < kN; ++n) {
    const int64_t k = n % kK;
    uint8_t& byte = i2s[(n * kK + k) / 4];
    const int code = n < kK ? 2 : 0, shift = static_cast<int>(k % 4 * 2);
    byte = static_cast<uint8_t>((byte & ~(3 << shift)) | code << shift);
  }
  cuda_panel_from_i2s(CudaLayout::top2, i2s.data(), kN, kK, top2.data());
  return top2;
}

std::vector<float> product(const CudaKernel& kernel, const std::vector<uint16_t>& x) {
  const int64_t M = static_cast<int64_t>(x.size()) / kK;
  const std::vector<uint8_t> w = weights();
  const std::vector<float> alpha(kN, 1.0f);
  const DeviceMemory device_x(x.data(), static_cast<int64_t>(x.size()) * 2),
      device_w(w.data(), static_cast<int64_t>(w.size())), device_alpha(alpha.data(), kN * 4), device_y(M * kN * 4);
  CudaProblem problem = {};
  problem.M = M, problem.N = kN, problem.K = kK;
  problem.x_dtype = is_f16(kernel) ? TERNARY_F16 : TERNARY_BF16;
  problem.y_dtype = TERNARY_F32;
  problem.planes = problem.splits = 1;
  problem.sm_count = device_limits().sm_count;
  problem.shared_bytes = device_limits().shared_bytes;
  CudaGemmTask task = {};
  task.planes = device_x.as<const uint16_t>();
  task.ld_plane = kK;
  task.plane_count = 1;
  task.plane_f16 = is_f16(kernel);
  task.alpha = device_alpha.as<const float>();
  task.w = device_w.as<const uint8_t>();
  task.y = device_y.data();
  task.y_dtype = TERNARY_F32;
  task.ldy = kN;
  task.M = M, task.N = kN, task.K = kK;
  EXPECT_EQ(refusal(kernel, problem), Reason::none) << kernel.file;
  require_cuda(kernel.gemm(task, planned(kernel, problem), {nullptr, false}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), kernel.file);
  std::vector<float> y(M * kN);
  device_y.read(y.data());
  return y;
}

class CudaTop2Exact : public testing::Test {
 protected:
  void SetUp() override {
    for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a16)) {
      if (kernel->layout == CudaLayout::top2) kernels_.push_back(kernel);
    }
    if (kernels_.empty()) GTEST_SKIP() << "no library of this arrangement for the device";
  }

  std::vector<const CudaKernel*> kernels_;
};

TEST_F(CudaTop2Exact, ALoneProductIsExactAndDenormalsAreKept) {
  for (const CudaKernel* kernel : kernels_) {
    std::vector<uint16_t> x(kM * kK);
    for (size_t i = 0; i < x.size(); ++i) {
      const float value = value_of(static_cast<uint16_t>(i), is_f16(*kernel));
      if (std::fabs(value) < std::ldexp(1.0f, 127)) x[i] = static_cast<uint16_t>(i);  // false for a NaN too
    }
    const std::vector<float> y = product(*kernel, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const float value = value_of(x[i], is_f16(*kernel));
      const size_t m = i / kK, k = i % kK;
      ASSERT_EQ(y[m * kN + k], value) << kernel->file << ", x = " << value;
      ASSERT_EQ(y[m * kN + kK + k], -value) << kernel->file << ", x = " << value;
    }
  }
}

/** numerics.md section 5.6: in its row, and in no other. */
TEST_F(CudaTop2Exact, WhatIsTwiceTooLargeIsInfinity) {
  for (const CudaKernel* kernel : kernels_) {
    if (is_f16(*kernel)) continue;
    std::vector<uint16_t> x(3 * kK);
    x[0] = x[2 * kK] = 0x3f80;  // 1
    x[kK] = 0x7f00;             // 2^127
    x[2 * kK + 1] = 0x7eff;     // the largest below it
    const std::vector<float> y = product(*kernel, x);
    EXPECT_EQ(y[0], 1.0f) << kernel->file;
    EXPECT_EQ(y[kN], HUGE_VALF) << kernel->file;
    EXPECT_EQ(y[kN + kK], -HUGE_VALF) << kernel->file;
    EXPECT_EQ(y[kN + 1], 0.0f) << kernel->file;
    EXPECT_EQ(y[2 * kN + 1], bf16_to_float(0x7eff)) << kernel->file;
  }
}

}  // namespace
}  // namespace ternary::test
