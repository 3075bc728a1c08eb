// What a GPU runtime says of its device, two devices, weights that outlive runtimes, a device that faults, and machines
// on which something is missing. Suites CudaNo..., CudaOther... and CudaFault run in processes of their own, see
// CMakeLists.txt.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

Problem small_problem() {
  ProblemSpec spec;
  spec.M = 2;
  spec.N = 40;
  spec.K = 200;
  spec.kind = TERNARY_ALPHA_ROW;
  return Problem(spec);
}

void expect_right(ternary_runtime* runtime, const Problem& problem, const ternary_layer* layer) {
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime, layer, got), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(problem.verdict(got, problem.expected()), "");
}

TEST(CudaDevice, InfoNamesTheDeviceAndItsLibrary) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  cudaDeviceProp properties;
  must(cudaGetDeviceProperties(&properties, 0), "properties");
  const std::string info = info_of(runtime.get());
  const std::string capability = std::to_string(properties.major) + "." + std::to_string(properties.minor);
  EXPECT_NE(info.find("\"cuda\":{\"used\":true,\"ordinal\":0,\"name\":\"" + std::string(properties.name) +
                      "\",\"capability\":\"" + capability + "\",\"library\":\"sm" + std::to_string(properties.major)),
            std::string::npos)
      << info;
  EXPECT_NE(info.find("\"warning\":\"\""), std::string::npos) << info;
  EXPECT_NE(info.find("\"sms\":" + std::to_string(properties.multiProcessorCount)), std::string::npos) << info;
  EXPECT_NE(info.find(".cuda.sm" + std::to_string(properties.major)), std::string::npos)
      << "kernels are listed: " << info;
}

TEST(CudaDevice, AutoTakesTheGpuThatIsThere) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=auto");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  EXPECT_NE(info_of(runtime.get()).find("\"cuda\":{\"used\":true"), std::string::npos);
}

TEST(CudaDevice, ADeviceThatIsNotThere) {
  EXPECT_EQ(make_runtime("TERNARY_DEVICE=cuda:63"), nullptr);
  EXPECT_NE(std::string(ternary_last_error()).find("there is no CUDA device 63"), std::string::npos)
      << ternary_last_error();
}

TEST(CudaDevice, WeightsAreSharedByRuntimesAndOutliveThem) {
  const Problem problem = small_problem();
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_T5_TILED);
  for (int round = 0; round < 2; ++round) {
    const RuntimeHandle gpu = make_runtime("TERNARY_DEVICE=cuda"), cpu = make_runtime("TERNARY_DEVICE=cpu");
    expect_right(gpu.get(), problem, layer.get());
    expect_right(cpu.get(), problem, layer.get());
  }
}

TEST(CudaDevice, ThreadsThatMeetUnpreparedWeightsAtOnce) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  const Problem problem = small_problem();
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { expect_right(runtime.get(), problem, layer.get()); });
  for (std::thread& thread : threads) thread.join();
}

TEST(CudaTwoDevices, EachHasItsOwnCopyAndTheCallersDeviceStays) {
  int count = 0;
  must(cudaGetDeviceCount(&count), "count");
  if (count < 2 && std::getenv("SOFTGPU_ARCH") == nullptr) GTEST_SKIP() << "this machine has one GPU";
  ASSERT_GE(count, 2);
  const RuntimeHandle first = make_runtime("TERNARY_DEVICE=cuda:0"), second = make_runtime("TERNARY_DEVICE=cuda:1");
  ASSERT_NE(second, nullptr) << ternary_last_error();
  const Problem problem = small_problem();
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  must(cudaSetDevice(0), "device 0");
  expect_right(first.get(), problem, layer.get());
  expect_right(second.get(), problem, layer.get());
  int current = -1;
  must(cudaGetDevice(&current), "current");
  EXPECT_EQ(current, 0);
  const DeviceProblem device(problem);  // in the memory of device 0
  const ternary_cuda_call call = {};
  EXPECT_EQ(device.start(second.get(), layer.get(), call), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("memory of device 0; it must be of the runtime's, 1"),
            std::string::npos)
      << ternary_last_error();
  const Stream stream;
  EXPECT_EQ(device.start(second.get(), layer.get(), call_of(stream)), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("the stream belongs to device 0"), std::string::npos)
      << ternary_last_error();
}

/** `cuda` is refused with the words, and `auto` runs on the CPU and says them. */
void expect_missing(const std::string& words) {
  ternary_runtime* runtime = nullptr;
  EXPECT_EQ(ternary_runtime_create("TERNARY_DEVICE=cuda", &runtime), TERNARY_UNSUPPORTED);
  EXPECT_EQ(runtime, nullptr);
  EXPECT_NE(std::string(ternary_last_error()).find("TERNARY_DEVICE is \"cuda\": "), std::string::npos);
  EXPECT_NE(std::string(ternary_last_error()).find(words), std::string::npos) << ternary_last_error();
  const RuntimeHandle on_cpu = make_runtime("TERNARY_DEVICE=auto");
  ASSERT_NE(on_cpu, nullptr) << ternary_last_error();
  const std::string info = info_of(on_cpu.get());
  const size_t at = info.find("\"cuda\":{\"used\":false,\"reason\":\"");
  ASSERT_NE(at, std::string::npos) << info;
  EXPECT_NE(info.find(words, at), std::string::npos) << info;
  const Problem problem = small_problem();
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  expect_right(on_cpu.get(), problem, layer.get());
}

