// What a product that was made before costs the host: no plan, no memory, no question to the device but those that
// nothing may be remembered of: the capture, the stream's device and identity, the current device, one for each operand.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "support/allocations.h"
#include "support/cuda/device_problem.h"
#include "support/cuda/launches.h"
#include "support/cuda/softgpu_property.h"

namespace ternary::test {
namespace {

using Calls = std::map<std::string, uint64_t>;

uint64_t plans_made(const ternary_runtime* runtime) {
  const std::string json = counters_json_of(runtime), key = "\"plans_made\":";
  return std::stoull(json.substr(json.find(key) + key.size()));
}

/** Functions of CUDA that the body calls; empty on a GPU, which does not count. */
template <typename Body>
Calls calls_of(Body body) {
  const auto reset = softgpu<decltype(softgpu_reset_counters)>("softgpu_reset_counters");
  const auto visit = softgpu<decltype(softgpu_visit_calls)>("softgpu_visit_calls");
  Calls calls;
  if (reset != nullptr) reset();
  body();
  if (visit != nullptr) {
    visit([](void* all, const char* function, uint64_t count) { (*static_cast<Calls*>(all))[function] = count; },
          &calls);
  }
  return calls;
}

/** The same body, after it has run before: what it calls, that it allocates nothing, and that no plan is made. */
template <typename Body>
Calls repeated(const ternary_runtime* runtime, Body body) {
  ignored = softgpu<int()>("softgpu_is_inside");
  for (int i = 0; i < 2; ++i) body();
  const uint64_t plans = plans_made(runtime);
  const Calls calls = calls_of(body);
  if (ignored != nullptr) {  // CUDA's own may do as it likes
    const int64_t before = allocations_of_thread();
    body();
    EXPECT_EQ(allocations_of_thread() - before, 0);
  }
  EXPECT_EQ(plans_made(runtime), plans);
  return calls;
}

struct Case {
  const char* name;
  ProblemSpec spec;
  uint64_t operands, kernels;
};

std::vector<Case> cases() {
  std::vector<Case> all = {{"one row", plain_spec(TERNARY_A8, 1, 300, 700), 2, 0},
                           {"eight rows", plain_spec(TERNARY_A8, 8, 300, 700), 2, 0},
                           {"many rows", plain_spec(TERNARY_A8, 100, 300, 700), 2, 2},
                           {"A16", plain_spec(TERNARY_A16, 3, 300, 700), 2, 2},
                           {"norm", plain_spec(TERNARY_A8, 3, 300, 700), 4, 0}};
  all.back().spec.norm = true;
  all.back().spec.residual = TERNARY_BF16;
  return all;
}

/** By settings. */
class CudaHostCalls : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (cutlass() && !has_cutlass(runtime.get())) GTEST_SKIP() << "the device has no libternary_cutlass";
  }
  static bool cutlass() { return *GetParam() != 0; }

  RuntimeHandle runtime = make_runtime(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Of, CudaHostCalls, testing::Values("", "TERNARY_CUTLASS=1"),
                         [](const auto& settings) { return *settings.param != 0 ? "Cutlass" : "Bitnet"; });

TEST_P(CudaHostCalls, OfAProductOnTheDevice) {
  for (const Case& c : cases()) {
    const Problem problem(c.spec);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    DeviceProblem there(problem);
    const Stream stream;
    for (const bool own : {false, true}) {
      const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), c.spec.M);
      const ternary_cuda_call call = own ? call_of(stream, workspace) : call_of(stream);
      Calls calls = repeated(runtime.get(), [&] {
        ASSERT_EQ(there.start(runtime.get(), layer.get(), call), TERNARY_OK) << ternary_last_error();
      });
      stream.wait();
      EXPECT_EQ(problem.verdict(there.fetch(), problem.expected()), "") << c.name;
      if (calls.empty()) continue;
      const uint64_t kernels = calls["cudaLaunchKernelExC"];
      EXPECT_GE(kernels, 1u) << c.name;
      EXPECT_LE(kernels, 2u) << c.name;
      if (c.kernels > 0) {
        EXPECT_EQ(kernels, c.kernels) << c.name;
      }
      Calls allowed = {{"cudaLaunchKernelExC", kernels},
                       {"cudaGetDevice", 1},
                       {"cudaThreadExchangeStreamCaptureMode", 2},
                       {"cudaStreamGetDevice", 1},
                       {"cudaStreamIsCapturing", 1},
                       {"cudaPointerGetAttributes", c.operands + own}};
      if (!own) allowed["cudaStreamGetId"] = 1;
      if (cutlass()) allowed["cuTensorMapEncodeTiled"] = 2;  // of W and of X
      for (const auto& [function, count] : calls) {
        EXPECT_LE(count, allowed[function]) << function << ", " << c.name << (own ? ", own workspace" : "");
      }
    }
  }
}

/** Every kernel of two calls is part of the stream's chain, and all but the first began before the one before it ended. */
TEST_P(CudaHostCalls, KernelsOfCallsAreLaunchedAsAChain) {
  int major = 0;
  must(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "capability");
  const bool pdl = major >= 9;
  for (const Case& c : cases()) {
    const Problem problem(c.spec);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    DeviceProblem there(problem);
    const Stream stream;
    const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), c.spec.M);
    const ternary_cuda_call call = call_of(stream, workspace);
    ASSERT_EQ(there.start(runtime.get(), layer.get(), call), TERNARY_OK) << ternary_last_error();
    stream.wait();
    forget_launches();
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(there.start(runtime.get(), layer.get(), call), TERNARY_OK) << ternary_last_error();
    }
    stream.wait();
    const std::vector<SeenLaunch> seen = seen_launches();
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].programmatic, pdl) << c.name << ", " << i << ": " << seen[i].kernel;
      EXPECT_EQ(seen[i].began_early, pdl && i > 0) << c.name << ", " << i << ": " << seen[i].kernel;
      EXPECT_EQ(seen[i].let_dependents_start, pdl && i > 0) << c.name << ", " << i << ": " << seen[i].kernel;
    }
  }
}

TEST_P(CudaHostCalls, OfAProductOnTheHost) {
  for (const Case& c : cases()) {
    const Problem problem(c.spec);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    Output got = problem.output();
    const ternary_operands operands = problem.operands(got, 0, c.spec.M);
    const Calls calls = repeated(runtime.get(), [&] {
      ASSERT_EQ(ternary_apply(runtime.get(), layer.get(), &operands), TERNARY_OK) << ternary_last_error();
    });
    EXPECT_EQ(problem.verdict(got, problem.expected()), "") << c.name;
    for (const auto& [function, count] : calls) {
      const bool asks = function.find("Attribute") != std::string::npos && function != "cudaPointerGetAttributes";
      EXPECT_FALSE(asks || function.find("Malloc") != std::string::npos) << function << ", " << c.name;
      EXPECT_LE(count, c.operands + 2) << function << ", " << c.name;
    }
  }
}

TEST_P(CudaHostCalls, ALayerGivesTheDevicesMemoryBack) {
  const auto leaks = softgpu<decltype(softgpu_leaks)>("softgpu_leaks");
  if (leaks == nullptr) return;  // a GPU does not tell
  Problem problem(plain_spec(TERNARY_A8, 3, 300, 700));
  const auto use = [&] {
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
  };
  use();  // the runtime keeps a workspace and a lane
  const int before = leaks(0);
  for (int i = 0; i < 3; ++i) use();
  EXPECT_EQ(leaks(0), before);
}

}  // namespace
}  // namespace ternary::test
