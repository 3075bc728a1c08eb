// TERNARY_SHADOW, with kernels that are wrong on purpose: what is written down, what is counted, and that the caller does not
// notice.
#include <cmath>
#include <cstdio>
#include <sstream>
#include <thread>

#include "experts/moe_problem.h"
#include "recheck/planted.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** A file's name, and nothing of it at the end. */
class ShadowFile {
 public:
  ShadowFile() : path_(testing::TempDir() + "ternary-shadow-" + std::to_string(getpid()) + ".jsonl") { remove(); }
  ~ShadowFile() { remove(); }
  ShadowFile(const ShadowFile&) = delete;
  ShadowFile& operator=(const ShadowFile&) = delete;

  const std::string& path() const { return path_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::istringstream text(read_text(path_));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

 private:
  void remove() const { std::remove(path_.c_str()); }

  const std::string path_;
};

class Shadow : public testing::Test {
 protected:
  /** A runtime whose shadow writes to the file. */
  RuntimeHandle shadowed(const std::string& settings) const {
    return make_runtime("TERNARY_NUM_THREADS=2\nTERNARY_SHADOW_FILE=" + file_.path() + '\n' + settings);
  }

  ShadowFile file_;
  Plants plants_{TERNARY_PLANTED_CPU, "cpu"};
};

Counts counts(const ternary_runtime* runtime) { return watch_counts(runtime, "shadow"); }
Counts counted(uint64_t sampled, uint64_t different, uint64_t written, uint64_t failed = 0) {
  return {{"sampled", sampled}, {"unsampled", 0}, {"different", different}, {"written", written}, {"failed", failed}};
}

struct Call {
  explicit Call(const ProblemSpec& spec)
      : problem(spec), layer(problem.layer(TERNARY_LAYOUT_I2S_TILED)), expected(problem.expected()) {}

  Output run(ternary_runtime* runtime) const {
    Output got = problem.output();
    EXPECT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OK) << ternary_last_error();
    return got;
  }

  std::string path() const {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
    run(runtime.get());
    return ternary_last_path(runtime.get());
  }

  Problem problem;
  LayerHandle layer;
  Output expected;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

double rms(const OutputMatrix& y, int64_t m) {
  double squares = 0;
  for (int64_t n = 0; n < y.columns(); ++n) squares += double{y.value(m, n)} * y.value(m, n);
  return std::sqrt(squares / static_cast<double>(y.columns()));
}

TEST_F(Shadow, ADifferenceIsALineAndTheCallerKeepsWhatItGot) {
  const Call call(plain_spec(TERNARY_A8, 3, 40, 200));
  const std::string path = call.path();
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  call.run(runtime.get());
  EXPECT_EQ(file_.lines(), std::vector<std::string>()) << "a call that was right";
  EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));

  plants_.plant(runtime.get(), path, wrong_y(1, 7));
  const Output got = call.run(runtime.get());
  EXPECT_EQ(ternary_last_path(runtime.get()), path);
  const double wrong = got.y.value(1, 7), right = call.expected.y.value(1, 7), difference = std::fabs(wrong - right);
  ASSERT_GT(difference, 60) << "as it was planted: a shadow changes nothing";
  const double relative = difference / std::fmax(std::fabs(right), rms(call.expected.y, 1));
  EXPECT_EQ(file_.lines(),
            std::vector<std::string>{
                "{\"op\":\"linear\",\"M\":3,\"N\":40,\"K\":200,\"activation\":\"A8\",\"layout\":\"i2s_tiled\","
                "\"path\":\"" +
                path + "\",\"by\":\"oracle\",\"worst_row\":1,\"max_abs\":" + number(difference) +
                ",\"max_rel\":" + number(relative) + ",\"different\":1,\"elements\":120}"});
  EXPECT_EQ(counts(runtime.get()), counted(2, 1, 1));
}

