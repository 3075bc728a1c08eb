// Launches: results, configurations that are refused, faults, counters.
#include <xmmintrin.h>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

class LaunchTest : public RuntimeTest {};

TEST_F(LaunchTest, AKernelWithConstantsComputesWhatTheHostComputes) {
  constexpr int n = 1000;
  std::vector<float> x(n), y(n), expected(n);
  for (int i = 0; i < n; ++i) {
    x[i] = 0.37f * static_cast<float>(i) - 100;
    y[i] = 1.0f / static_cast<float>(i + 1);
    volatile float product = 1.1f * static_cast<float>(i % 4 + 1);
    expected[i] = __builtin_fmaf(product, x[i], y[i]);
  }
  float *dx = nullptr, *dy = nullptr;
  ASSERT_CUDA(cudaMalloc(reinterpret_cast<void**>(&dx), n * sizeof(float)));
  ASSERT_CUDA(cudaMalloc(reinterpret_cast<void**>(&dy), n * sizeof(float)));
  ASSERT_CUDA(cudaMemcpy(dx, x.data(), n * sizeof(float), cudaMemcpyHostToDevice));
  ASSERT_CUDA(cudaMemcpy(dy, y.data(), n * sizeof(float), cudaMemcpyHostToDevice));
  ASSERT_CUDA(launch_axpy(n, 1.1f, dx, dy, nullptr));
  ASSERT_CUDA(cudaMemcpy(y.data(), dy, n * sizeof(float), cudaMemcpyDeviceToHost));
  EXPECT_EQ(y, expected);
  EXPECT_CUDA(cudaFree(dx));
  EXPECT_CUDA(cudaFree(dy));
}

TEST_F(LaunchTest, TheCallersFloatingPointEnvironmentIsNotTheDevices) {
  const float denormal = 1e-40f;
  float* x = reinterpret_cast<float*>(device_ints({0}));
  float* y = reinterpret_cast<float*>(device_ints({0}));
  ASSERT_CUDA(cudaMemcpy(x, &denormal, sizeof denormal, cudaMemcpyHostToDevice));
  const unsigned caller = _mm_getcsr();
  _mm_setcsr(caller | 0x8040);  // flush to zero, denormals are zero
  const cudaError_t launched = launch_axpy(1, 1, x, y, nullptr);
  const cudaError_t ran = cudaDeviceSynchronize();
  const unsigned after = _mm_getcsr();
  _mm_setcsr(caller);
  ASSERT_CUDA(launched);
  ASSERT_CUDA(ran);
  EXPECT_EQ(after & 0x8040, 0x8040u);
  float result = 0;
  ASSERT_CUDA(cudaMemcpy(&result, y, sizeof result, cudaMemcpyDeviceToHost));
  EXPECT_EQ(result, denormal);
}

TEST_F(LaunchTest, VariablesKeepTheirValueBetweenLaunches) {
  int visits = -1;
  ASSERT_CUDA(launch_visit(100, nullptr));
  ASSERT_CUDA(launch_visit(11, nullptr));
  ASSERT_CUDA(cudaMemcpyFromSymbol(&visits, kVisits, sizeof visits, 0, cudaMemcpyDeviceToHost));
  EXPECT_EQ(visits, 111);
  reset();
  ASSERT_CUDA(cudaMemcpyFromSymbol(&visits, kVisits, sizeof visits, 0, cudaMemcpyDeviceToHost));
  EXPECT_EQ(visits, 0);
}

TEST_F(LaunchTest, DynamicSharedMemoryHasItsLimits) {
  constexpr int n = 512;
  const int* from = device_ints(counting(n, 0));
  int* to = unwritten_ints(n);
  ASSERT_CUDA(launch_reverse(n, from, to, n * sizeof(int), nullptr));
  EXPECT_EQ(host_ints(to, n)[3], n - 4);
  EXPECT_CUDA_ERROR(launch_reverse(n, from, to, 49 * 1024, nullptr), cudaErrorInvalidValue);
  int opt_in = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&opt_in, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  EXPECT_CUDA_ERROR(cudaFuncSetAttribute(kReverse, cudaFuncAttributeMaxDynamicSharedMemorySize, opt_in + 1),
                    cudaErrorInvalidValue);
  ASSERT_CUDA(cudaFuncSetAttribute(kReverse, cudaFuncAttributeMaxDynamicSharedMemorySize, opt_in));
  EXPECT_CUDA(launch_reverse(n, from, to, static_cast<size_t>(opt_in), nullptr));
  EXPECT_CUDA(cudaDeviceSynchronize());
  int ctas = 0;
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, kReverse, n, static_cast<size_t>(opt_in)));
  EXPECT_EQ(ctas, 1);
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, kReverse, n, n * sizeof(int)));
  EXPECT_EQ(ctas, 4);  // 2048 threads
}

TEST_F(LaunchTest, SharedMemoryThatWasNotAskedForIsAFault) {
  constexpr int n = 64;
  ASSERT_CUDA(launch_reverse(n, device_ints(counting(n, 0)), unwritten_ints(n), n * sizeof(int) - 4, nullptr));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_TRUE(has(fault(), "reverse")) << fault();
}

