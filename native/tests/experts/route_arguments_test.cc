// Every rule of routers, of slots by expert and of their sums broken in turn.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

constexpr int64_t kM = 2, kE = 6, kK = 3, kH = 10;

/** Valid operands of a router of logits, and of X, until a rule is broken. */
class RouteRules : public testing::Test {
 protected:
  RouteRules() {
    of_logits_.size = sizeof of_logits_;
    of_logits_.M = kM;
    of_logits_.E = kE;
    of_logits_.k = kK;
    of_logits_.scaling = 1;
    of_logits_.ids = ids_.data();
    of_logits_.ld_ids = kK;
    of_logits_.weights = weights_.data();
    of_logits_.ld_weights = kK;
    of_x_ = of_logits_;
    of_logits_.logits = in_.data();
    of_logits_.ld_logits = kE;
    of_x_.H = of_x_.ldx = of_x_.ld_router = kH;
    of_x_.x = in_.data();
    of_x_.router = router_.data();
  }

  using Rule = std::function<void(ternary_route_operands&)>;
  void refuse_one(const ternary_route_operands& valid, const std::string& fragment, const Rule& rule) {
    ternary_route_operands o = valid;
    rule(o);
    expect_refused(ternary_oracle_route(&o), fragment, "oracle route");
    EXPECT_EQ(ids_, std::vector<int32_t>(kM * kK, 99));
    EXPECT_EQ(weights_.anything_written(), "");
  }
  void refuse(const std::string& fragment, const Rule& rule) {
    refuse_one(of_logits_, fragment, rule);
    refuse_one(of_x_, fragment, rule);
  }

  std::vector<float> in_ = std::vector<float>(100, 1), router_ = in_;
  std::vector<int32_t> ids_ = std::vector<int32_t>(kM * kK, 99);
  OutputMatrix weights_{TERNARY_F32, kM, kK, kK};
  ternary_route_operands of_logits_ = {}, of_x_ = {};
};

using Route = ternary_route_operands;

TEST_F(RouteRules, EachInTurn) {
  expect_refused(ternary_oracle_route(nullptr), "operands is null", "oracle route");
  refuse("operands has size 16", [](Route& o) { o.size = 16; });
  refuse("M is 0", [](Route& o) { o.M = 0; });
  refuse("E is 0; it must be 1 to 4096", [](Route& o) { o.E = 0; });
  refuse("E is 4097; it must be 1 to 4096", [](Route& o) { o.E = 4097; });
  refuse("k is 0; it must be 1 to 64", [](Route& o) { o.k = 0; });
  refuse("k is 7; it must be 1 to 64, and at most the 6 experts", [](Route& o) { o.k = 7; });
  refuse("method is 3; it must be 0 (softmax, top k)",
         [](Route& o) { o.method = static_cast<ternary_route_method>(3); });
  refuse("correction_bias is at address", [&](Route& o) { o.correction_bias = misaligned(in_.data()); });
  refuse("renormalise is 2", [](Route& o) { o.renormalise = 2; });
  refuse("renormalise_eps is 1; it must be finite and at least 0, and 0 without renormalise",
         [](Route& o) { o.renormalise_eps = 1; });
  for (const float bad : {-1.0f, NAN, INFINITY}) {
    refuse("renormalise_eps is ", [&](Route& o) {
      o.renormalise = 1;
      o.renormalise_eps = bad;
    });
  }
  refuse("scaling is 0; it must be finite and not 0", [](Route& o) { o.scaling = 0; });
  refuse("weights_dtype is 1; it must be F32 (0) or BF16 (2)", [](Route& o) { o.weights_dtype = TERNARY_F16; });
  refuse("ids is null", [](Route& o) { o.ids = nullptr; });
  refuse("ld_ids is 2", [](Route& o) { o.ld_ids = 2; });
  refuse("weights is null", [](Route& o) { o.weights = nullptr; });
  refuse("ld_weights is 2", [](Route& o) { o.ld_weights = 2; });
  refuse("ids (", [&](Route& o) { o.weights = o.ids; });
  refuse("overlaps ", [&](Route& o) { o.weights = in_.data(); });
  refuse("overlaps correction_bias", [&](Route& o) { o.correction_bias = static_cast<float*>(weights_.data()); });
}

