// Every rule of weights and runtimes broken in turn: the status, a sentence that names the argument, and no handle
// written.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/handles.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

/** What is said of the value after the last layout. */
const std::string kNoLayout = "layout is " + std::to_string(kLayoutCount) + "; it must be 0 (I2S), 1 (I2S tiled)";

constexpr int64_t kN = 5, kK = 40;

TEST(HandleArguments, Weights) {
  std::vector<uint8_t> codes(kN * kK / 4, 0x55);
  std::vector<float> alpha(kN * kK, 1);
  ternary_weights* const poison = reinterpret_cast<ternary_weights*>(&codes);
  struct Arg {
    const uint8_t* codes;
    int source;
    int64_t N, K;
    int layout, kind;
    const float* alpha;
    int64_t count, group;
  };
  const Arg valid{codes.data(), 0, kN, kK, 1, TERNARY_ALPHA_ROW, alpha.data(), kN, 0};
  const auto refuse = [&](const char* fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid;
    rule(a);
    ternary_weights* made = poison;
    expect_refused(ternary_weights_create(a.codes, static_cast<ternary_layout>(a.source), a.N, a.K,
                                          static_cast<ternary_layout>(a.layout),
                                          static_cast<ternary_alpha_kind>(a.kind), a.alpha, a.count, a.group, &made),
                   fragment, "weights_create");
    EXPECT_EQ(made, poison) << "the handle was written";
  };
  refuse("codes is null", [](Arg& a) { a.codes = nullptr; });
  refuse("alpha is null", [](Arg& a) { a.alpha = nullptr; });
  refuse("alpha is at", [&](Arg& a) { a.alpha = misaligned(alpha.data()); });
  refuse(kNoLayout.c_str(), [](Arg& a) { a.source = kLayoutCount; });
  refuse("layout is -1", [](Arg& a) { a.layout = -1; });
  refuse("alpha kind is 4", [](Arg& a) { a.kind = 4; });
  refuse("N is 0", [](Arg& a) { a.N = 0; });
  refuse("K is 16777216", [](Arg& a) { a.K = int64_t{1} << 24; });
  for (int64_t bad : {int64_t{0}, int64_t{-1}, kN - 1, kN + 1}) {
    refuse(("alpha_count is " + std::to_string(bad)).c_str(), [&](Arg& a) { a.count = bad; });
  }
  refuse("alpha_count", [](Arg& a) { a.kind = TERNARY_ALPHA_TENSOR; });
  refuse("alpha_count", [](Arg& a) { a.kind = TERNARY_ALPHA_COLUMN; });
  refuse("group is 64", [](Arg& a) { a.group = 64; });
  for (int64_t bad : {int64_t{0}, int64_t{31}, int64_t{48}, int64_t{-64}, INT64_MAX, INT64_MIN}) {
    refuse(("group is " + std::to_string(bad)).c_str(), [&](Arg& a) {
      a.kind = TERNARY_ALPHA_GROUP;
      a.group = bad;
    });
  }
  refuse("alpha_count is 5", [](Arg& a) {
    a.kind = TERNARY_ALPHA_GROUP;
    a.group = 32;  // two groups a row
  });
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    alpha[kN - 1] = bad;
    refuse("alpha[4]", [](Arg&) {});
  }
  alpha[kN - 1] = 1;
  expect_refused(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S, TERNARY_ALPHA_ROW,
                                        alpha.data(), kN, 0, nullptr),
                 "weights is null", "weights_create");
  expect_refused(ternary_weights_codes(nullptr, codes.data()), "weights is null", "weights_codes");
  ternary_weights* made = nullptr;
  ASSERT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S, TERNARY_ALPHA_ROW,
                                   alpha.data(), kN, 0, &made),
            TERNARY_OK);
  const WeightsHandle weights(made);
  expect_refused(ternary_weights_codes(weights.get(), nullptr), "i2s is null", "weights_codes");
  EXPECT_EQ(ternary_weights_bytes(nullptr), 0);
  ternary_weights_destroy(nullptr);
}

TEST(HandleArguments, Runtime) {
  const RuntimeHandle runtime = make_runtime();
  expect_refused(ternary_runtime_create(nullptr, nullptr), "runtime is null", "runtime_create");
  expect_refused(ternary_runtime_info(nullptr, nullptr, 0, nullptr), "runtime is null", "info");
  expect_refused(ternary_runtime_counters(nullptr, nullptr, 0, nullptr), "runtime is null", "counters");
  expect_refused(ternary_runtime_reset_counters(nullptr), "runtime is null", "reset");
  expect_refused(ternary_runtime_info(runtime.get(), nullptr, 10, nullptr), "json is null", "info");
  expect_refused(ternary_runtime_counters(runtime.get(), nullptr, 10, nullptr), "json is null", "counters");
  expect_refused(ternary_write_report(nullptr), "path is null", "write_report");
  expect_refused(ternary_write_report(""), "", "write_report");
  EXPECT_EQ(ternary_runtime_notices(nullptr), nullptr);
  EXPECT_STREQ(ternary_last_path(nullptr), "");
  ternary_runtime_destroy(nullptr);
}

}  // namespace
}  // namespace ternary::test
