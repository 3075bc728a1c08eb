// Every rule of the operations on rows and heads broken in turn: the status, a sentence with the value and the rule, and
// nothing written.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/operands.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

constexpr int64_t kM = 3, kK = 192;

std::vector<float> alternating_signs(int64_t count) {
  std::vector<float> signs(count, 1);
  for (size_t k = 0; k < signs.size(); k += 2) signs[k] = -1;
  return signs;
}

/** Valid operands of a rotation, until a rule is broken. */
class RotateRules : public testing::Test {
 protected:
  RotateRules() {
    valid_.size = sizeof valid_;
    valid_.M = kM;
    valid_.K = kK;
    valid_.x = x_.data();
    valid_.ldx = kK;
    valid_.y = y_.data();
    valid_.ldy = kK;
    valid_.rotation = 64;
    valid_.signs = signs_.data();
  }

  void refuse(const std::string& fragment, const std::function<void(ternary_rotate_operands&)>& rule) {
    ternary_rotate_operands o = valid_;
    rule(o);
    expect_refused(ternary_rotate(runtime_.get(), &o), fragment, "rotate");
    expect_refused(ternary_oracle_rotate(&o), fragment, "oracle rotate");
    EXPECT_EQ(y_.anything_written(), "");
  }

  RuntimeHandle runtime_ = make_runtime();
  std::vector<float> x_ = std::vector<float>(2 * kM * kK, 1), signs_ = alternating_signs(2 * kM * kK);
  OutputMatrix y_{TERNARY_F32, kM, kK, kK};
  ternary_rotate_operands valid_ = {};
};

TEST_F(RotateRules, EachInTurn) {
  using Operands = ternary_rotate_operands;
  expect_refused(ternary_rotate(nullptr, &valid_), "runtime is null", "rotate");
  expect_refused(ternary_rotate(runtime_.get(), nullptr), "operands is null", "rotate");
  expect_refused(ternary_oracle_rotate(nullptr), "operands is null", "oracle rotate");
  refuse("operands has size 0", [](Operands& o) { o.size = 0; });
  refuse("M is 0", [](Operands& o) { o.M = 0; });
  refuse("K is 0", [](Operands& o) { o.K = 0; });
  refuse("K is 16777216", [](Operands& o) { o.K = int64_t{1} << 24; });
  refuse("x is null", [](Operands& o) { o.x = nullptr; });
  refuse("y is null", [](Operands& o) { o.y = nullptr; });
  refuse("x_dtype is I8", [](Operands& o) { o.x_dtype = TERNARY_I8; });
  refuse("y_dtype is 3", [](Operands& o) { o.y_dtype = TERNARY_F8_E4M3; });
  refuse("x_scale is given", [&](Operands& o) { o.x_scale = x_.data(); });
  refuse("ldx is 191", [](Operands& o) { o.ldx = kK - 1; });
  refuse("ldy is 191", [](Operands& o) { o.ldy = kK - 1; });
  refuse("rotation is 0; it must be a power of two, 32 to 4096", [](Operands& o) { o.rotation = 0; });
  refuse("rotation is 128 and K is 192; K must be a multiple of it", [](Operands& o) { o.rotation = 128; });
  refuse("signs is at address", [&](Operands& o) { o.signs = misaligned(signs_.data()); });
  refuse("inverse is 2; it must be 0 (forward) or 1 (inverse)", [](Operands& o) { o.inverse = 2; });
  refuse("overlaps signs", [&](Operands& o) { o.y = signs_.data() + kK - 1; });
  signs_[5] = -1.5f;
  refuse("signs[5] is -1.5; it must be +1 or -1", [](Operands&) {});
}

TEST_F(RotateRules, YMayBeXItselfAndNothingNear) {
  using Operands = ternary_rotate_operands;
  const auto in_place = [&](Operands& o) { o.y = x_.data(); };
  refuse("overlaps x", [&](Operands& o) { o.y = x_.data() + 1; });
  refuse("overlaps x", [&](Operands& o) {
    in_place(o);
    o.ldy = kK + 1;
  });
  refuse("overlaps x", [&](Operands& o) {
    in_place(o);
    o.y_dtype = TERNARY_BF16;
  });
  Operands o = valid_;
  in_place(o);
  EXPECT_EQ(ternary_rotate(runtime_.get(), &o), TERNARY_OK) << ternary_last_error();
}

/** Valid operands of norms of heads, until a rule is broken. */
class QkNormRules : public testing::Test {
 protected:
  QkNormRules() {
    valid_.size = sizeof valid_;
    valid_.M = kM;
    valid_.head_dim = 16;
    valid_.q = {q_.data(), 70, 4, weight_.data(), 1e-6f, TERNARY_F32};
    valid_.k = {k_.data(), 32, 2, weight_.data(), 1e-5f, TERNARY_BF16};
  }

