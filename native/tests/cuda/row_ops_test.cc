// Activations by block, rotations and norms of heads through the C interface on a GPU: operands in host and in device
// memory, against the oracle with ==; which path serves, and which preferred one says why it does not.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu_runtime(const char* settings = "") {
  RuntimeHandle runtime = make_runtime(std::string("TERNARY_DEVICE=cuda\n") + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

TEST(CudaBlocks, RandomLayersOnHostMemory) {
  const RuntimeHandle runtime = gpu_runtime(), dense = gpu_runtime("TERNARY_PREFILL_SKIP_M=2");
  const int64_t count = samples(120);
  for (int64_t i = 0; i < count; ++i) {
    const Problem problem(random_block_spec(91000 + static_cast<uint64_t>(i), 40000));
    Output got = problem.output();
    const ternary_layout layout = kLayouts[i % static_cast<int64_t>(std::size(kLayouts))];
    ASSERT_EQ(problem.run((i % 5 == 4 ? dense : runtime).get(), problem.layer(layout).get(), got), TERNARY_OK)
        << ternary_last_error() << " in " << problem.spec().text();
    ASSERT_EQ(problem.verdict(got, problem.expected()), "") << "layout " << layout;
  }
}

TEST(CudaBlocks, LayersOnDeviceMemoryAndTheirWorkspace) {
  const RuntimeHandle runtime = gpu_runtime();
  for (const int64_t M : {1, 5, 33, 129}) {
    for (const int64_t rotation : {0, 64}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, M, 40, 640);
      spec.x_dtype = TERNARY_BF16;
      spec.block = 64;
      spec.rotation = rotation;
      spec.signs = rotation != 0;
      const Problem problem(spec);
      const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
      const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), M);
      const DeviceProblem there(problem);
      const Stream stream;
      ASSERT_EQ(there.start(runtime.get(), layer.get(), call_of(stream, workspace)), TERNARY_OK)
          << ternary_last_error();
      stream.wait();
      ASSERT_EQ(problem.verdict(there.fetch(), problem.expected()), "");
    }
  }
}

TEST(CudaBlocks, PathsSayTheBlockAndFusedRowsRefuseRotation) {
  const RuntimeHandle runtime = gpu_runtime();
  const std::string gpu = ".cuda." + arch_of(runtime.get());
  ProblemSpec spec = plain_spec(TERNARY_A8, 1, 272, 320);
  spec.x_dtype = TERNARY_BF16;
  spec.block = 64;
  const auto run = [&] {
    const Problem problem(spec);
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime.get(), problem.layer(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK)
        << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, problem.expected()), "");
    return std::string(ternary_last_path(runtime.get()));
  };
  const std::string plain = run();
  EXPECT_EQ(plain.rfind("linear.gemv_", 0), 0u) << plain;
  EXPECT_NE(plain.find(".block64" + gpu), std::string::npos) << plain;
  EXPECT_EQ(counters_of(runtime.get()).fallbacks, Counts());
  spec.rotation = 64;
  const std::string rotated = run();
  EXPECT_EQ(rotated.rfind("linear.gemv_a8_i2s_", 0), 0u) << rotated;
  EXPECT_NE(rotated.find(".block64" + gpu), std::string::npos) << rotated;
  if (plain.find("fused") == std::string::npos) return;
  const Counts fallbacks = counters_of(runtime.get()).fallbacks;
  EXPECT_GE(fallbacks.size(), 1u);
  for (const auto& [key, n] : fallbacks) EXPECT_NE(key.find(":rotation"), std::string::npos) << key;
}

TEST(CudaBlocks, QuantisedRows) {
  const RuntimeHandle runtime = gpu_runtime();
  const Stream stream;
  const ternary_cuda_call call = call_of(stream);
  const int64_t count = samples(60);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(92000 + static_cast<uint64_t>(i), 20000);
    spec.N = 1;
    spec.kind = TERNARY_ALPHA_COLUMN;
    spec.group = 0;
    if (spec.x_dtype == TERNARY_I8) spec.x_dtype = TERNARY_F16;
    const Problem p(spec);
    const int64_t M = spec.M, K = spec.K, scales = M * p.scales();
    std::vector<int8_t> expected(M * K), host_q(M * K), device_q(M * K);
    std::vector<float> expected_s(scales), host_s(scales), device_s(scales);
    const auto operands = [&](std::vector<int8_t>& q, std::vector<float>& s) {
      ternary_quantise_operands o = quantised(p.x.data(), spec.x_dtype, p.ldx(), q.data(), K, s.data(), M, K);
      o.x_scale = p.x_scale.empty() ? nullptr : p.x_scale.as<float>();
      o.alpha_column = i % 3 == 0 ? nullptr : p.alpha.as<float>();
      o.block = spec.block;
      o.rotation = spec.rotation;
      o.rotation_signs = p.signs.empty() ? nullptr : p.signs.as<float>();
      return o;
    };
    const ternary_quantise_operands wanted = operands(expected, expected_s), staged = operands(host_q, host_s);
    ASSERT_EQ(ternary_oracle_quantise(&wanted), TERNARY_OK) << ternary_last_error();
    ASSERT_EQ(ternary_quantise(runtime.get(), &staged), TERNARY_OK) << ternary_last_error();
    const DeviceBytes x(p.x.data(), p.x.bytes()), scale(p.x_scale.data(), p.x_scale.bytes()), q(M * K), s(scales * 4);
    const DeviceBytes alpha(p.alpha.data(), p.alpha.bytes()), signs(p.signs.data(), p.signs.bytes());
    ternary_quantise_operands there = staged;
    there.x = x.get();
    there.x_scale = scale.as<float>();
    if (there.alpha_column != nullptr) there.alpha_column = alpha.as<float>();
    there.rotation_signs = signs.as<float>();
    there.q = q.as<int8_t>();
    there.s = s.as<float>();
    there.call = &call;
    ASSERT_EQ(ternary_quantise_async(runtime.get(), &there), TERNARY_OK) << ternary_last_error();
    stream.wait();
    q.read(device_q.data());
    s.read(device_s.data());
    ASSERT_EQ(host_q, expected) << spec.text();
    ASSERT_EQ(device_q, expected) << spec.text();
    for (int64_t b = 0; b < scales; ++b) {
      ASSERT_TRUE(same_bits(TERNARY_F32, &host_s[b], &expected_s[b])) << b << " of " << spec.text();
      ASSERT_TRUE(same_bits(TERNARY_F32, &device_s[b], &expected_s[b])) << b << " of " << spec.text();
    }
  }
}