TEST(CudaNoDevice, IsSaid) { expect_missing("the machine has no CUDA device that this process may use"); }

TEST(CudaOldDriver, IsSaid) { expect_missing("the NVIDIA driver is too old: it is for CUDA 12"); }

TEST(CudaNoLibrary, IsSaidAndCounted) {
  expect_missing("is needed beside libternary.so, which has none");
  const RuntimeHandle on_cpu = make_runtime("TERNARY_DEVICE=auto");
  EXPECT_EQ(counters_of(on_cpu.get()).fallbacks, (Counts{{"device.cuda:no_library", 1}}));
}

/** A capability in whose range a library is, but not in its family: CUDA tells only when a kernel is loaded. */
constexpr const char* kNoCode = "(compute capability 10.1) does not run libternary_bitnet_sm100f.so: ";
constexpr const char* kPtxOfSm80 = "the PTX of libternary_bitnet_sm80.so";

TEST(CudaOtherCapability, AutoTakesTheCpuAndSaysWhy) {
  const RuntimeHandle on_cpu = make_runtime("TERNARY_DEVICE=auto");
  ASSERT_NE(on_cpu, nullptr) << ternary_last_error();
  const std::string info = info_of(on_cpu.get());
  for (const std::string& words : {std::string("\"cuda\":{\"used\":false,\"reason\":\""), std::string(kNoCode),
                                   std::string("cudaErrorNoKernelImageForDevice"),
                                   std::string("TERNARY_DEVICE=cuda would have the driver compile ") + kPtxOfSm80}) {
    EXPECT_NE(info.find(words), std::string::npos) << words << " in " << info;
  }
  EXPECT_EQ(counters_of(on_cpu.get()).fallbacks, (Counts{{"device.cuda:no_library", 1}}));
  const Problem problem = small_problem();
  expect_right(on_cpu.get(), problem, problem.layer(TERNARY_LAYOUT_I2S_TILED).get());
}

TEST(CudaOtherCapability, CudaCompilesThePtxOfSm80AndWarns) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const std::string info = info_of(runtime.get());
  for (const std::string& words : {std::string("\"library\":\"sm80\""), std::string(kNoCode),
                                   "the driver has compiled " + std::string(kPtxOfSm80)}) {
    EXPECT_NE(info.find(words), std::string::npos) << words << " in " << info;
  }
  // Products in a chain, whose kernels would overtake each other were they launched as those of 9.0 and later are.
  const Stream stream;
  for (int64_t M : {1, 2, 20}) {
    ProblemSpec spec;
    spec.M = M;
    spec.N = spec.K = 160;
    spec.kind = TERNARY_ALPHA_ROW;
    const Problem problem(spec);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    const DeviceProblem device(problem);
    const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), M);
    for (int round = 0; round < 3; ++round) {
      ASSERT_EQ(device.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK)
          << ternary_last_error();
    }
    stream.wait();
    EXPECT_EQ(problem.verdict(device.fetch(), problem.expected()), "");
  }
}

TEST(CudaFault, IsReportedAndNeverLost) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  const Problem problem = small_problem();
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  expect_right(runtime.get(), problem, layer.get());
  const Stream stream;
  const ternary_cuda_call call = call_of(stream);
  // The second row of x lies beyond all addresses that a process can have. Just behind an allocation a GPU need not
  // fault: what it maps is larger. Y lies below x, since what is between the rows of x is x.
  constexpr int64_t kFar = int64_t{1} << 46, kYBytes = 2 * 40 * 4, kX = 512;
  static_assert(kYBytes <= kX);
  const DeviceBytes y(kX + 200 * 4);
  upload(y.as<char>() + kX, problem.x.data(), 200 * 4);
  ternary_operands o = product_of(y.as<char>() + kX, TERNARY_F32, kFar / 4, y.get(), TERNARY_F32, 40, 2);
  o.call = &call;
  EXPECT_EQ(ternary_apply_async(runtime.get(), layer.get(), &o), TERNARY_OK) << ternary_last_error();
  EXPECT_NE(cudaStreamSynchronize(stream.get()), cudaSuccess);
  for (int call_again = 0; call_again < 3; ++call_again) {
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_DEVICE_ERROR);
    EXPECT_NE(std::string(ternary_last_error()).find("cudaError"), std::string::npos) << ternary_last_error();
    EXPECT_EQ(got.y.anything_written(), "");
  }
}

}  // namespace
}  // namespace ternary::test
