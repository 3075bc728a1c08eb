// Copies of weights and of layers on devices, on a runtime of CUDA that is a few functions here: so a test can stop an
// upload in its midst, and count them.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/cuda/copies/layer.h"
#include "core/cuda/copies/layout.h"
#include "core/cuda/copies/weights.h"
#include "core/cuda/device/device.h"
#include "core/weights/weights.h"
#include "support/host_cudart.h"
#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

class WeightsOnDevices : public testing::Test {
 public:
  WeightsOnDevices() {
    allocations = 0;
    for (int ordinal = 0; ordinal < 2; ++ordinal) {
      devices_[ordinal].cuda = &host_cudart();
      devices_[ordinal].ordinal = ordinal;
    }
  }
  ~WeightsOnDevices() override { on_upload = nullptr; }

 protected:
  const CudaWeights& prepare(const ternary_weights& weights, int device, ThreadPool& pool, SecondLayouts wanted = {}) {
    const CudaDeviceScope scope(devices_[device]);
    return prepare_weights(weights, devices_[device], pool, wanted);
  }

  const CudaLayer& prepare(const ternary_layer& layer, int device, ThreadPool& pool) {
    const CudaDeviceScope scope(devices_[device]);
    return prepare_layer(layer, devices_[device], pool, {});
  }

 private:
  CudaDevice devices_[2];
};

Problem problem_of(int64_t N, int64_t K) {
  ProblemSpec spec;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  return Problem(spec);
}

TEST_F(WeightsOnDevices, ADeviceIsServedWhileTheCopyOfAnotherIsMade) {
  const Problem problem = problem_of(40, 200);
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  std::mutex mutex;
  std::condition_variable changed;
  bool first_sends = false, second_is_served = false, in_time = true;
  on_upload = [&](int device) {
    if (device != 0) return;
    std::unique_lock<std::mutex> lock(mutex);
    first_sends = true;
    changed.notify_all();
    in_time = changed.wait_for(lock, std::chrono::seconds(5), [&] { return second_is_served; }) && in_time;
  };
  std::thread first([&] {
    ThreadPool pool(1);
    prepare(*weights, 0, pool);
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return first_sends; });
  }
  EXPECT_EQ(find_weights(*weights, 0), nullptr) << "it is not whole yet";
  ThreadPool pool(1);
  prepare(*weights, 1, pool);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    second_is_served = true;
    changed.notify_all();
  }
  first.join();
  EXPECT_TRUE(in_time) << "device 1 waited for the upload to device 0";
  EXPECT_NE(find_weights(*weights, 0), find_weights(*weights, 1));
}

TEST_F(WeightsOnDevices, OneDeviceGetsOneCopyHoweverManyThreadsAsk) {
  const Problem problem = problem_of(40, 200);
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  on_upload = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      ThreadPool pool(2);
      prepare(*weights, 0, pool, {true, true});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allocations, 4) << "codes, alpha and two second arrangements";
}

// What a runtime's info says: an arrangement counts once it is there, and no longer than that. To ask makes none.
TEST_F(WeightsOnDevices, BytesOfEachArrangementAreCountedWhileTheyAreThere) {
  ThreadPool pool(1);
  const Problem problem = problem_of(40, 200);
  const int64_t i2s = 3 * 2 * 512 + 48 * 4, t5 = i2s, dense = 40 * 256 * 2, top2 = 40 * 256 / 4;
  {
    const WeightsHandle first = problem.weights(TERNARY_LAYOUT_I2S_TILED),
                        second = problem.weights(TERNARY_LAYOUT_T5_TILED);
    EXPECT_EQ(weight_bytes_on(0), (WeightBytes{0, 0, 0, 0}));
    prepare(*first, 0, pool);
    EXPECT_EQ(weight_bytes_on(0), (WeightBytes{i2s, 0, 0, 0}));
    prepare(*first, 0, pool, {false, true});
    prepare(*first, 0, pool, {false, true});
    EXPECT_EQ(weight_bytes_on(0), (WeightBytes{i2s, 0, 0, top2}));
    prepare(*second, 0, pool, {true, false});
    EXPECT_EQ(weight_bytes_on(0), (WeightBytes{i2s, t5, dense, top2}));
    EXPECT_EQ(weight_bytes_json(0), "{\"i2s\":" + std::to_string(i2s) + ",\"t5\":" + std::to_string(t5) +
                                        ",\"dense\":" + std::to_string(dense) + ",\"top2\":" + std::to_string(top2) +
                                        "}");
    EXPECT_EQ(weight_bytes_on(1), (WeightBytes{0, 0, 0, 0}));
  }
  EXPECT_EQ(weight_bytes_on(0), (WeightBytes{0, 0, 0, 0}));
}

