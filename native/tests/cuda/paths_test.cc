// The path of every op, activation, layout and number of rows of X, by name, and refusals that need another device.
// What the cost model chooses differs by architecture and shape (cost_model_test.cc); of this shape it is the same for
// all, but that sm_103a, whose int8 mma is slow, prefers dp4a for two rows of I2S where it has no fused kernel.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/cuda/device_problem.h"
#include "support/cuda/softgpu_property.h"

namespace ternary::test {
namespace {

ProblemSpec spec_of(ternary_activation activation, int64_t M, int64_t N = 272, int64_t K = 320) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.x_dtype = TERNARY_BF16;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.seed = static_cast<uint64_t>(M);
  return spec;
}

/** Runs once on a fresh runtime, checks Y and returns the counters without ".cuda.<arch>" in their keys. */
Counters run_once(const std::string& settings, const ProblemSpec& spec, ternary_layout layout) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda\n" + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  const Problem problem(spec);
  Output got = problem.output();
  EXPECT_EQ(problem.run(runtime.get(), problem.layer(layout).get(), got), TERNARY_OK) << ternary_last_error();
  // Where M is large the oracle takes longer than the software GPU, and other tests compare every kernel with it.
  EXPECT_EQ(spec.M > 65 ? "" : problem.verdict(got, problem.expected()), "");
  const Counters full = counters_of(runtime.get());
  Counters counters;
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  const auto without_gpu = [&](const std::string& key) {
    const size_t at = key.find(gpu);
    EXPECT_NE(at, std::string::npos) << key;
    return at == std::string::npos ? key : key.substr(0, at) + key.substr(at + gpu.size());
  };
  for (const auto& [key, n] : full.paths) counters.paths[without_gpu(key)] = n;
  for (const auto& [key, n] : full.fallbacks) counters.fallbacks[without_gpu(key)] = n;
  return counters;
}

/** Kernels for so many rows of X, "%" for the layout: A8 where the norm may be part of it or not, and A16. */
struct Expected {
  int64_t M;
  const char *a8, *a8_two_passes, *a16;
};
constexpr Expected kExpected[] = {{1, "gemv_fused_%_dp4a", "gemv_a8_%_dp4a", "gemm_a16_%"},
                                  {2, "gemv_fused_%_mma", "gemv_a8_%_mma", "gemm_a16_%"},
                                  {8, "gemv_a8_%_mma", "gemv_a8_%_mma", "gemm_a16_%"},
                                  {9, "gemv_a8_%_mma", "gemv_a8_%_mma", "gemm_a16_%"},
                                  {16, "gemv_a8_%_mma", "gemv_a8_%_mma", "gemm_a16_%"},
                                  {17, "gemm_a8_%", "gemm_a8_%", "gemm_a16_%"},
                                  {64, "gemm_a8_%", "gemm_a8_%", "gemm_a16_%"},
                                  {65, "gemm_a8_%", "gemm_a8_%", "gemm_a16_%"},
                                  {512, "gemm_a8_%", "gemm_a8_%", "gemm_a16_%"}};

std::string named(std::string kernel, ternary_layout layout) {
  return kernel.replace(kernel.find('%'), 1, layout == TERNARY_LAYOUT_T5_TILED ? "t5" : "i2s");
}

/** Which kernel of T5 takes one row is the model's matter: they are within some hundredths, the order differs by device. */
Counts with_one_row_by_dp4a(const Counts& paths, const ProblemSpec& spec) {
  if (spec.M > 1) return paths;
  Counts named;
  for (const auto& [path, count] : paths) {
    std::string name = path;
    const size_t at = name.find("_t5_mma");
    if (at != std::string::npos && name.find("gemv") != std::string::npos) name.replace(at, 7, "_t5_dp4a");
    named[name] = count;
  }
  return named;
}