TEST_F(RouteRules, Groups) {
  refuse("topk_groups is given and groups is 0", [](Route& o) { o.topk_groups = 1; });
  refuse("group_score is given and groups is 0", [](Route& o) { o.group_score = TERNARY_GROUP_MAX; });
  refuse("group_score is 2; it must be 0 (top2) or 1 (max)",
         [](Route& o) { o.group_score = static_cast<ternary_group_score>(2); });
  for (const int64_t bad : {-1, 4, 12}) {
    refuse("groups is " + std::to_string(bad) + " and E is 6; E must be a multiple of it",
           [&](Route& o) { o.groups = bad; });
  }
  for (const int64_t bad : {0, 4}) {
    refuse("topk_groups is " + std::to_string(bad) + "; it must be 1 to the 3 groups", [&](Route& o) {
      o.groups = 3;
      o.topk_groups = bad;
    });
  }
  refuse("k is 3; it must be at most the 2 experts of topk_groups groups", [](Route& o) {
    o.groups = 3;
    o.topk_groups = 1;
  });
}

TEST_F(RouteRules, LogitsAreGivenOrMade) {
  refuse_one(of_logits_, "logits and x are null; one of them must be given", [](Route& o) {
    o.logits = nullptr;
    o.ld_logits = 0;
  });
  const std::string belongs = " is given and logits are given; it must be 0 then";
  refuse_one(of_logits_, "H" + belongs, [](Route& o) { o.H = 1; });
  refuse_one(of_logits_, "x" + belongs, [&](Route& o) { o.x = router_.data(); });
  refuse_one(of_logits_, "ldx" + belongs, [](Route& o) { o.ldx = 1; });
  refuse_one(of_logits_, "x_dtype" + belongs, [](Route& o) { o.x_dtype = TERNARY_F16; });
  refuse_one(of_logits_, "router" + belongs, [&](Route& o) { o.router = router_.data(); });
  refuse_one(of_logits_, "ld_router" + belongs, [](Route& o) { o.ld_router = 1; });
  refuse_one(of_logits_, "router_dtype" + belongs, [](Route& o) { o.router_dtype = TERNARY_F16; });
  refuse_one(of_logits_, "router_bias" + belongs, [&](Route& o) { o.router_bias = router_.data(); });
  refuse_one(of_logits_, "round_logits" + belongs, [](Route& o) { o.round_logits = TERNARY_BF16; });
  refuse_one(of_logits_, "ld_logits is 5", [](Route& o) { o.ld_logits = kE - 1; });
  refuse_one(of_logits_, "logits_dtype is 3", [](Route& o) { o.logits_dtype = TERNARY_F8_E4M3; });
  refuse_one(of_x_, "ld_logits is given and logits are null", [](Route& o) { o.ld_logits = 6; });
  refuse_one(of_x_, "logits_dtype is given and logits are null", [](Route& o) { o.logits_dtype = TERNARY_BF16; });
  refuse_one(of_x_, "H is 0; it must be 1 to 16777215", [](Route& o) { o.H = 0; });
  refuse_one(of_x_, "x_dtype is 4", [](Route& o) { o.x_dtype = TERNARY_I8; });
  refuse_one(of_x_, "ldx is 9", [](Route& o) { o.ldx = kH - 1; });
  refuse_one(of_x_, "router is null", [](Route& o) { o.router = nullptr; });
  refuse_one(of_x_, "router_dtype is 3", [](Route& o) { o.router_dtype = TERNARY_F8_E4M3; });
  refuse_one(of_x_, "ld_router is 9", [](Route& o) { o.ld_router = kH - 1; });
  refuse_one(of_x_, "router_bias is at address", [&](Route& o) { o.router_bias = misaligned(in_.data()); });
  refuse_one(of_x_, "round_logits is 3", [](Route& o) { o.round_logits = TERNARY_F8_E4M3; });
}

TEST(AlignArguments, EachInTurn) {
  const std::vector<int32_t> ids(12, 1);
  std::vector<int32_t> slots(12, 99), offsets(7, 99);
  ternary_align_operands valid = {sizeof valid, 4, 3, 6, ids.data(), 3, slots.data(), offsets.data(), nullptr};
  const auto refuse = [&](const std::string& fragment, const std::function<void(ternary_align_operands&)>& rule) {
    ternary_align_operands o = valid;
    rule(o);
    expect_refused(ternary_oracle_align(&o), fragment, "oracle align");
    EXPECT_EQ(slots, std::vector<int32_t>(12, 99));
    EXPECT_EQ(offsets, std::vector<int32_t>(7, 99));
  };
  using Align = ternary_align_operands;
  expect_refused(ternary_oracle_align(nullptr), "operands is null", "oracle align");
  refuse("operands has size 64", [](Align& o) { o.size = 64; });
  refuse("M is 0", [](Align& o) { o.M = 0; });
  refuse("T is 65", [](Align& o) { o.T = 65; });
  refuse("E is 4097", [](Align& o) { o.E = 4097; });
  refuse("M is 1073741824 and T is 3; their product must be below 2^31", [](Align& o) { o.M = 1 << 30; });
  refuse("expert_ids is null", [](Align& o) { o.expert_ids = nullptr; });
  refuse("ld_ids is 2", [](Align& o) { o.ld_ids = 2; });
  refuse("slots is null", [](Align& o) { o.slots = nullptr; });
  refuse("offsets is null", [](Align& o) { o.offsets = nullptr; });
  refuse("overlaps expert_ids", [&](Align& o) { o.expert_ids = slots.data(); });
  refuse("overlaps slots", [](Align& o) { o.offsets = o.slots + 11; });
  refuse("expert_ids of row 0, slot 0 is 1; it must be -1 (none) or 0 to 0", [](Align& o) { o.E = 1; });
}

