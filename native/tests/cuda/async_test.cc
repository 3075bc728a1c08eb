// The asynchronous functions: the oracle's bits from device memory, chains of kernels, streams at once, workspaces, and
// what they refuse. Captured graphs of each op are in tests/cuda/graph_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/cuda/captured_graph.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

RuntimeHandle gpu(const std::string& settings = "") {
  RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_DEVICE=cuda\n" + settings);
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

ProblemSpec a8_spec(int64_t M, int64_t N, int64_t K, uint64_t seed = 1) {
  ProblemSpec spec;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.seed = seed;
  return spec;
}

TEST(CudaAsync, RandomProblemsGiveTheOraclesBits) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  for (int64_t i = 0; i < samples(60); ++i) {
    const Problem problem(random_spec(11000 + static_cast<uint64_t>(i), 120000));
    const LayerHandle layer = problem.layer(kLayouts[static_cast<size_t>(i) % std::size(kLayouts)]);
    const DeviceProblem device(problem);
    const DeviceBytes workspace = workspace_for(runtime.get(), layer.get(), problem.spec().M);
    ASSERT_EQ(device.start(runtime.get(), layer.get(), i % 2 ? call_of(stream) : call_of(stream, workspace)),
              TERNARY_OK)
        << ternary_last_error() << " in " << problem.spec().text();
    stream.wait();
    ASSERT_EQ(problem.verdict(device.fetch(), problem.expected()), "") << "problem " << i;
  }
}

TEST(CudaAsync, AWorkspaceForMRowsServesFewerRowsAndEverySplit) {
  const RuntimeHandle plain = gpu(), split = gpu("TERNARY_I2S_SPLITS=7");
  ProblemSpec spec = a8_spec(40, 33, 2100);
  spec.values = Values::finite;
  const Problem problem(spec);
  const Output expected = problem.expected();
  for (const ternary_layout layout : {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED}) {
    const LayerHandle layer = problem.layer(layout);
    for (const RuntimeHandle* runtime : {&plain, &split}) {
      const Stream stream;
      const DeviceBytes workspace = workspace_for(runtime->get(), layer.get(), 40);
      for (const int64_t rows : {1, 2, 8, 9, 16, 17, 40}) {
        const DeviceProblem device(problem);
        ASSERT_EQ(device.start(runtime->get(), layer.get(), call_of(stream, workspace), rows), TERNARY_OK)
            << ternary_last_error();
        stream.wait();
        const Output got = device.fetch();
        for (int64_t m = 0; m < rows; ++m) {
          ASSERT_EQ(std::memcmp(got.y.row(m), expected.y.row(m), 33 * 4), 0) << "row " << m << " of " << rows;
        }
      }
    }
  }
}

/** y = W3 (W2 (W1 x)), fp32 between the layers, M rows; by the oracle if `runtime` is null. */
std::vector<float> chain_by_oracle(const std::vector<LayerHandle>& layers, std::vector<float> x, int64_t M, int64_t K) {
  for (const LayerHandle& layer : layers) {
    std::vector<float> y(x.size());
    const ternary_operands o = product_of(x.data(), TERNARY_F32, K, y.data(), TERNARY_F32, K, M);
    EXPECT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK);
    x = y;
  }
  return x;
}

class Chain {
 public:
  Chain(int64_t M, int64_t K) : M_(M), K_(K), first_(a8_spec(M, K, K, 5)), a_(M * K * 4), b_(M * K * 4) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      ProblemSpec spec = a8_spec(M, K, K, seed);
      spec.values = Values::finite;
      layers_.push_back(Problem(spec).layer(TERNARY_LAYOUT_I2S_TILED));
    }
    x_.resize(static_cast<size_t>(M * K));
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(static_cast<int>(i * 7919 % 2001) - 1000) * 0.01f;
    a_.write(x_.data());
  }

  void start(ternary_runtime* runtime, const ternary_cuda_call& call) {
    void* x = a_.get();
    void* y = b_.get();
    for (const LayerHandle& layer : layers_) {
      ternary_operands o = product_of(x, TERNARY_F32, K_, y, TERNARY_F32, K_, M_);
      o.call = &call;
      ASSERT_EQ(ternary_apply_async(runtime, layer.get(), &o), TERNARY_OK) << ternary_last_error();
      std::swap(x, y);
    }
  }

  void set_x(float factor) {
    for (float& value : x_) value *= factor;
    a_.write(x_.data());
  }

  void expect_right(const std::string& what) const {
    std::vector<float> got(x_.size());
    b_.read(got.data());
    const std::vector<float> expected = chain_by_oracle(layers_, x_, M_, K_);
    ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size() * 4), 0) << what;
  }

  void prepare(ternary_runtime* runtime) const {
    for (const LayerHandle& layer : layers_) {
      ASSERT_EQ(ternary_prepare(runtime, layer.get()), TERNARY_OK) << ternary_last_error();
    }
  }

  const ternary_layer* first_layer() const { return layers_.front().get(); }

 private:
  const int64_t M_, K_;
  Problem first_;
  std::vector<LayerHandle> layers_;
  std::vector<float> x_;
  DeviceBytes a_, b_;
};

