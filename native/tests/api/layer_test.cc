// Layers: what they copy and what they keep, who may use them, and structs of callers that know other versions.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/product/layer.h"
#include "core/weights/layout.h"
#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

ProblemSpec normed_spec(ternary_activation activation = TERNARY_A8) {
  ProblemSpec spec = plain_spec(activation, 5, 40, 200);
  spec.norm = true;
  spec.residual = TERNARY_BF16;
  return spec;
}

void expect_right(ternary_runtime* runtime, const Problem& problem, const ternary_layer* layer) {
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime, layer, got), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(problem.verdict(got, problem.expected()), "");
}

TEST(Layer, OutlivesTheHandleOfItsWeightsAndOtherLayersOfThem) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    const Problem problem(normed_spec(activation));
    WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
    LayerHandle first = problem.layer(weights.get());
    const LayerHandle second = problem.layer(weights.get());
    weights.reset();
    expect_right(runtime.get(), problem, first.get());
    first.reset();
    expect_right(runtime.get(), problem, second.get());
  }
}

TEST(Layer, WeightsOutliveTheirLayers) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  const Problem problem(normed_spec());
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_T5_TILED);
  for (int round = 0; round < 2; ++round) expect_right(runtime.get(), problem, problem.layer(weights.get()).get());
  std::vector<uint8_t> codes(static_cast<size_t>(problem.i2s.bytes()));
  ASSERT_EQ(ternary_weights_codes(weights.get(), codes.data()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(std::memcmp(codes.data(), problem.i2s.data(), codes.size()), 0);
}

TEST(Layer, CopiesItsBiasAndItsNormWeight) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  const Problem problem(normed_spec());
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  LayerHandle layer;
  {
    std::vector<float> bias(problem.bias.as<float>(), problem.bias.as<float>() + 40);
    std::vector<float> norm_weight(problem.norm_weight.as<float>(), problem.norm_weight.as<float>() + 200);
    ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
    spec.bias = bias.data();
    spec.norm_weight = norm_weight.data();
    spec.eps = problem.eps;
    layer = make_layer(spec);
    ASSERT_NE(layer, nullptr) << ternary_last_error();
    bias.assign(bias.size(), 1e9f);
    norm_weight.assign(norm_weight.size(), -1e9f);
    expect_right(runtime.get(), problem, layer.get());
  }
  expect_right(runtime.get(), problem, layer.get());
}

