// The GPU kernels for few rows of X at the largest K and the largest sums there are: q is 127 or -128 everywhere; rows
// of W are +1 throughout, -1 throughout, or +1 and then -1: those sums are small again and fp32 shows their last bit.
// What is expected is arithmetic, as the oracle takes longer than the kernels. Fused rows refuse such K.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "core/cuda_layout.h"
#include "support/cuda_rows.h"
#include "support/device_memory.h"

namespace ternary::test {
namespace {

constexpr int64_t kMostK = (int64_t{1} << 24) - 1;  // no multiple of 4: the last byte of a row is not full
constexpr int64_t kN = 16;
constexpr int8_t kQ[] = {127, -128};

/** Codes 0, 1, 2 are weights -1, 0, +1. */
constexpr uint8_t kAllPlus = 0xaa, kAllMinus = 0x00;

/** Columns of row n of W, from the first, that are +1; the others are -1. */
int64_t plus_columns(int64_t n) { return n % 4 == 1 ? 0 : n % 4 == 2 ? kMostK / 8 * 4 : kMostK; }

/** Panels of kN rows on the device. */
DeviceMemory codes(CudaLayout layout) {
  const int64_t row_bytes = ceil_div(kMostK, 4);
  std::vector<uint8_t> i2s(kN * row_bytes, kAllMinus), panels(cuda_layout_bytes(layout, kN, kMostK));
  for (int64_t n = 0; n < kN; ++n) {
    std::memset(i2s.data() + n * row_bytes, kAllPlus, ceil_div(plus_columns(n), 4));
  }
  cuda_panel_from_i2s(layout, i2s.data(), kN, kMostK, panels.data());
  return DeviceMemory(panels.data(), static_cast<int64_t>(panels.size()));
}

/** [m][padded]: row m is kQ[(first + m) % 2] throughout, and zeros beyond K. */
DeviceMemory q_rows(int64_t M, int first, int64_t padded) {
  std::vector<int8_t> q(M * padded);
  for (int64_t m = 0; m < M; ++m) {
    std::memset(q.data() + m * padded, kQ[(first + m) % 2], padded);
    for (int64_t k = kMostK; k < padded; ++k) q[m * padded + cuda_q_position(k)] = 0;
  }
  return DeviceMemory(q.data(), M * padded);
}

/** Runs a row of the table; q of row m of X is kQ[(first + m) % 2]. */
void check(const CudaKernel& kernel, const DeviceMemory& w, int64_t M, int first, const CudaLaunch& how) {
  const int splits = how.splits;
  CudaProblem problem = {};
  problem.M = M;
  problem.N = kN;
  problem.K = kMostK;
  problem.splits = splits;
  problem.sm_count = how.sm_count;
  problem.shared_bytes = how.shared_bytes;
  ASSERT_EQ(kernel.refusal(problem), Reason::none) << kernel.file;
  ASSERT_EQ(kernel.splits(problem), splits) << kernel.file;

  const int64_t padded = cuda_padded_columns(kernel.layout, kMostK);
  std::vector<int32_t> q_sums(M);
  for (int64_t m = 0; m < M; ++m) q_sums[m] = static_cast<int32_t>(kQ[(first + m) % 2] * kMostK);
  const std::vector<float> ones(std::max(M, kN), 1.0f);
  const DeviceMemory q = q_rows(M, first, padded), sums(q_sums.data(), M * 4), scales(ones.data(), kN * 4);
  const DeviceMemory y(M * kN * 4);
  int64_t clear = 0;
  const DeviceMemory partial(kernel.workspace(problem, splits, &clear));
  if (clear > 0) require_cuda(cudaMemset(partial.data(), 0, static_cast<size_t>(clear)), "clear");

  CudaGemmTask task = {};
  task.w = w.as<uint8_t>();
  task.alpha = task.s = scales.as<float>();
  task.q = q.as<int8_t>();
  task.q_sums = sums.as<int32_t>();
  task.ldq = padded;
  task.y = y.data();
  task.y_dtype = TERNARY_F32;
  task.ldy = kN;
  task.M = M;
  task.N = kN;
  task.K = kMostK;
  task.partial = partial.data();
  require_cuda(kernel.gemm(task, how), kernel.file);
  require_cuda(cudaDeviceSynchronize(), kernel.file);

  std::vector<float> got(M * kN);
  y.read(got.data());
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t n = 0; n < kN; ++n) {
      const int64_t sum = kQ[(first + m) % 2] * (2 * plus_columns(n) - kMostK);
      ASSERT_EQ(got[m * kN + n], static_cast<float>(sum))
        << kernel.file << ", splits " << splits << ", q " << int{kQ[(first + m) % 2]} << ", row " << n << " of W";
    }
  }
}

TEST(CudaGemvExtreme, LargestKAndLargestSums) {
  std::set<std::string> files;
  for (CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    const DeviceMemory w = codes(layout);
    for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
      if (kernel->layout != layout || std::strncmp(kernel->file, "gemv_", 5) != 0) continue;
      files.insert(kernel->file);
      // Sums of codes left in place wrap unless they are folded in time: in mma that is so where 16 warps share K, in
      // dp4a, whose lanes have a quarter of it, where four do. CTAs add up in a cluster (sm_90 and up) or in memory.
      if (kernel->m_max == 1) {
        CudaLaunch four_warps = default_launch();
        four_warps.shared_bytes = 5000;
        check(*kernel, w, 1, 1, four_warps);
        check(*kernel, w, 1, 0, default_launch(layout == CudaLayout::i2s ? 8 : 11));
      } else {
        check(*kernel, w, 2, 0, default_launch(2));
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(files.size(), 5u);
}

}  // namespace
}  // namespace ternary::test