/** Codes and those of second arrangements are the problem's. */
void expect_codes(const Problem& problem, const CudaWeights& copy) {
  const int64_t N = problem.spec().N, K = problem.spec().K, row_bytes = ceil_div(K, 4);
  std::vector<uint8_t> i2s(static_cast<size_t>(kTile * row_bytes));
  for (int64_t panel = 0; panel < ceil_div(N, kTile); ++panel) {
    const int64_t rows = std::min(kTile, N - panel * kTile);
    for (const auto& [codes, layout] :
         {std::pair(copy.codes, copy.layout), std::pair(copy.dense.load(), CudaLayout::dense),
          std::pair(copy.top2.load(), CudaLayout::top2)}) {
      i2s_from_cuda_panel(layout, codes + panel * cuda_panel_bytes(layout, kTile, K), rows, K, i2s.data());
      ASSERT_EQ(std::memcmp(i2s.data(), problem.i2s.data() + panel * kTile * row_bytes,
                            static_cast<size_t>(rows * row_bytes)),
                0)
          << "panel " << panel << " of " << N << " rows in " << kCudaLayoutNames[static_cast<int>(layout)];
    }
  }
}

TEST_F(WeightsOnDevices, EveryLayoutAndLastPanel) {
  ThreadPool pool(4);
  for (const int64_t N : {1, 16, 40, 333}) {
    const Problem problem = problem_of(N, 200);
    for (const ternary_layout layout : kLayouts) {
      const WeightsHandle weights = problem.weights(layout);
      expect_codes(problem, prepare(*weights, 0, pool, {true, true}));
    }
  }
}

ProblemSpec normed_spec() {
  ProblemSpec spec = plain_spec(TERNARY_A8, 1, 40, 200);
  spec.norm = true;
  return spec;
}

TEST_F(WeightsOnDevices, LayersShareTheCopyOfTheirWeightsAndHaveABiasAndANormOfTheirOwn) {
  ThreadPool pool(1);
  const Problem problem(normed_spec());
  WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  const LayerHandle first = problem.layer(weights.get()), second = problem.layer(weights.get());
  const LayerHandle bare = make_layer(plain_layer(weights.get(), TERNARY_A16));
  const CudaWeights* copy = &prepare(*weights, 0, pool);
  weights.reset();
  EXPECT_EQ(allocations, 2) << "codes and alpha";
  for (const LayerHandle* layer : {&first, &second}) {
    EXPECT_EQ(find_layer(**layer, 0), nullptr);
    const CudaLayer& made = prepare(**layer, 0, pool);
    EXPECT_EQ(&made.weights, copy);
    const std::vector<float> bias(made.bias, made.bias + 40), norm(made.norm_weight, made.norm_weight + 200);
    EXPECT_EQ(bias, std::vector<float>(problem.bias.as<float>(), problem.bias.as<float>() + 40));
    EXPECT_EQ(norm, std::vector<float>(problem.norm_weight.as<float>(), problem.norm_weight.as<float>() + 200));
    EXPECT_EQ(find_layer(**layer, 0), &made);
    EXPECT_EQ(&prepare(**layer, 0, pool), &made);
  }
  EXPECT_EQ(allocations, 6);
  const CudaLayer& made = prepare(*bare, 0, pool);
  EXPECT_EQ(&made.weights, copy);
  EXPECT_EQ(made.bias, nullptr);
  EXPECT_EQ(made.norm_weight, nullptr);
  EXPECT_EQ(allocations, 6) << "nothing of its own to send";
  EXPECT_NE(&prepare(*first, 1, pool).weights, copy);
  EXPECT_EQ(allocations, 10) << "another device has copies of its own";
}

TEST_F(WeightsOnDevices, LayersOfTheSameWeightsAreSentOnceHoweverManyThreadsAsk) {
  const Problem problem(normed_spec());
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_T5_TILED);
  const LayerHandle layers[] = {problem.layer(weights.get()), problem.layer(weights.get())};
  on_upload = [](int) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      ThreadPool pool(1);
      prepare(*layers[i % 2], 0, pool);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allocations, 6) << "codes and alpha once, bias and norm of each layer";
}

double cpu_seconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A worker that gets no core takes no part, so a busy machine has several tries.
TEST_F(WeightsOnDevices, TheWorkersOfThePoolTakePartAndMakeTheSameCodes) {
  const Problem problem = problem_of(1024, 2048);
  ThreadPool pool(2);
  double share = 0;
  for (int attempt = 0; attempt < 50 && share < 0.1; ++attempt) {
    const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_T5_TILED);
    const double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID), own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    const CudaWeights& copy = prepare(*weights, 0, pool, {true, true});
    const double in_all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
    share = (in_all - (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own)) / in_all;
    expect_codes(problem, copy);
  }
  EXPECT_GE(share, 0.1);
}

}  // namespace
}  // namespace ternary::test