TEST_F(Shadow, TheWorstRowIsTheOneThatIsFurthestOff) {
  const Call call(plain_spec(TERNARY_A8, 5, 40, 200));
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  plants_.plant(runtime.get(), call.path(), wrong_y(-1, 7, 0.5f));
  const Output got = call.run(runtime.get());
  int64_t worst = 0;
  const auto off = [&](int64_t m) { return std::fabs(double{got.y.value(m, 7)} - call.expected.y.value(m, 7)); };
  for (int64_t m = 1; m < 5; ++m) {
    if (off(m) > off(worst)) worst = m;
  }
  ASSERT_EQ(file_.lines().size(), 1u);
  EXPECT_NE(file_.lines()[0].find("\"worst_row\":" + std::to_string(worst) + ",\"max_abs\":" + number(off(worst))),
            std::string::npos)
      << file_.lines()[0];
  EXPECT_NE(file_.lines()[0].find("\"different\":5,"), std::string::npos) << file_.lines()[0];
}

TEST_F(Shadow, WhatIsNotFiniteIsNoNumberOfJson) {
  const Call call(plain_spec(TERNARY_A8, 2, 40, 200));
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  plants_.plant(runtime.get(), call.path(), wrong_y(1, 7, INFINITY));
  call.run(runtime.get());
  ASSERT_EQ(file_.lines().size(), 1u);
  EXPECT_NE(file_.lines()[0].find("\"worst_row\":1,\"max_abs\":null,\"max_rel\":null,\"different\":1,"),
            std::string::npos)
      << file_.lines()[0];
}

TEST_F(Shadow, TheSumOfAResidualIsComparedAlsoWhereItTakesTheResidualsPlace) {
  for (const bool in_place : {false, true}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, 3, 40, 200);
    spec.norm = true;
    spec.residual = TERNARY_F32;
    spec.residual_gap = 9;
    spec.in_place = in_place;
    const Call call(spec);
    const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
    const Output right = call.run(runtime.get());
    EXPECT_EQ(call.problem.verdict(right, call.expected), "");
    EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));
    plants_.plant_all(runtime.get(), "activations", {Fault::Where::residual_out, 2, 11, 64, 0});
    call.run(runtime.get());
    ASSERT_EQ(file_.lines().size(), in_place ? 2u : 1u);
    const std::string line = file_.lines().back();
    EXPECT_EQ(line.rfind("{\"op\":\"rmsnorm_linear\",", 0), 0u) << line;
    EXPECT_NE(line.find("\"worst_row\":2,"), std::string::npos) << line;
    EXPECT_NE(line.find("\"different\":1,\"elements\":720}"), std::string::npos) << line;
    plants_.clear();
  }
}

TEST_F(Shadow, OfOneThreadEveryNthCallIsSampled) {
  const Call call(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=3");
  const uint64_t sampled[] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4};
  for (const uint64_t expected : sampled) {
    call.run(runtime.get());
    EXPECT_EQ(counts(runtime.get()), counted(expected, 0, 0));
  }
}

