// The GPU kernels' products of int8 at the largest K and the largest sums there are: q is 127 or -128 everywhere; rows
// of W are +1 throughout, -1 throughout, or +1 and then -1: those sums are small again and fp32 shows their last bit.
// Sums that are not folded in time, or not exact, get them wrong. What is expected is arithmetic, as the oracle takes
// longer than the kernels. Fused rows refuse such K.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "core/cuda/copies/layout.h"
#include "support/cuda/device_memory.h"
#include "support/cuda/rows.h"
#include "support/handles.h"

namespace ternary::test {
namespace {

constexpr int64_t kMostK = (int64_t{1} << 24) - 1;  // no multiple of 4: the last byte of a row is not full
constexpr int64_t kN = 16;
constexpr int8_t kQ[] = {127, -128};

/** Codes 0, 1, 2 are weights -1, 0, +1. */
constexpr uint8_t kAllPlus = 0xaa, kOnePlus = 0x02, kAllMinus = 0x00;

/** Columns of row n of W, from the first, that are +1; the others are -1. An odd number in the mixed rows, so that sums
 *  of q * code on the way are no multiples of 4, which fp32 would hold. */
int64_t plus_columns(int64_t n, int64_t K) { return n % 4 == 1 ? 0 : n % 4 == 2 ? K / 8 * 4 + 1 : K; }

/** kN rows of W on the device, one panel or dense rows. */
class LongWeights {
 public:
  LongWeights(CudaLayout layout, int64_t K) : K_(K) {
    const int64_t row_bytes = ceil_div(K, 4);
    std::vector<uint8_t> i2s(kN * row_bytes, kAllMinus), codes(cuda_layout_bytes(layout, kN, K));
    for (int64_t n = 0; n < kN; ++n) {
      const int64_t plus = plus_columns(n, K);
      uint8_t* row = i2s.data() + n * row_bytes;
      std::memset(row, kAllPlus, plus == K ? row_bytes : plus / 4);
      if (n % 4 == 2) row[plus / 4] = kOnePlus;
    }
    cuda_panel_from_i2s(layout, i2s.data(), kN, K, codes.data());
    codes_ = DeviceMemory(codes.data(), static_cast<int64_t>(codes.size()));
  }

  int64_t K() const { return K_; }
  const uint8_t* codes() const { return codes_.as<uint8_t>(); }

 private:
  int64_t K_;
  DeviceMemory codes_;
};

/** [m][padded]: row m is kQ[(first + m) % 2] throughout, and zeros beyond K. */
DeviceMemory q_rows(CudaLayout layout, int64_t K, int64_t M, int first) {
  const int64_t padded = cuda_padded_columns(layout, K);
  std::vector<int8_t> q(M * padded);
  for (int64_t m = 0; m < M; ++m) {
    std::memset(q.data() + m * padded, kQ[(first + m) % 2], padded);
    for (int64_t k = K; k < padded; ++k) q[m * padded + (layout == CudaLayout::dense ? k : cuda_q_position(k))] = 0;
  }
  return DeviceMemory(q.data(), M * padded);
}

/** Runs a row of the table; q of row m of X is kQ[(first + m) % 2]. */
void check(const CudaKernel& kernel, const LongWeights& w, int64_t M, int first, int splits, bool grouped = false,
           const DeviceLimits& limits = device_limits()) {
  const int64_t K = w.K();
  CudaProblem problem = {};
  problem.M = M;
  problem.N = kN;
  problem.K = K;
  problem.group = grouped ? int64_t{1} << 24 : 0;  // one group: its sum is an int32 as large
  problem.splits = splits;
  problem.sm_count = limits.sm_count;
  problem.shared_bytes = limits.shared_bytes;
  ASSERT_EQ(refusal(kernel, problem), Reason::none) << kernel.file;
  const CudaPlan plan = planned(kernel, problem);
  ASSERT_EQ(plan.splits, splits) << kernel.file;

  std::vector<int32_t> q_sums(M);
  for (int64_t m = 0; m < M; ++m) q_sums[m] = static_cast<int32_t>(kQ[(first + m) % 2] * K);
  const std::vector<float> ones(std::max(M, kN), 1.0f);
  const DeviceMemory q = q_rows(kernel.layout, K, M, first), sums(q_sums.data(), M * 4), scales(ones.data(), kN * 4);
  const DeviceMemory y(M * kN * 4);
  const DeviceMemory partial(plan.partial_bytes);
  if (plan.clear_bytes > 0) {
    require_cuda(cudaMemset(partial.data(), 0, static_cast<size_t>(plan.clear_bytes)), "clear");
  }

  CudaGemmTask task = {};
  task.w = w.codes();
  task.alpha = task.s = scales.as<float>();
  task.group = problem.group;
  task.q = q.as<int8_t>();
  task.q_sums = sums.as<int32_t>();
  task.ldq = cuda_padded_columns(kernel.layout, K);
  task.y = y.data();
  task.y_dtype = TERNARY_F32;
  task.ldy = kN;
  task.M = M;
  task.N = kN;
  task.K = K;
  task.partial = partial.data();
  require_cuda(kernel.gemm(task, plan, CudaLaunch{}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), kernel.file);

  std::vector<float> got(M * kN);
  y.read(got.data());
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t n = 0; n < kN; ++n) {
      const int64_t sum = kQ[(first + m) % 2] * (2 * plus_columns(n, K) - K);
      ASSERT_EQ(got[m * kN + n], static_cast<float>(sum))
          << kernel.file << (grouped ? ", a group" : "") << ", K " << K << ", splits " << splits << ", q "
          << int{kQ[(first + m) % 2]} << ", row " << n << " of W";
    }
  }
}