  void refuse(const std::string& fragment, const std::function<void(ternary_qk_norm_operands&)>& rule) {
    ternary_qk_norm_operands o = valid_;
    rule(o);
    expect_refused(ternary_qk_norm(runtime_.get(), &o), fragment, "qk_norm");
    expect_refused(ternary_oracle_qk_norm(&o), fragment, "oracle qk_norm");
    EXPECT_EQ(q_.anything_written(), "");
    EXPECT_EQ(k_.anything_written(), "");
  }

  RuntimeHandle runtime_ = make_runtime();
  std::vector<float> weight_ = std::vector<float>(16, 1);
  OutputMatrix q_{TERNARY_F32, kM, 64, 70}, k_{TERNARY_BF16, kM, 32, 32};
  ternary_qk_norm_operands valid_ = {};
};

TEST_F(QkNormRules, EachInTurn) {
  using Operands = ternary_qk_norm_operands;
  expect_refused(ternary_qk_norm(nullptr, &valid_), "runtime is null", "qk_norm");
  expect_refused(ternary_qk_norm(runtime_.get(), nullptr), "operands is null", "qk_norm");
  expect_refused(ternary_oracle_qk_norm(nullptr), "operands is null", "oracle qk_norm");
  refuse("operands has size 8", [](Operands& o) { o.size = 8; });
  refuse("M is -1", [](Operands& o) { o.M = -1; });
  refuse("head_dim is 0; it must be 1 to 16777215", [](Operands& o) { o.head_dim = 0; });
  refuse("head_dim is 16777216; it must be 1 to 16777215", [](Operands& o) { o.head_dim = 1 << 24; });
  refuse("q.data and k.data are null; one of them must be given", [](Operands& o) { o.q = o.k = {}; });
  refuse("q.count is 0; it must be 1 to", [](Operands& o) { o.q.count = 0; });
  refuse("k.count is 9223372036854775807; it must be 1 to", [](Operands& o) { o.k.count = INT64_MAX; });
  refuse("q.ld is 63; it must be at least the row's 64 elements", [](Operands& o) { o.q.ld = 63; });
  refuse("k.ld is 31; it must be at least the row's 32 elements", [](Operands& o) { o.k.ld = 31; });
  refuse("q.dtype is 3", [](Operands& o) { o.q.dtype = TERNARY_F8_E4M3; });
  refuse("k.dtype is 4", [](Operands& o) { o.k.dtype = TERNARY_I8; });
  refuse("q.weight is null", [](Operands& o) { o.q.weight = nullptr; });
  refuse("k.weight is at address", [&](Operands& o) { o.k.weight = misaligned(weight_.data()); });
  for (const float bad : {0.0f, -1e-6f, NAN, INFINITY}) {
    refuse("q.eps is ", [&](Operands& o) { o.q.eps = bad; });
    refuse("; it must be finite and greater than 0", [&](Operands& o) { o.k.eps = bad; });
  }
  refuse("overlaps k.data", [&](Operands& o) { o.k.data = o.q.data; });
  refuse("overlaps q.weight", [&](Operands& o) { o.q.weight = static_cast<float*>(q_.data()) + 10; });
  refuse("overlaps k.weight", [&](Operands& o) { o.k.weight = static_cast<float*>(q_.data()) + 10; });
  refuse("k.data (", [&](Operands& o) { o.q.weight = reinterpret_cast<float*>(k_.data()); });
}

TEST_F(QkNormRules, ASideThatIsNotThereHasNothing) {
  using Operands = ternary_qk_norm_operands;
  const auto with = [](auto set) {
    return [set](Operands& o) {
      o.k = {};
      set(o.k);
    };
  };
  refuse("k.ld is 32 and k.data is null; it must be 0 then", with([](ternary_heads& h) { h.ld = 32; }));
  refuse("k.count is 2 and k.data is null; it must be 0 then", with([](ternary_heads& h) { h.count = 2; }));
  refuse("k.weight is given and k.data is null; it must be 0 then",
         with([&](ternary_heads& h) { h.weight = weight_.data(); }));
  refuse("k.eps is 0.5", with([](ternary_heads& h) { h.eps = 0.5f; }));
  refuse("k.dtype is 2 and k.data is null; it must be 0 then", with([](ternary_heads& h) { h.dtype = TERNARY_BF16; }));
  Operands o = valid_;
  o.k = {};
  EXPECT_EQ(ternary_qk_norm(runtime_.get(), &o), TERNARY_OK) << ternary_last_error();
  std::swap(o.q, o.k);
  EXPECT_EQ(ternary_qk_norm(runtime_.get(), &o), TERNARY_OK) << ternary_last_error();
}

TEST(RowsOnACpu, TheirAsyncTwinsNeedAGpu) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cpu");
  EXPECT_EQ(ternary_rotate_async(runtime.get(), nullptr), TERNARY_UNSUPPORTED);
  EXPECT_NE(std::string(ternary_last_error()).find("ternary_rotate_async needs a GPU"), std::string::npos);
  EXPECT_EQ(ternary_qk_norm_async(runtime.get(), nullptr), TERNARY_UNSUPPORTED);
  EXPECT_NE(std::string(ternary_last_error()).find("ternary_qk_norm_async needs a GPU"), std::string::npos);
}

}  // namespace
}  // namespace ternary::test