TEST(CudaPaths, EveryOpActivationLayoutAndM) {
  if (softgpu<decltype(softgpu_set_device)>("softgpu_set_device") == nullptr) return;  // a GPU may have another clock
  const RuntimeHandle any = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(any, nullptr) << ternary_last_error();
  const bool slow_mma = arch_of(any.get()) == "sm103a";
  for (const Expected& expected : kExpected) {
    for (const ternary_layout layout : kLayouts) {
      if (expected.M > 65 && layout == TERNARY_LAYOUT_I2S) continue;
      for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
        const bool a8 = activation == TERNARY_A8;
        ProblemSpec spec = spec_of(activation, expected.M);
        const std::string kernel = named(a8 ? expected.a8 : expected.a16, layout);
        const Counters linear = run_once("", spec, layout);
        EXPECT_EQ(with_one_row_by_dp4a(linear.paths, spec), (Counts{{"linear." + kernel, 1}})) << expected.M;
        EXPECT_EQ(linear.fallbacks, Counts());
        // Seconds. Rows of I2S and tiles of it are the same on a GPU.
        if (expected.M > 64 || layout == TERNARY_LAYOUT_I2S) continue;
        spec.norm = true;
        const Counters in_one = run_once("", spec, layout);
        EXPECT_EQ(with_one_row_by_dp4a(in_one.paths, spec), (Counts{{"rmsnorm_linear." + kernel, 1}})) << expected.M;
        EXPECT_EQ(in_one.fallbacks, Counts());
        const Counters two = run_once("TERNARY_FUSE_RMSNORM_QKV=0", spec, layout);
        std::string second = named(a8 ? expected.a8_two_passes : expected.a16, layout);
        if (slow_mma && a8 && expected.M == 2 && layout == TERNARY_LAYOUT_I2S_TILED) second = "gemv_a8_i2s_dp4a";
        EXPECT_EQ(with_one_row_by_dp4a(two.paths, spec), (Counts{{"rmsnorm.activations", 1}, {"linear." + second, 1}}))
            << expected.M;
        EXPECT_EQ(two.fallbacks, Counts());
      }
    }
  }
}

TEST(CudaPaths, TheDenseKernelServesEveryMThatIsSkipped) {
  for (const int64_t M : {2, 8, 9, 16, 17, 64, 65, 512}) {
    for (const ternary_layout layout : kLayouts) {
      const Counters counters = run_once("TERNARY_PREFILL_SKIP_M=1", spec_of(TERNARY_A8, M, 40), layout);
      EXPECT_EQ(counters.paths, (Counts{{"linear.gemm_a8_dense", 1}})) << M;
      const std::string gemm = named("linear.gemm_a8_%", layout), few = named("linear.gemv_fused_%_mma", layout);
      EXPECT_EQ(counters.fallbacks.count(gemm + ":setting"), 1u) << M;
      EXPECT_EQ(counters.fallbacks.count(few + ":setting"), M <= 16 ? 1u : 0u) << M;
    }
  }
}

TEST(CudaPaths, QuantiseActivations) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const std::string path = "quantise_activations.activations.cuda." + arch_of(runtime.get());
  uint64_t calls = 0;
  for (const Expected& expected : kExpected) {
    const Problem problem(spec_of(TERNARY_A8, expected.M, 1, 100));
    std::vector<int8_t> q(expected.M * 100);
    std::vector<float> s(expected.M);
    const ternary_quantise_operands o =
        quantised(problem.x.data(), TERNARY_BF16, 100, q.data(), 100, s.data(), expected.M, 100);
    ASSERT_EQ(ternary_quantise(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(counters_of(runtime.get()).paths, (Counts{{path, ++calls}}));
  }
  EXPECT_EQ(counters_of(runtime.get()).fallbacks, Counts());
}

// A row made in a kernel's own shared memory takes 13.3 KiB there at this K, made by the activations kernel 9.3.
TEST(CudaPaths, SharedMemoryThatIsTooSmallIsCounted) {
  const SoftgpuProperty small("shared_opt_in", cudaDevAttrMaxSharedMemoryPerBlockOptin, 12 << 10);
  if (!small.is_set()) return;
  const Counters counters = run_once("", spec_of(TERNARY_A8, 1, 40, 2000), TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(counters.fallbacks.count("linear.gemv_fused_i2s_dp4a:shared_memory"), 1u);
  ASSERT_EQ(counters.paths.size(), 1u);
  EXPECT_EQ(counters.paths.begin()->first.rfind("linear.gemv_a8_i2s_", 0), 0u) << counters.paths.begin()->first;
}

}  // namespace
}  // namespace ternary::test