TEST_F(Shadow, LinesEndWhereTheyMustAndDifferencesAreCountedOn) {
  const Call call(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1\nTERNARY_SHADOW_MAX_DIFFS=2");
  plants_.plant(runtime.get(), call.path(), wrong_y(0, 1));
  for (int i = 0; i < 5; ++i) call.run(runtime.get());
  EXPECT_EQ(file_.lines().size(), 2u);
  EXPECT_EQ(counts(runtime.get()), counted(5, 5, 2));
}

TEST_F(Shadow, WithoutAFileDifferencesAreCounted) {
  const Call call(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = make_runtime("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  plants_.plant(runtime.get(), call.path(), wrong_y(0, 1));
  call.run(runtime.get());
  EXPECT_EQ(counts(runtime.get()), counted(1, 1, 0));
}

TEST_F(Shadow, AFileThatCannotBeWrittenIsCountedAndSaidOnce) {
  const Call call(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime =
      make_runtime("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1\nTERNARY_SHADOW_FILE=/dev/full");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  plants_.plant(runtime.get(), call.path(), wrong_y(0, 1));
  const uint64_t notices = *ternary_runtime_notices(runtime.get());
  for (int i = 0; i < 3; ++i) call.run(runtime.get());
  EXPECT_EQ(counts(runtime.get()), counted(3, 3, 0, 3));
  EXPECT_EQ(*ternary_runtime_notices(runtime.get()), notices + 1);
  EXPECT_NE(counters_json_of(runtime.get())
                .find("\"shadow_error\":\"the shadow's file /dev/full cannot be written: No space left on device\""),
            std::string::npos)
      << counters_json_of(runtime.get());
}

TEST_F(Shadow, AFileThatCannotBeMadeIsAnErrorAtOnce) {
  EXPECT_EQ(make_runtime("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_FILE=/no/such/folder/s.jsonl"), nullptr);
  EXPECT_EQ(std::string(ternary_last_error()).rfind("TERNARY_SHADOW_FILE is \"/no/such/folder/s.jsonl\"; ", 0), 0u)
      << ternary_last_error();
}

TEST_F(Shadow, AReferenceThatTheMachineLacksIsAnErrorAtOnce) {
  EXPECT_EQ(make_runtime("TERNARY_SHADOW=cuda:63"), nullptr);
  EXPECT_EQ(std::string(ternary_last_error()).rfind("TERNARY_SHADOW is \"cuda:63\", which cannot compute here: ", 0),
            0u)
      << ternary_last_error();
}

TEST_F(Shadow, AnotherInstructionSetComputesAgain) {
  const std::vector<std::string> isas = available_isas();
  if (isas.size() < 2) GTEST_SKIP() << "this machine has one";
  const Call call(plain_spec(TERNARY_A8, 3, 40, 200));
  const std::string path = call.path();
  for (const char* by : {"portable", "cpu"}) {
    const size_t before = file_.lines().size();
    const RuntimeHandle runtime = shadowed(std::string("TERNARY_SHADOW=") + by + "\nTERNARY_SHADOW_EVERY=1");
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    call.run(runtime.get());
    EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));
    plants_.plant(runtime.get(), path, wrong_y(1, 7));
    call.run(runtime.get());
    EXPECT_EQ(ternary_last_path(runtime.get()), path) << "not the reference's";
    EXPECT_EQ(counters_of(runtime.get()).paths, (Counts{{path, 2}})) << "nor are its calls counted";
    // The same kernel is wrong both times.
    const bool differs = std::string(by) == "portable";
    EXPECT_EQ(counts(runtime.get()), differs ? counted(2, 1, 1) : counted(2, 0, 0)) << by;
    ASSERT_EQ(file_.lines().size(), before + differs);
    EXPECT_TRUE(!differs || file_.lines().back().find("\"by\":\"portable\",") != std::string::npos);
    plants_.clear();
  }
}

TEST_F(Shadow, A16MayDifferByTheBoundOfItsSums) {
  ProblemSpec spec = plain_spec(TERNARY_A16, 2, 40, 4096);
  spec.bias = false;
  const Call call(spec);
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1");
  const double right = call.expected.y.value(1, 7), bound = a16_bound(call.problem, 1, 7, right);
  ASSERT_GT(bound, 0);
  plants_.plant(runtime.get(), call.path(), wrong_y(1, 7, static_cast<float>(bound * 0.9)));
  const Output near = call.run(runtime.get());
  ASSERT_NE(near.y.value(1, 7), right);
  EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));
  plants_.plant(runtime.get(), call.path(), wrong_y(1, 7, static_cast<float>(bound * 1.2)));
  call.run(runtime.get());
  EXPECT_EQ(counts(runtime.get()), counted(2, 1, 1));
  EXPECT_NE(file_.lines().at(0).find("\"activation\":\"A16\""), std::string::npos) << file_.lines()[0];
}

/** What the tests and the core call the bound is the same, whatever the product. */
TEST_F(Shadow, RightProductsOfAllKindsHaveNoLine) {
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1\nTERNARY_VALIDATE=1");
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Call call(seed % 2 == 0 ? random_spec(seed, 40000) : random_block_spec(seed, 40000));
    EXPECT_EQ(call.problem.verdict(call.run(runtime.get()), call.expected), "");
  }
  EXPECT_EQ(counts(runtime.get()), counted(200, 0, 0));
  EXPECT_EQ(file_.lines(), std::vector<std::string>());
}