TEST_F(LaunchTest, ConfigurationsAreChecked) {
  int* to = unwritten_ints(2048);
  EXPECT_CUDA_ERROR(launch_bounded(0, to, nullptr), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);  // the launcher took it
  EXPECT_CUDA_ERROR(launch_bounded(1025, to, nullptr), cudaErrorInvalidConfiguration);
  EXPECT_CUDA_ERROR(launch_bounded(65, to, nullptr), cudaErrorLaunchOutOfResources);
  EXPECT_CUDA(launch_bounded(64, to, nullptr));
  EXPECT_CUDA(cudaDeviceSynchronize());
  cudaFuncAttributes attributes;
  ASSERT_CUDA(cudaFuncGetAttributes(&attributes, kBounded));
  EXPECT_EQ(attributes.maxThreadsPerBlock, 64);
  EXPECT_EQ(cudaFuncGetAttributes(&attributes, to), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(LaunchTest, AFaultStaysUntilTheDeviceIsReset) {
  const int* from = device_ints(counting(64, 0));
  int* to = unwritten_ints(63);
  ASSERT_CUDA(launch_add_one(64, from, to, nullptr));  // nothing has run yet
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  void* pointer = nullptr;
  EXPECT_CUDA_ERROR(cudaMalloc(&pointer, 4), cudaErrorIllegalAddress);
  EXPECT_CUDA_ERROR(launch_add_one(63, from, to, nullptr), cudaErrorIllegalAddress);
  for (const char* part : {"add_one", "st.global", "252 bytes"}) EXPECT_TRUE(has(fault(), part)) << fault();
  reset();
  EXPECT_CUDA(cudaMalloc(&pointer, 4));
  EXPECT_CUDA(cudaFree(pointer));
}

TEST_F(LaunchTest, MisalignedUnwrittenAndFreedMemoryAreFaults) {
  int* to = unwritten_ints(1);
  ASSERT_CUDA(launch_read_at(reinterpret_cast<const char*>(device_ints({1, 2})) + 2, to, nullptr));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
  reset();
  ASSERT_CUDA(launch_read_at(reinterpret_cast<const char*>(unwritten_ints(1)), unwritten_ints(1), nullptr));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_TRUE(has(fault(), "nothing has written")) << fault();
  reset();
  to = unwritten_ints(1);
  int* freed = nullptr;
  ASSERT_CUDA(cudaMalloc(reinterpret_cast<void**>(&freed), 4));
  ASSERT_CUDA(cudaFree(freed));
  ASSERT_CUDA(launch_read_at(reinterpret_cast<const char*>(freed), to, nullptr));
  EXPECT_CUDA_ERROR(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_TRUE(has(fault(), "freed")) << fault();
}

TEST_F(LaunchTest, CountersAddUpLaunchesOfAKernel) {
  constexpr int n = 256;
  const int* from = device_ints(counting(n, 0));
  int* to = unwritten_ints(n);
  ASSERT_EQ(SOFTGPU(softgpu_reset_counters)(), 0);
  ASSERT_CUDA(launch_add_one(n, from, to, nullptr));
  ASSERT_CUDA(launch_add_one(n, from, to, nullptr));
  softgpu_counters counters;
  ASSERT_EQ(SOFTGPU(softgpu_read_counters)("add_one", &counters), 1);
  EXPECT_EQ(counters.launches, 2u);
  EXPECT_EQ(counters.ctas, 2u * n / 64);
  EXPECT_EQ(counters.bytes, 2u * 2 * n * sizeof(int));  // read and written
  EXPECT_EQ(counters.sectors, counters.bytes / 32);     // whole sectors
  EXPECT_EQ(counters.requests, 2u * 2 * n / 32);
  EXPECT_EQ(SOFTGPU(softgpu_read_counters)("no such kernel", &counters), 0);
  uint64_t loads = 0;
  const auto visit = [](void* sum, const softgpu_line* line) {
    if (std::string(line->opcode).rfind("ld.global", 0) == 0) *static_cast<uint64_t*>(sum) += line->issued;
  };
  ASSERT_EQ(SOFTGPU(softgpu_visit_lines)("add_one", visit, &loads), 0);
  EXPECT_EQ(loads, 2u * n / 32);
}

TEST_F(LaunchTest, ClustersHaveRanksWhereThereAreClusters) {
  int* to = unwritten_ints(8);
  if (capability() < 9) {
    EXPECT_CUDA_ERROR(launch_cluster_ranks(8, 4, to, nullptr), cudaErrorNotSupported);
    return;
  }
  EXPECT_CUDA_ERROR(launch_cluster_ranks(6, 4, to, nullptr), cudaErrorInvalidClusterSize);
  ASSERT_CUDA(launch_cluster_ranks(8, 4, to, nullptr));
  EXPECT_EQ(host_ints(to, 8), (std::vector<int>{0, 1, 2, 3, 0, 1, 2, 3}));
}

TEST_F(LaunchTest, ADeviceRunsThePtxThatIsMeantForIt) {
  int* to = unwritten_ints(64);
  const std::string was = capability() == 8 ? "80" : capability() == 9 ? "90" : "100";
  const std::pair<const char*, int> fits[] = {{"86", 80},   {"89", 80},   {"90", 90},
                                              {"100", 100}, {"103", 100}, {"120", 80}};
  for (const auto& [device, ptx] : fits) {
    ASSERT_EQ(SOFTGPU(softgpu_set_device)(0, "arch", device), 0);
    cudaFuncAttributes attributes;
    ASSERT_CUDA(cudaFuncGetAttributes(&attributes, kBounded)) << device;
    EXPECT_EQ(attributes.ptxVersion, ptx) << device;
    EXPECT_EQ(attributes.numRegs > 0, device[0] == '8') << device;  // there is machine code for sm_80 alone
    ASSERT_CUDA(launch_bounded(64, to, nullptr));
    EXPECT_EQ(host_ints(to, 64)[63], 63);
  }
  EXPECT_EQ(SOFTGPU(softgpu_set_device)(0, "arch", "75"), -1);
  ASSERT_EQ(SOFTGPU(softgpu_set_device)(0, "arch", was.c_str()), 0);
}

}  // namespace
}  // namespace ternary::softgpu