/** Bits of a matrix of a row operation: by itself, in the caller's memory of the host, and on the device. */
template <typename Operands, typename Place>
void check_in_place(const ternary_runtime* runtime, ternary_status (*oracle)(const Operands*),
                    ternary_status (*host)(ternary_runtime*, const Operands*),
                    ternary_status (*async)(ternary_runtime*, const Operands*), const std::vector<float>& data,
                    const std::vector<float>& vector, const Place& place) {
  auto* mutable_runtime = const_cast<ternary_runtime*>(runtime);
  std::vector<float> expected = data, staged = data, read(data.size());
  const Operands wanted = place(expected.data(), vector.data());
  ASSERT_EQ(oracle(&wanted), TERNARY_OK) << ternary_last_error();
  const Operands on_host = place(staged.data(), vector.data());
  ASSERT_EQ(host(mutable_runtime, &on_host), TERNARY_OK) << ternary_last_error();
  ASSERT_EQ(std::memcmp(staged.data(), expected.data(), data.size() * 4), 0) << "host memory";
  const DeviceBytes memory(data.data(), static_cast<int64_t>(data.size()) * 4);
  const DeviceBytes there(vector.data(), static_cast<int64_t>(vector.size()) * 4);
  const Stream stream;
  const ternary_cuda_call call = call_of(stream);
  Operands on_device = place(memory.as<float>(), there.as<float>());
  on_device.call = &call;
  ASSERT_EQ(async(mutable_runtime, &on_device), TERNARY_OK) << ternary_last_error();
  stream.wait();
  memory.read(read.data());
  ASSERT_EQ(std::memcmp(read.data(), expected.data(), data.size() * 4), 0) << "device memory";
}

std::vector<float> bell(uint64_t seed, int64_t count) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.bell();
  return values;
}

TEST(CudaRowOps, RotateInPlaceForwardAndBack) {
  const RuntimeHandle runtime = gpu_runtime();
  constexpr int64_t kM = 3, kK = 1024;
  std::vector<float> signs(kK);
  for (int64_t k = 0; k < kK; ++k) signs[k] = k % 3 == 0 ? -1.0f : 1.0f;
  for (const int32_t inverse : {0, 1}) {
    check_in_place<ternary_rotate_operands>(runtime.get(), ternary_oracle_rotate, ternary_rotate, ternary_rotate_async,
                                            bell(1, kM * kK), signs, [&](float* x, const float* vector) {
                                              ternary_rotate_operands o = {};
                                              o.size = sizeof o;
                                              o.M = kM;
                                              o.K = kK;
                                              o.x = o.y = x;
                                              o.ldx = o.ldy = kK;
                                              o.rotation = 256;
                                              o.signs = vector;
                                              o.inverse = inverse;
                                              o.x_dtype = o.y_dtype = TERNARY_F32;
                                              return o;
                                            });
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(ternary_last_path(runtime.get()), "rotate.rotate.cuda." + arch_of(runtime.get()));
}

TEST(CudaRowOps, NormsOfHeadsOfOneProduct) {
  const RuntimeHandle runtime = gpu_runtime();
  constexpr int64_t kM = 5, kHead = 64, kQ = 4, kK = 2, kLd = kQ * kHead + 3;  // K lies behind Q
  check_in_place<ternary_qk_norm_operands>(runtime.get(), ternary_oracle_qk_norm, ternary_qk_norm,
                                           ternary_qk_norm_async, bell(2, 2 * kM * kLd), bell(3, 2 * kHead),
                                           [&](float* rows, const float* weights) {
                                             ternary_qk_norm_operands o = {};
                                             o.size = sizeof o;
                                             o.M = kM;
                                             o.head_dim = kHead;
                                             o.q = {rows, kLd, kQ, weights, 1e-6f, TERNARY_F32};
                                             o.k = {rows + kM * kLd, kLd, kK, weights + kHead, 1e-5f, TERNARY_F32};
                                             return o;
                                           });
  EXPECT_EQ(ternary_last_path(runtime.get()), "qk_norm.head_norm.cuda." + arch_of(runtime.get()));
}

}  // namespace
}  // namespace ternary::test
