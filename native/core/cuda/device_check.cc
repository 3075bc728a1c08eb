#include "core/cuda/device_check.h"

#include <array>
#include <map>
#include <vector>

#include "abi/cuda_layout.h"
#include "abi/dtype.h"
#include "core/base/failure.h"
#include "core/base/mutex.h"
#include "core/cuda/copies/layout.h"
#include "core/cuda/device/memory.h"

namespace ternary {
namespace {

/** The product of the check: more rows of W than a tile has, so that pairs of CTAs share it. */
constexpr int64_t kRows = 3, kOutputs = 144, kColumns = 128;

/** x of the columns that are not 0, as bf16: 255 * 2^16, 255 * 2^8, 255. Their sum is 2^24 - 1, the last that fp32 holds
 *  with all whole numbers before it. */
constexpr std::array<uint16_t, 3> kParts = {0x4b7f, 0x477f, 0x437f};

/** Weight (n, k): all of the columns of kParts are +1 in row 0 of W, -1 in row 1, and any in the others. */
int weight(int64_t n, int64_t k) {
  if (n < 2) return n == 0 ? 1 : -1;
  return static_cast<int>((n * 7 + k * 5) % 3) - 1;
}

/** x (m, k) is part k + m of kParts, in turns. */
uint16_t part(int64_t m, int64_t k) { return kParts[static_cast<size_t>((m + k) % 3)]; }

/** X [kRows, kColumns] as bf16, three columns of each row. */
std::vector<uint16_t> planes() {
  std::vector<uint16_t> x(kRows * kColumns);
  for (int64_t m = 0; m < kRows; ++m) {
    for (int64_t k = 0; k < 3; ++k) x[m * kColumns + 40 * k] = part(m, k);
  }
  return x;
}

std::vector<uint8_t> codes() {
  std::vector<uint8_t> i2s(kOutputs * kColumns / 4), top2(cuda_layout_bytes(CudaLayout::top2, kOutputs, kColumns));
  for (int64_t n = 0; n < kOutputs; ++n) {
    for (int64_t k = 0; k < kColumns; ++k) {
      i2s[n * kColumns / 4 + k / 4] |= static_cast<uint8_t>((weight(n, k / 40) + 1) << k % 4 * 2);
    }
  }
  cuda_panel_from_i2s(CudaLayout::top2, i2s.data(), kOutputs, kColumns, top2.data());
  return top2;
}

/** Whether the kernel gives the sums. */
bool gives_sums(const CudaDevice& device, const CudaKernel& kernel) {
  const std::vector<uint8_t> w = codes();
  const std::vector<uint16_t> x = planes();
  const std::vector<float> ones(kOutputs, 1.0f);
  std::vector<float> y(kRows * kOutputs);
  const CudaStream stream(device);
  const CudaMemory device_w(device, static_cast<int64_t>(w.size())), device_x(device, kRows * kColumns * 2),
      device_y(device, kRows * kOutputs * 4), scales = sent_floats(device, stream, ones.data(), kOutputs, kOutputs);
  stream.send(device_w.get(), w.data(), device_w.bytes());
  stream.send(device_x.get(), x.data(), device_x.bytes());
  CudaProblem problem = {};
  problem.M = kRows, problem.N = kOutputs, problem.K = kColumns;
  problem.y_dtype = TERNARY_F32;
  problem.planes = problem.splits = 1;
  problem.sm_count = device.sm_count;
  problem.shared_bytes = device.shared_bytes;
  CudaPlan plan;
  CudaGemmTask task = {};
  task.planes = reinterpret_cast<const uint16_t*>(device_x.get());
  task.ld_plane = kColumns;
  task.plane_count = 1;
  task.s = task.alpha = reinterpret_cast<const float*>(scales.get());
  task.w = device_w.get();
  task.y = device_y.get();
  task.y_dtype = TERNARY_F32;
  task.ldy = kOutputs;
  task.M = kRows, task.N = kOutputs, task.K = kColumns;
  if (kernel.plan(problem, &plan) != Reason::none) return false;
  check_cuda(*device.cuda, kernel.gemm(task, plan, {stream.get(), false}), kernel.file);
  stream.fetch(y.data(), device_y.get(), device_y.bytes());
  stream.wait();
  for (int64_t m = 0; m < kRows; ++m) {
    for (int64_t n = 0; n < kOutputs; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < 3; ++k) sum += double{bf16_to_float(part(m, k))} * weight(n, k);
      if (double{y[m * kOutputs + n]} != sum) return false;
    }
  }
  return true;
}

Top2Kernels checked(const CudaDevice& device) {
  auto found = Top2Kernels::none;
  const CudaDeviceScope scope(device);
  device.each_kernel([&](const CudaKernel& kernel, const CudaBackend&) {
    if (kernel.layout != CudaLayout::top2 || kernel.stage != CudaStage::gemm_a8 || found == Top2Kernels::wrong) return;
    try {
      found = gives_sums(device, kernel) ? Top2Kernels::right : Top2Kernels::wrong;
    } catch (const Failure&) {
      found = Top2Kernels::wrong;  // the next call meets the device's error, if it stays
    }
  });
  return found;
}

}  // namespace

Top2Kernels check_top2_kernels(const CudaDevice& device) {
  static Mutex mutex;
  static std::map<int, Top2Kernels> devices;
  const MutexLock lock(mutex);
  const auto known = devices.find(device.ordinal);
  if (known != devices.end()) return known->second;
  return devices[device.ordinal] = checked(device);
}

}  // namespace ternary