TEST_F(Shadow, ALayerOfExpertsIsComputedAgain) {
  MoeProblemSpec spec = plain_moe_spec(5, 2, 4, 96, 80);
  spec.residual = spec.in_place = true;
  const MoeProblem problem(spec);
  const MoeOutput expected = problem.expected();
  for (const char* by : {"oracle", "portable"}) {
    const size_t before = file_.lines().size();
    const RuntimeHandle runtime = shadowed(std::string("TERNARY_SHADOW=") + by + "\nTERNARY_SHADOW_EVERY=1");
    const auto call = [&] {
      MoeOutput got = problem.output();
      const ternary_moe_operands operands = problem.operands(got);
      EXPECT_EQ(ternary_apply_moe(runtime.get(), problem.moe(), &operands), TERNARY_OK) << ternary_last_error();
      return got;
    };
    EXPECT_EQ(problem.verdict(call(), expected), "");
    EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));
    const std::string path = ternary_last_path(runtime.get());
    if (path.find(".portable") != std::string::npos) return;
    plants_.plant(runtime.get(), path, wrong_y(0, 3));
    call();
    EXPECT_EQ(counts(runtime.get()), counted(2, 1, 1));
    ASSERT_EQ(file_.lines().size(), before + 1);
    EXPECT_EQ(file_.lines().back().rfind(
                  "{\"op\":\"moe\",\"M\":5,\"N\":96,\"K\":96,\"activation\":\"A8\",\"layout\":\"i2s_tiled\","
                  "\"path\":\"" +
                      path + "\",\"by\":\"" + by + "\",\"worst_row\":",
                  0),
              0u)
        << file_.lines().back();
    EXPECT_NE(file_.lines().back().find("\"elements\":960}"), std::string::npos) << file_.lines().back();
    plants_.clear();
  }
}

TEST_F(Shadow, TheGuardComesFirst) {
  const Call call(plain_spec(TERNARY_A8, 1, 40, 64));
  const RuntimeHandle runtime = shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=1\nTERNARY_VALIDATE=1");
  plants_.plant(runtime.get(), call.path(), wrong_y(0, 1));
  EXPECT_EQ(call.problem.verdict(call.run(runtime.get()), call.expected), "");
  EXPECT_EQ(counts(runtime.get()), counted(1, 0, 0));
}

TEST_F(Shadow, ThreadsAndRuntimesShareAFileLineByLine) {
  const Call call(plain_spec(TERNARY_A8, 2, 40, 64));
  const std::string path = call.path();
  const RuntimeHandle runtimes[] = {
      shadowed("TERNARY_SHADOW=portable\nTERNARY_SHADOW_EVERY=1\nTERNARY_SHADOW_MAX_DIFFS=1000"),
      shadowed("TERNARY_SHADOW=oracle\nTERNARY_SHADOW_EVERY=2\nTERNARY_SHADOW_MAX_DIFFS=1000")};
  const bool differs = path.find(".portable") == std::string::npos;
  plants_.plant(runtimes[0].get(), path, wrong_y(0, 1));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 25; ++n) call.run(runtimes[i % 2].get());
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t written = 0;
  for (const RuntimeHandle& runtime : runtimes) {
    const Counts of = counts(runtime.get());
    EXPECT_EQ(of.at("failed"), 0u);
    EXPECT_EQ(of.at("written"), of.at("different"));
    written += of.at("written");
  }
  EXPECT_EQ(counts(runtimes[0].get()).at("sampled"), 50u);
  EXPECT_EQ(counts(runtimes[0].get()).at("different"), differs ? 50u : 0u);
  EXPECT_GE(counts(runtimes[1].get()).at("sampled"), 25u);
  ASSERT_EQ(file_.lines().size(), written);
  for (const std::string& line : file_.lines()) {
    EXPECT_EQ(line.rfind("{\"op\":\"linear\",\"M\":2,", 0), 0u) << line;
    EXPECT_EQ(line.back(), '}') << line;
  }
}

}  // namespace
}  // namespace ternary::test
