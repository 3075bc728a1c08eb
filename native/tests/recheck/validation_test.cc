// TERNARY_VALIDATE, with kernels that are wrong on purpose: the caller gets the oracle's bits, and what was wrong is off.
#include <cstring>
#include <set>
#include <thread>

#include "experts/moe_problem.h"
#include "recheck/planted.h"
#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

const std::string kGuarded = "TERNARY_NUM_THREADS=2\nTERNARY_VALIDATE=1";

/** A product of one kind, and what its calls must give. */
struct Case {
  explicit Case(const ProblemSpec& spec)
      : problem(spec), layer(problem.layer(TERNARY_LAYOUT_I2S_TILED)), expected(problem.expected()) {}

  /** The path that serves it without faults. */
  std::string path() const {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
    return ternary_last_path(runtime.get());
  }

  /** The path of a call that must be right. */
  std::string right_call(ternary_runtime* runtime) const {
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, expected), "");
    return ternary_last_path(runtime);
  }

  Problem problem;
  LayerHandle layer;
  Output expected;
};

class Validation : public testing::Test {
 protected:
  Plants plants_{TERNARY_PLANTED_CPU, "cpu"};
};

/** Plans of ternary_runtime_plans(). */
size_t listed_plans(const ternary_runtime* runtime) {
  char json[4096] = {};
  EXPECT_EQ(ternary_runtime_plans(runtime, json, sizeof json, nullptr), TERNARY_OK) << ternary_last_error();
  size_t count = 0;
  for (const char* at = json; (at = std::strstr(at, "{\"path\":")) != nullptr; ++at) ++count;
  return count;
}

Counts checks(const ternary_runtime* runtime) { return watch_counts(runtime, "validation"); }
Counts checked(uint64_t count, uint64_t failed) { return {{"checked", count}, {"failed", failed}}; }

ProblemSpec normed_spec(bool in_place) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 3, 40, 200);
  spec.norm = true;
  spec.residual = TERNARY_F16;
  spec.in_place = in_place;
  return spec;
}

ProblemSpec group_spec() {
  ProblemSpec spec = plain_spec(TERNARY_A8, 2, 70, 520);
  spec.kind = TERNARY_ALPHA_GROUP;
  spec.group = 64;
  spec.y_dtype = TERNARY_BF16;
  return spec;
}

TEST_F(Validation, AWrongKernelIsReplacedSwitchedOffAndCounted) {
  struct {
    ProblemSpec spec;
    Fault fault;
  } const cases[] = {{plain_spec(TERNARY_A8, 1, 256, 200), wrong_y(0, 255)},
                     {plain_spec(TERNARY_A8, 3, 40, 200), wrong_y(1, 0)},
                     {plain_spec(TERNARY_A8, 40, 30, 200), wrong_y(39, 29)},
                     {plain_spec(TERNARY_A8, 40, 1000, 64), wrong_y(-1, 999)},
                     {plain_spec(TERNARY_A16, 3, 40, 200), wrong_y(2, 7, 1e4f)},
                     {group_spec(), wrong_y(1, 69)},
                     {normed_spec(false), wrong_y(2, 1)},
                     {normed_spec(true), wrong_y(2, 1)}};
  for (const auto& [spec, fault] : cases) {
    const Case a(spec);
    const std::string broken = a.path();
    const RuntimeHandle runtime = make_runtime(kGuarded);
    plants_.plant(runtime.get(), broken, fault);
    const std::string served = a.right_call(runtime.get());
    EXPECT_NE(served, broken) << spec.text();
    EXPECT_EQ(checks(runtime.get()), checked(2, 1)) << spec.text();
    const Counts fallbacks = counters_of(runtime.get()).fallbacks;
    EXPECT_EQ(fallbacks.at(broken + ":validation"), 1u) << spec.text();
    EXPECT_EQ(plans_made(runtime.get()), 2u) << "the first plan is not found again";
    EXPECT_EQ(listed_plans(runtime.get()), 1u) << "nor is it listed";
    EXPECT_EQ(a.right_call(runtime.get()), served) << spec.text();
    EXPECT_EQ(checks(runtime.get()), checked(2, 1)) << "a kind that was right is not compared again";
    EXPECT_EQ(plans_made(runtime.get()), 2u);
    EXPECT_EQ(counters_of(runtime.get()).fallbacks.at(broken + ":validation"), 2u)
        << "of every call it would have served";
    plants_.clear();
  }
}