TEST(CombineArguments, EachInTurn) {
  const std::vector<float> d(24, 1), weights(6, 1);
  std::vector<int32_t> ids(6, 1);
  OutputMatrix y(TERNARY_F32, 2, 4, 4);
  ternary_combine_operands valid = {};
  valid.size = sizeof valid;
  valid.M = 2;
  valid.T = 3;
  valid.H = 4;
  valid.E = 6;
  valid.d = d.data();
  valid.ldd = 12;
  valid.expert_ids = ids.data();
  valid.ld_ids = valid.ld_weights = 3;
  valid.expert_weights = weights.data();
  valid.y = y.data();
  valid.ldy = 4;
  valid.scaling = 1;
  const auto refuse = [&](const std::string& fragment, const std::function<void(ternary_combine_operands&)>& rule) {
    ternary_combine_operands o = valid;
    rule(o);
    expect_refused(ternary_oracle_combine(&o), fragment, "oracle combine");
    EXPECT_EQ(y.anything_written(), "");
  };
  using Combine = ternary_combine_operands;
  expect_refused(ternary_oracle_combine(nullptr), "operands is null", "oracle combine");
  refuse("operands has size 152", [](Combine& o) { o.size = 152; });
  refuse("M is 0", [](Combine& o) { o.M = 0; });
  refuse("T is 0", [](Combine& o) { o.T = 0; });
  refuse("H is 0; it must be 1 to 2147483647", [](Combine& o) { o.H = 0; });
  refuse("E is 0", [](Combine& o) { o.E = 0; });
  refuse("d is null", [](Combine& o) { o.d = nullptr; });
  refuse("d_dtype is 3", [](Combine& o) { o.d_dtype = TERNARY_F8_E4M3; });
  refuse("ldd is 11; it must be at least the row's 12 elements", [](Combine& o) { o.ldd = 11; });
  refuse("expert_weights_dtype is 1", [](Combine& o) { o.expert_weights_dtype = TERNARY_F16; });
  refuse("ld_weights is 3, expert_weights_dtype is 0 and expert_weights is null",
         [](Combine& o) { o.expert_weights = nullptr; });
  refuse("scaling is 0", [](Combine& o) { o.scaling = 0; });
  refuse("y is null", [](Combine& o) { o.y = nullptr; });
  refuse("ldy is 3", [](Combine& o) { o.ldy = 3; });
  refuse("overlaps d", [&](Combine& o) { o.d = y.data(); });
  refuse("residual_out is given without residual", [&](Combine& o) { o.residual_out = y.data(); });
  ids[4] = 6;
  refuse("expert_ids of row 1, slot 1 is 6; it must be -1 (none) or 0 to 5", [](Combine&) {});
}

TEST(ExpertsOnACpu, TheirAsyncTwinsNeedAGpu) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cpu");
  int64_t bytes = 0;
  const auto needs_a_gpu = [](ternary_status status, const std::string& function) {
    EXPECT_EQ(status, TERNARY_UNSUPPORTED) << function;
    EXPECT_NE(std::string(ternary_last_error()).find(function + " needs a GPU"), std::string::npos)
        << ternary_last_error();
  };
  needs_a_gpu(ternary_route_async(runtime.get(), nullptr), "ternary_route_async");
  needs_a_gpu(ternary_align_async(runtime.get(), nullptr), "ternary_align_async");
  needs_a_gpu(ternary_combine_async(runtime.get(), nullptr), "ternary_combine_async");
  needs_a_gpu(ternary_route_workspace_bytes(runtime.get(), 1, 1, &bytes), "ternary_route_workspace_bytes");
  needs_a_gpu(ternary_synchronise(runtime.get(), nullptr), "ternary_synchronise");
}

}  // namespace
}  // namespace ternary::test