TEST(CudaGemvExtreme, LargestKAndLargestSums) {
  std::set<std::string> files;
  for (CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    const LongWeights w(layout, kMostK);
    for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
      if (kernel->layout != layout || std::strncmp(kernel->file, "gemv_", 5) != 0) continue;
      files.insert(kernel->file);
      // Sums of codes left in place wrap unless they are folded in time: in mma that is so where 16 warps share K, in
      // dp4a, whose lanes have a quarter of it, where four do. CTAs add up in a cluster (sm_90 and up) or in memory.
      if (kernel->m_max == 1) {
        DeviceLimits four_warps = device_limits();
        four_warps.shared_bytes = 5000;
        check(*kernel, w, 1, 1, 1, false, four_warps);
        check(*kernel, w, 1, 0, layout == CudaLayout::i2s ? 8 : 11);
      } else {
        check(*kernel, w, 2, 0, 2);
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(files.size(), 5u);
}

/** The A8 GEMMs of a layout; `smallest`: whose patch is 32 by 64, or the others. */
std::vector<const CudaKernel*> gemm_rows(CudaLayout layout, bool smallest) {
  std::vector<const CudaKernel*> rows;
  for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
    if (kernel->layout != layout || std::strncmp(kernel->file, "gemm_", 5) != 0) continue;
    if ((std::strstr(kernel->file, "_32x64") != nullptr) == smallest) rows.push_back(kernel);
  }
  return rows;
}

// A CTA computes all of its patch, however little of it there is: on the software GPU a second for 2^20 columns of
// the smallest, six for the largest. So each runs from where codes left in place would have had to be folded
// (2 * 128 * 64 * K > 2^31), and one, on one architecture, from where sums of codes 0 ... 2 wrap, harmlessly, before
// sum(q) is taken off (2 * 127 * K > 2^31): eight seconds, and all have its source. With more samples all of them go up
// to the largest K.
TEST(CudaGemmExtreme, LargestKAndLargestSums) {
  const bool thorough = samples(1) > 1;
  for (CudaLayout layout : {CudaLayout::i2s, CudaLayout::t5}) {
    for (const bool smallest : {true, false}) {
      const LongWeights w(layout, (smallest ? int64_t{1} << 19 : int64_t{1} << 17) + 1177);
      const auto rows = gemm_rows(layout, smallest);
      ASSERT_FALSE(rows.empty());
      for (const CudaKernel* row : rows) {
        check(*row, w, 2, 0, 1);
        if (smallest) check(*row, w, 2, 1, 1, true);
        if (HasFatalFailure()) return;
        if (!thorough) continue;
        check(*row, LongWeights(layout, kMostK), 2, 0, 1);
        check(*row, LongWeights(layout, kMostK), 2, 1, 1, true);
      }
    }
  }
  if (std::strcmp(cuda_backend().arch, "sm90a") != 0) return;
  const LongWeights w(CudaLayout::i2s, (int64_t{1} << 23) + 66500);
  check(*gemm_rows(CudaLayout::i2s, true)[0], w, 2, 0, 1);
}

// The dense fallback sums in fp32: it is exact up to the last K that it serves.
TEST(CudaGemmExtreme, LargestSumsOfTheDenseKernel) {
  for (const CudaKernel* kernel : cuda_rows(CudaStage::gemm_a8)) {
    if (kernel->layout != CudaLayout::dense) continue;
    EXPECT_EQ(kernel->k_max, (1 << 17) - 1);
    check(*kernel, LongWeights(CudaLayout::dense, kernel->k_max), 2, 0, 1);
  }
}

}  // namespace
}  // namespace ternary::test