/** The guard compares some columns; all of 256 are among them. */
TEST_F(Validation, AnyOneColumnOfAFewIsSeen) {
  const Case a(plain_spec(TERNARY_A8, 1, 256, 64));
  const std::string broken = a.path();
  for (int64_t n = 0; n < 256; n += 5) {
    const RuntimeHandle runtime = make_runtime(kGuarded);
    plants_.plant(runtime.get(), broken, wrong_y(0, n));
    EXPECT_NE(a.right_call(runtime.get()), broken) << "column " << n;
    plants_.clear();
  }
}

TEST_F(Validation, WithoutTheKnobAWrongKernelStaysWrong) {
  const Case a(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  plants_.plant(runtime.get(), a.path(), wrong_y(0, 3));
  Output got = a.problem.output();
  ASSERT_EQ(a.problem.run(runtime.get(), a.layer.get(), got), TERNARY_OK);
  EXPECT_NE(a.problem.verdict(got, a.expected), "");
  EXPECT_EQ(checks(runtime.get()), Counts());
}

TEST_F(Validation, AKernelThatIsWrongForOneNumberOfRowsIsOffForOthersToo) {
  const Case one(plain_spec(TERNARY_A8, 3, 40, 200)), two(plain_spec(TERNARY_A8, 2, 40, 200));
  ASSERT_EQ(one.path(), two.path()) << "else there is nothing to see";
  const std::string broken = one.path();
  const RuntimeHandle runtime = make_runtime(kGuarded);
  Fault fault = wrong_y(0, 5);
  fault.only_rows = 3;
  plants_.plant(runtime.get(), broken, fault);
  EXPECT_EQ(two.right_call(runtime.get()), broken) << "right so far";
  EXPECT_EQ(checks(runtime.get()), checked(1, 0));
  EXPECT_NE(one.right_call(runtime.get()), broken);
  EXPECT_EQ(checks(runtime.get()), checked(3, 1));
  EXPECT_NE(two.right_call(runtime.get()), broken);
  EXPECT_EQ(checks(runtime.get()), checked(4, 1)) << "compared again: another path serves";
}

TEST_F(Validation, CallsOfAnotherKernelStayAsTheyWere) {
  const Case a8(plain_spec(TERNARY_A8, 1, 40, 200)), a16(plain_spec(TERNARY_A16, 1, 40, 200));
  const RuntimeHandle runtime = make_runtime(kGuarded);
  const std::string other = a16.right_call(runtime.get());
  plants_.plant(runtime.get(), a8.path(), wrong_y(0, 1));
  a8.right_call(runtime.get());
  EXPECT_EQ(checks(runtime.get()), checked(3, 1));
  EXPECT_EQ(a16.right_call(runtime.get()), other);
  EXPECT_EQ(checks(runtime.get()), checked(3, 1)) << "its path was right and has not changed";
  const Counts fallbacks = counters_of(runtime.get()).fallbacks;
  EXPECT_EQ(fallbacks.count(other + ":validation"), 0u);
}

/** The kernel that makes rows ready is told from the product's: a residual's sum, or q, says which of them was wrong. */
TEST_F(Validation, RowsThatAreMadeReadyWrongSwitchOffWhatMadeThem) {
  if (available_isas().size() < 2) GTEST_SKIP() << "this machine has one kernel that makes rows ready";
  for (const bool in_place : {false, true}) {
    for (const Fault::Where where : {Fault::Where::residual_out, Fault::Where::q}) {
      const Case a(normed_spec(in_place));
      const std::string path = a.path();
      const RuntimeHandle runtime = make_runtime(kGuarded);
      std::string broken;
      for (const KernelInfo& kernel : kernels_of(runtime.get())) {
        if (kernel.stage == "activations" && kernel.available && broken.empty()) broken = kernel.name;
      }
      plants_.plant(runtime.get(), "linear." + broken, {where, 2, 17, 64, 0});
      EXPECT_EQ(a.right_call(runtime.get()), path) << "the product's kernel stays";
      EXPECT_EQ(checks(runtime.get()), checked(2, 1));
      EXPECT_EQ(counters_of(runtime.get()).fallbacks, (Counts{{"rmsnorm_linear." + broken + ":validation", 1}}));
      a.right_call(runtime.get());
      EXPECT_EQ(checks(runtime.get()), checked(2, 1));
      plants_.clear();
    }
  }
}

TEST_F(Validation, RowsThatAreQuantisedWrongAreQuantisedAgain) {
  if (available_isas().size() < 2) GTEST_SKIP() << "this machine has one kernel that makes rows ready";
  const int64_t M = 3, K = 200;
  const Problem problem(plain_spec(TERNARY_A8, M, 1, K));
  const RuntimeHandle runtime = make_runtime(kGuarded), plain = make_runtime("TERNARY_NUM_THREADS=2");
  const auto quantise = [&](ternary_runtime* on) {
    std::vector<int8_t> q(M * K);
    std::vector<float> s(M);
    const ternary_quantise_operands operands = quantised(problem.x.data(), TERNARY_F32, K, q.data(), K, s.data(), M, K);
    EXPECT_EQ(on == nullptr ? ternary_oracle_quantise(&operands) : ternary_quantise(on, &operands), TERNARY_OK)
        << ternary_last_error();
    return q;
  };
  const std::vector<int8_t> expected = quantise(nullptr);
  EXPECT_EQ(quantise(plain.get()), expected);
  const std::string broken = ternary_last_path(plain.get());
  plants_.plant(plain.get(), broken, {Fault::Where::q, 1, 150, 0, 0});
  EXPECT_NE(quantise(plain.get()), expected);
  for (uint64_t call = 1; call <= 2; ++call) {
    EXPECT_EQ(quantise(runtime.get()), expected);
    EXPECT_EQ(checks(runtime.get()), checked(2, 1));
    EXPECT_EQ(counters_of(runtime.get()).fallbacks, (Counts{{broken + ":validation", call}}));
  }
  plants_.plant_all(plain.get(), "activations", {Fault::Where::q, 1, 150, 0, 0});
  const RuntimeHandle none = make_runtime(kGuarded);
  std::vector<int8_t> q(M * K);
  std::vector<float> s(M);
  const ternary_quantise_operands operands = quantised(problem.x.data(), TERNARY_F32, K, q.data(), K, s.data(), M, K);
  EXPECT_EQ(ternary_quantise(none.get(), &operands), TERNARY_UNSUPPORTED);
  EXPECT_NE(std::string(ternary_last_error()).find("and nothing can serve in its place"), std::string::npos)
      << ternary_last_error();
}

TEST_F(Validation, IfEveryRowIsWrongTheCallFails) {
  const Case a(normed_spec(true));
  const RuntimeHandle runtime = make_runtime(kGuarded);
  plants_.plant_all(runtime.get(), "gemm_a8", wrong_y(0, 4));
  Output got = a.problem.output();
  EXPECT_EQ(a.problem.run(runtime.get(), a.layer.get(), got), TERNARY_UNSUPPORTED);
  const std::string sentence = ternary_last_error();
  EXPECT_EQ(sentence.rfind(
                "TERNARY_VALIDATE found no path that gives the oracle's result for M = 3, N = 40, K = 200, after ", 0),
            0u)
      << sentence;
  EXPECT_NE(sentence.find("gemm_a8_i2s.cpu.portable"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(": no rmsnorm_linear kernel serves this problem"), std::string::npos) << sentence;
  EXPECT_EQ(a.problem.run(runtime.get(), a.layer.get(), got), TERNARY_UNSUPPORTED) << "nor does the next one";
}

TEST_F(Validation, WithOnlyTheFirstKernelAllowedAWrongOneIsAnError) {
  const Case a(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = make_runtime(kGuarded + "\nTERNARY_I2S_ONLY=1");
  plants_.plant(runtime.get(), a.path(), wrong_y(0, 4));
  Output got = a.problem.output();
  EXPECT_EQ(a.problem.run(runtime.get(), a.layer.get(), got), TERNARY_UNSUPPORTED);
  EXPECT_NE(std::string(ternary_last_error()).find("refuses the problem: validation"), std::string::npos)
      << ternary_last_error();
}

TEST_F(Validation, KernelsThatAreRightAreComparedOnceAndStay) {
  const RuntimeHandle runtime = make_runtime(kGuarded), plain = make_runtime("TERNARY_NUM_THREADS=2");
  std::set<std::string> kinds;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const Case a(random_spec(seed, 60000));
    const std::string path = a.right_call(plain.get());
    EXPECT_EQ(a.right_call(runtime.get()), path);
    EXPECT_EQ(a.right_call(runtime.get()), path);
    const std::string text = a.problem.spec().text();
    kinds.insert(text.substr(0, text.find(" seed=")));  // some seeds make the same product
  }
  EXPECT_EQ(checks(runtime.get()), checked(kinds.size(), 0));
}

TEST_F(Validation, ThreadsThatMeetAWrongKernelAtOnceAreAllRight) {
  for (int round = 0; round < 20; ++round) {
    const Case a(plain_spec(TERNARY_A8, 2, 64, 200));
    const std::string broken = a.path();
    const RuntimeHandle runtime = make_runtime(kGuarded);
    plants_.plant(runtime.get(), broken, wrong_y(1, 63));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int call = 0; call < 5; ++call) EXPECT_NE(a.right_call(runtime.get()), broken);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GE(checks(runtime.get()).at("failed"), 1u);
    plants_.clear();
  }
}

class ValidationOfExperts : public Validation {};

TEST_F(ValidationOfExperts, AWrongProductIsReplacedAndItsPathsAreOff) {
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    MoeProblemSpec spec = plain_moe_spec(5, 2, 4, 96, 80);
    spec.spec.activation = activation;
    spec.residual = spec.in_place = true;
    const MoeProblem problem(spec);
    const MoeOutput expected = problem.expected();
    const auto right_call = [&](ternary_runtime* runtime) {
      const MoeOutput got = problem.output();
      const ternary_moe_operands operands = problem.operands(got);
      EXPECT_EQ(ternary_apply_moe(runtime, problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
      EXPECT_EQ(problem.verdict(got, expected), "");
      return std::string(ternary_last_path(runtime));
    };
    const RuntimeHandle plain = make_runtime("TERNARY_NUM_THREADS=2"), runtime = make_runtime(kGuarded);
    const std::string broken = right_call(plain.get());
    plants_.plant(runtime.get(), broken, wrong_y(0, 3, 1e4f));
    const std::string served = right_call(runtime.get());
    EXPECT_NE(served, broken);
    EXPECT_EQ(checks(runtime.get()), checked(2, 1));
    EXPECT_EQ(counters_of(runtime.get()).fallbacks.at(broken + ":validation"), 1u);
    EXPECT_EQ(counters_of(runtime.get()).fallbacks.at("moe_down." + row_name(broken) + ":validation"), 1u);
    EXPECT_EQ(right_call(runtime.get()), served);
    EXPECT_EQ(checks(runtime.get()), checked(2, 1));
    plants_.clear();
  }
}

TEST_F(ValidationOfExperts, RowsThatAreMadeReadyWrongSwitchOffWhatMadeThem) {
  if (available_isas().size() < 2) GTEST_SKIP() << "this machine has one kernel that makes rows ready";
  const MoeProblem problem(plain_moe_spec(3, 2, 4, 96, 80));
  const MoeOutput expected = problem.expected();
  const RuntimeHandle runtime = make_runtime(kGuarded);
  std::string broken;
  for (const KernelInfo& kernel : kernels_of(runtime.get())) {
    if (kernel.stage == "activations" && kernel.available && broken.empty()) broken = kernel.name;
  }
  plants_.plant(runtime.get(), "moe_activations." + broken, {Fault::Where::q, -1, 17, 0, 0});
  for (uint64_t call = 1; call <= 2; ++call) {
    const MoeOutput got = problem.output();
    const ternary_moe_operands operands = problem.operands(got);
    ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(problem.verdict(got, expected), "");
    EXPECT_EQ(checks(runtime.get()), checked(2, 1));
    EXPECT_EQ(counters_of(runtime.get()).fallbacks, (Counts{{"moe_activations." + broken + ":validation", call}}));
  }
}

TEST_F(ValidationOfExperts, RightLayersAreComparedOnce) {
  const RuntimeHandle runtime = make_runtime(kGuarded);
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const MoeProblem problem(random_moe_spec(seed));
    const MoeOutput expected = problem.expected();
    for (int call = 0; call < 2; ++call) {
      const MoeOutput got = problem.output();
      const ternary_moe_operands operands = problem.operands(got);
      ASSERT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
      EXPECT_EQ(problem.verdict(got, expected), "");
    }
  }
  EXPECT_EQ(checks(runtime.get()), checked(40, 0));
}

TEST_F(ValidationOfExperts, IfEveryRowIsWrongTheCallFails) {
  const MoeProblem problem(plain_moe_spec(2, 2, 4, 96, 80));
  const RuntimeHandle runtime = make_runtime(kGuarded);
  plants_.plant_all(runtime.get(), "gemm_a8", wrong_y(0, 4));
  const MoeOutput got = problem.output();
  const ternary_moe_operands operands = problem.operands(got);
  EXPECT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_UNSUPPORTED);
  EXPECT_EQ(std::string(ternary_last_error()).rfind("TERNARY_VALIDATE found no path", 0), 0u) << ternary_last_error();
}

}  // namespace
}  // namespace ternary::test