TEST(CudaAsync, ChainsOfThreeProductsWithAndWithoutPdl) {
  for (const char* pdl : {"1", "0"}) {
    const RuntimeHandle runtime = gpu(std::string("TERNARY_ENABLE_PDL=") + pdl);
    for (const int64_t M : {1, 3, 20}) {
      Chain chain(M, 144);
      const Stream stream;
      const DeviceBytes workspace = workspace_for(runtime.get(), chain.first_layer(), M);
      chain.start(runtime.get(), call_of(stream, workspace));
      stream.wait();
      chain.expect_right("M " + std::to_string(M) + " PDL " + pdl);
    }
  }
}

TEST(CudaAsync, StreamsAtOnceGiveTheSameBits) {
  const RuntimeHandle runtime = gpu("TERNARY_I2S_SPLITS=3");
  std::vector<std::unique_ptr<Chain>> chains;
  std::vector<Stream> streams(4);
  for (size_t i = 0; i < streams.size(); ++i) chains.push_back(std::make_unique<Chain>(1 + i, 144));
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < streams.size(); ++i) chains[i]->start(runtime.get(), call_of(streams[i]));
  }
  for (size_t i = 0; i < streams.size(); ++i) streams[i].wait();
  // The second round read what the first left in its first matrix: y of layer 2. Once more from x.
  for (size_t i = 0; i < streams.size(); ++i) chains[i]->set_x(1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < streams.size(); ++i) {
    threads.emplace_back([&, i] { chains[i]->start(runtime.get(), call_of(streams[i])); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < streams.size(); ++i) {
    streams[i].wait();
    chains[i]->expect_right("stream " + std::to_string(i));
  }
}

TEST(CudaGraph, AChainReplayedThreeTimesWithOtherInputs) {
  const RuntimeHandle runtime = gpu();
  Chain chain(2, 144);
  chain.prepare(runtime.get());
  const Stream stream;
  const DeviceBytes workspace = workspace_for(runtime.get(), chain.first_layer(), 2);
  const Graph graph(stream, [&] { chain.start(runtime.get(), call_of(stream, workspace)); });
  for (int replay = 1; replay <= 3; ++replay) {
    chain.set_x(1.5f);
    graph.launch(stream);
    stream.wait();
    chain.expect_right("replay " + std::to_string(replay));
  }
}

/** The bytes that a call of so many rows needs, by its refusal of fewer. */
int64_t needed_bytes(ternary_runtime* runtime, const ternary_layer* layer, const DeviceProblem& device, int64_t rows) {
  const Stream stream;
  const DeviceBytes small(256);
  if (device.start(runtime, layer, {stream.get(), small.get(), 1}, rows) == TERNARY_OK) return 0;
  const std::string said = ternary_last_error(), words = "this call needs ";
  const size_t at = said.find(words);
  EXPECT_NE(at, std::string::npos) << said;
  return at == std::string::npos ? 0 : std::atoll(said.c_str() + at + words.size());
}

// Split sums need the more the more CTAs share K, and that is not the more the more rows there are.
TEST(CudaAsync, WhatAWorkspaceHasIsEnoughForEveryCall) {
  constexpr int64_t kMost = 72;
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    ProblemSpec spec = a8_spec(kMost, 2200, 6144);
    spec.activation = activation;
    spec.x_dtype = TERNARY_BF16;
    spec.values = Values::finite;
    const Problem problem(spec);
    const DeviceProblem device(problem);
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    for (const char* settings : {"", "TERNARY_I2S_SPLITS=3"}) {
      const RuntimeHandle runtime = gpu(settings);
      for (const int64_t most : {int64_t{64}, kMost}) {
        int64_t bytes = 0, needed = 0;
        ASSERT_EQ(ternary_workspace_bytes(runtime.get(), layer.get(), most, &bytes), TERNARY_OK);
        for (int64_t rows = 17; rows <= most; ++rows) {
          needed = std::max(needed, needed_bytes(runtime.get(), layer.get(), device, rows));
        }
        EXPECT_GT(needed, most * spec.K);
        EXPECT_LE(needed, bytes) << spec.text() << ", " << settings;
      }
    }
  }
}

