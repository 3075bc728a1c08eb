// Runtimes without a GPU: what asks for one says what is missing, and nothing else changes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/handles.h"
#include "support/operands.h"

namespace ternary::test {
namespace {

void expect_needs_gpu(ternary_status status, const std::string& function) {
  EXPECT_EQ(status, TERNARY_UNSUPPORTED) << function;
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find(function + " needs a GPU"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("TERNARY_DEVICE is \"cpu\""), std::string::npos) << sentence;
}

TEST(CudaMissing, FunctionsOfAGpuOnACpuRuntime) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_DEVICE=cpu");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const std::vector<uint8_t> codes(8, 0x55);
  const float alpha = 1;
  ternary_weights* made = nullptr;
  ASSERT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, 4, 8, TERNARY_LAYOUT_I2S_TILED,
                                   TERNARY_ALPHA_TENSOR, &alpha, 1, 0, &made),
            TERNARY_OK);
  const WeightsHandle weights(made);
  const std::vector<float> x(8, 1.0f);
  std::vector<float> y(4, -7.0f), s(1, -7.0f);
  std::vector<int8_t> q(8, 99);
  ternary_layer_spec normed = plain_layer(weights.get(), TERNARY_A8);
  normed.norm_weight = x.data();
  normed.eps = 1e-5f;
  const LayerHandle layers[] = {make_layer(plain_layer(weights.get(), TERNARY_A8)), make_layer(normed)};
  const ternary_operands operands = product_of(x.data(), TERNARY_F32, 8, y.data(), TERNARY_F32, 4, 1);
  const ternary_quantise_operands quantise = quantised(x.data(), TERNARY_F32, 8, q.data(), 8, s.data(), 1, 8);
  int64_t bytes = -7;
  for (const LayerHandle& layer : layers) {
    expect_needs_gpu(ternary_apply_async(runtime.get(), layer.get(), &operands), "ternary_apply_async");
    expect_needs_gpu(ternary_workspace_bytes(runtime.get(), layer.get(), 1, &bytes), "ternary_workspace_bytes");
    EXPECT_EQ(ternary_prepare(runtime.get(), layer.get()), TERNARY_OK) << "nothing to prepare on a CPU";
    EXPECT_EQ(ternary_prepare(nullptr, layer.get()), TERNARY_INVALID_ARGUMENT);
  }
  expect_needs_gpu(ternary_quantise_async(runtime.get(), &quantise), "ternary_quantise_async");
  ternary_prediction prediction;
  expect_needs_gpu(ternary_predict(runtime.get(), nullptr, TERNARY_LAYOUT_I2S, TERNARY_A8, 1, 4, 8, &prediction),
                   "ternary_predict");
  EXPECT_EQ(y, std::vector<float>(4, -7.0f));
  EXPECT_EQ(q, std::vector<int8_t>(8, 99));
  EXPECT_EQ(bytes, -7);
  EXPECT_EQ(ternary_prepare(runtime.get(), nullptr), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(info_of(runtime.get()).find("\"cuda\":{\"used\":false,\"reason\":\"\"}"), std::string::npos)
      << info_of(runtime.get());
}

}  // namespace
}  // namespace ternary::test