TEST(Layer, OneLayerOnTwoRuntimesFromManyThreads) {
  const RuntimeHandle runtimes[] = {make_runtime("TERNARY_NUM_THREADS=1"), make_runtime("TERNARY_NUM_THREADS=3")};
  ProblemSpec spec = plain_spec(TERNARY_A8, 12, 300, 520);
  spec.norm = true;
  const Problem problem(spec);
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (size_t call = 0; call < 40; ++call) {
        Output got = problem.output();
        if (problem.run(runtimes[(t + call) % 2].get(), layer.get(), got) != TERNARY_OK ||
            !problem.verdict(got, expected).empty()) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Layer, MadeAndDestroyedOfTheSameWeightsBesideUse) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  const Problem problem(normed_spec());
  WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  const LayerHandle layer = problem.layer(weights.get());
  const Output expected = problem.expected();
  std::atomic<int> wrong{0};
  const auto body = [&] {
    for (int round = 0; round < 30; ++round) {
      const LayerHandle own = problem.layer(weights.get());
      for (const LayerHandle* each : {&own, &layer}) {
        Output got = problem.output();
        if (problem.run(runtime.get(), each->get(), got) != TERNARY_OK || !problem.verdict(got, expected).empty())
          ++wrong;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(body);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Layer, BytesAreThoseOfTheWeightsTheBiasAndTheNorm) {
  const Problem problem(normed_spec());
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  const int64_t of_weights = ternary_weights_bytes(weights.get());
  ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
  EXPECT_EQ(ternary_layer_bytes(make_layer(spec).get()), of_weights);
  spec.bias = problem.bias.as<float>();
  EXPECT_EQ(ternary_layer_bytes(make_layer(spec).get()), of_weights + 40 * 4);
  spec.norm_weight = problem.norm_weight.as<float>();
  spec.eps = 1e-6f;
  EXPECT_EQ(ternary_layer_bytes(make_layer(spec).get()), of_weights + 40 * 4 + 200 * 4);
  EXPECT_EQ(ternary_layer_bytes(nullptr), 0);
  ternary_layer_destroy(nullptr);
}

/** A caller's struct of a later version: what this library knows, and more. */
template <typename T>
struct Later {
  T known;
  uint8_t beyond[24];
};

template <typename T>
Later<T> later(const T& known) {
  Later<T> later = {known, {}};
  later.known.size = sizeof later;
  return later;
}

/** `call` refuses sizes that no version has, and a later struct unless what lies beyond is 0; then it does its work. */
template <typename T, typename Call>
void check_sizes(const std::string& name, const T& valid, Call call) {
  const std::string known = std::to_string(sizeof(T)), more = std::to_string(sizeof(Later<T>));
  const auto expect_refused = [&](const T& given, const std::string& sentence) {
    EXPECT_EQ(call(&given), TERNARY_INVALID_ARGUMENT) << sentence;
    EXPECT_EQ(ternary_last_error(), sentence);
  };
  for (const size_t size : {size_t{0}, size_t{1}, sizeof(T) - 1, size_t{4097}, SIZE_MAX}) {
    T bad = valid;
    bad.size = size;
    expect_refused(bad, name + " has size " + std::to_string(size) + "; it must be the struct's sizeof, here " + known);
  }
  Later<T> newer = later(valid);
  for (const size_t at : {size_t{0}, size_t{5}, sizeof newer.beyond - 1}) {
    newer.beyond[at] = 200;
    expect_refused(newer.known, name + " has size " + more + " and its byte " + std::to_string(sizeof(T) + at) +
                                    " is 200; this library knows " + known + " bytes, and what lies beyond must be 0");
    newer.beyond[at] = 0;
  }
  EXPECT_EQ(call(&newer.known), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(call(&valid), TERNARY_OK) << ternary_last_error();
}

TEST(Sizes, OfALayersSpec) {
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(plain_spec(TERNARY_A8, 2, 40, 200));
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
  spec.bias = problem.bias.as<float>();
  check_sizes("spec", spec, [&](const ternary_layer_spec* given) {
    ternary_layer* made = nullptr;
    const ternary_status status = ternary_layer_create(given, &made);
    EXPECT_EQ(made != nullptr, status == TERNARY_OK);
    const LayerHandle layer(made);
    if (made != nullptr) expect_right(runtime.get(), problem, made);
    return status;
  });
}

/** A layer of a struct of 0.2.0's first builds, behind which lies what is no field to its caller. */
TEST(Sizes, AnOlderSpecExpectsNoRows) {
  const Problem problem(plain_spec(TERNARY_A8, 2, 40, 200));
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
  spec.expected_rows = -1;
  spec.size = offsetof(ternary_layer_spec, expected_rows);
  ASSERT_EQ(spec.size, kFirstSpecBytes);
  const LayerHandle layer = make_layer(spec);
  ASSERT_NE(layer, nullptr) << ternary_last_error();
  EXPECT_EQ(layer->expected_rows, 0);
}

TEST(Layer, KeepsTheRowsThatAreExpectedOfItAndServesAnyNumber) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  const Problem problem(plain_spec(TERNARY_A8, 5, 40, 200));
  const WeightsHandle weights = problem.weights(TERNARY_LAYOUT_I2S_TILED);
  ternary_layer_spec spec = plain_layer(weights.get(), TERNARY_A8);
  spec.bias = problem.bias.as<float>();
  for (const int64_t rows : {int64_t{0}, int64_t{1}, int64_t{4096}, kMaxM}) {
    spec.expected_rows = rows;
    const LayerHandle layer = make_layer(spec);
    ASSERT_NE(layer, nullptr) << ternary_last_error();
    EXPECT_EQ(layer->expected_rows, rows);
    expect_right(runtime.get(), problem, layer.get());
  }
}

TEST(Sizes, OfAProductsOperands) {
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(normed_spec());
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  const Output expected = problem.expected();
  for (ternary_runtime* by : {static_cast<ternary_runtime*>(nullptr), runtime.get()}) {
    Output got = problem.output();
    check_sizes("operands", problem.operands(got, 0, 5), [&](const ternary_operands* given) {
      const ternary_status status =
          by == nullptr ? ternary_oracle_apply(layer.get(), given) : ternary_apply(by, layer.get(), given);
      EXPECT_EQ(status == TERNARY_OK ? problem.verdict(got, expected) : got.y.anything_written(), "");
      return status;
    });
  }
}

TEST(Sizes, OfQuantisedOperands) {
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(plain_spec(TERNARY_A8, 3, 1, 200));
  for (ternary_runtime* by : {static_cast<ternary_runtime*>(nullptr), runtime.get()}) {
    OutputMatrix q(TERNARY_I8, 3, 200, 200), s(TERNARY_F32, 3, 1, 1);
    const ternary_quantise_operands operands =
        quantised(problem.x.data(), TERNARY_F32, 200, q.data(), 200, s.data(), 3, 200);
    check_sizes("operands", operands, [&](const ternary_quantise_operands* given) {
      const ternary_status status = by == nullptr ? ternary_oracle_quantise(given) : ternary_quantise(by, given);
      EXPECT_EQ(q.anything_written().empty(), status != TERNARY_OK);
      EXPECT_EQ(s.anything_written().empty(), status != TERNARY_OK);
      return status;
    });
  }
}

}  // namespace
}  // namespace ternary::test