TEST(CudaArguments, WorkspacesAndMemoryThatAreRefused) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  const Problem problem(a8_spec(20, 40, 200));  // few rows may run on one kernel that needs no workspace
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const DeviceProblem device(problem);
  const DeviceBytes large(1 << 20);
  int64_t bytes = 0;
  ASSERT_EQ(ternary_workspace_bytes(runtime.get(), layer.get(), 20, &bytes), TERNARY_OK);
  ASSERT_GT(bytes, 0);
  ASSERT_LE(bytes, 1 << 20);
  const auto refused = [&](const ternary_cuda_call& call, const std::string& words) {
    EXPECT_EQ(device.start(runtime.get(), layer.get(), call), TERNARY_INVALID_ARGUMENT) << words;
    EXPECT_NE(std::string(ternary_last_error()).find(words), std::string::npos) << ternary_last_error();
    stream.wait();
    EXPECT_EQ(device.fetch().y.anything_written(), "") << words;
  };
  refused({stream.get(), large.get(), 1}, "workspace_bytes is 1; this call needs");
  refused({stream.get(), large.as<char>() + 64, 1 << 19}, "it must be a multiple of 256 bytes");
  refused({stream.get(), nullptr, 4096}, "workspace is null");

  const ternary_cuda_call call = call_of(stream);
  const DeviceBytes x(problem.x.data(), problem.x.bytes());
  ternary_operands o = product_of(x.get(), TERNARY_F32, 200, x.get(), TERNARY_F32, 40, 2);
  o.call = &call;
  EXPECT_EQ(ternary_apply_async(runtime.get(), layer.get(), &o), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("overlaps"), std::string::npos) << ternary_last_error();
  EXPECT_EQ(ternary_workspace_bytes(runtime.get(), layer.get(), 0, &bytes), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(ternary_workspace_bytes(runtime.get(), layer.get(), 2, nullptr), TERNARY_INVALID_ARGUMENT);
}

TEST(CudaArguments, OrdinaryHostMemoryIsRefusedUnlessTheDeviceReadsIt) {
  const RuntimeHandle runtime = gpu();
  const Stream stream;
  ProblemSpec spec = a8_spec(2, 40, 200);
  spec.values = Values::finite;
  const Problem problem(spec);
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  int reads_it = 0;
  must(cudaDeviceGetAttribute(&reads_it, cudaDevAttrPageableMemoryAccess, 0), "pageable memory access");
  std::vector<char> host(1 << 20);
  char* aligned = host.data() + (256 - reinterpret_cast<uintptr_t>(host.data()) % 256) % 256;
  const std::vector<float> before(80, -3.0f);
  std::vector<float> y = before;
  const auto start = [&](void* workspace, int64_t bytes) {
    const ternary_cuda_call call = {stream.get(), workspace, bytes};
    ternary_operands o = product_of(problem.x.data(), TERNARY_F32, 200, y.data(), TERNARY_F32, 40, 2);
    o.call = &call;
    return ternary_apply_async(runtime.get(), layer.get(), &o);
  };
  const ternary_status status = start(nullptr, 0), in_host_workspace = start(aligned, 1 << 19);
  if (reads_it != 0) {
    EXPECT_EQ(status, TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(in_host_workspace, TERNARY_OK) << ternary_last_error();
    stream.wait();
    std::vector<float> expected = before;
    const ternary_operands o = product_of(problem.x.data(), TERNARY_F32, 200, expected.data(), TERNARY_F32, 40, 2);
    ASSERT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK);
    EXPECT_EQ(y, expected);
    return;
  }
  EXPECT_EQ(status, TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(in_host_workspace, TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("x is at"), std::string::npos) << ternary_last_error();
  EXPECT_NE(std::string(ternary_last_error()).find("no memory that CUDA knows"), std::string::npos);
  EXPECT_EQ(y, before);
  const DeviceProblem device(problem);
  EXPECT_EQ(device.start(runtime.get(), layer.get(), {stream.get(), aligned, 1 << 19}), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("workspace is at"), std::string::npos) << ternary_last_error();
}

}  // namespace
}  // namespace ternary::test
