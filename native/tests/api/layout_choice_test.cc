// ternary_choose_layout(): the written rule, with tuning files that make each of its branches the one that decides.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/problem.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

constexpr int64_t kN = 6400, kK = 2400;  // multiples of 16, 20 and 48: 2.00, 1.60 and 1.67 bits a weight

ternary_layout choice(ternary_runtime* runtime, int64_t working_set, ternary_activation activation = TERNARY_A8,
                      int64_t N = kN, int64_t K = kK) {
  ternary_layout layout = TERNARY_LAYOUT_I2S;
  EXPECT_EQ(ternary_choose_layout(runtime, activation, N, K, working_set, &layout), TERNARY_OK) << ternary_last_error();
  return layout;
}

/** Memory gives 10 GB/s to one thread and 16 to all, a core multiplies 60 or 45 weights a nanosecond. So streaming,
 *  microseconds for a million weights: one thread 25 (I2S, memory) and 22.2 (T5, core). T3's core is too slow to win. */
TuningLines model() {
  TuningLines lines = own_tuning("portable");
  for (const auto& [name, value] : TuningLines{{"resident_bytes", "1000000"},
                                               {"memory_mb_per_s_one_thread", "10000"},
                                               {"memory_mb_per_s_all_threads", "16000"},
                                               {"i2s_weights_per_us", "60000"},
                                               {"t5_weights_per_us", "45000"},
                                               {"t3_weights_per_us", "1000"},
                                               {"i2s_a16_weights_per_us", "9000"},
                                               {"t5_a16_weights_per_us", "8000"},
                                               {"t3_a16_weights_per_us", "1000"}}) {
    lines = with(lines, name, value);
  }
  return lines;
}

RuntimeHandle runtime_of(const TuningLines& lines, int threads) {
  const TuningFile file(lines);
  RuntimeHandle runtime = file.runtime("portable", threads);
  EXPECT_EQ(json_value(tuning_of(runtime.get()), "error"), "");
  return runtime;
}

TEST(LayoutChoice, WeightsThatStayInCacheAreKeptInI2s) {
  const RuntimeHandle runtime = runtime_of(model(), 2);
  EXPECT_EQ(choice(runtime.get(), 4000000, TERNARY_A8, 160, 160), TERNARY_LAYOUT_I2S_TILED) << "1 MB just fits";
  EXPECT_EQ(choice(runtime.get(), 4000004, TERNARY_A8, 160, 160), TERNARY_LAYOUT_T5_TILED);
  EXPECT_EQ(choice(runtime.get(), 0, TERNARY_A8, 160, 160), TERNARY_LAYOUT_I2S_TILED) << "0 is the matrix alone";
  EXPECT_EQ(choice(runtime.get(), 0), TERNARY_LAYOUT_T5_TILED);
}

TEST(LayoutChoice, StreamingWeightsTakeTheLayoutWithTheSmallerTime) {
  // Two threads: memory takes 15.6 (I2S) and 12.5 (T5), cores 8.3 and 11.1. One thread: 25 and max(20, 22.2).
  EXPECT_EQ(choice(runtime_of(model(), 2).get(), 0), TERNARY_LAYOUT_T5_TILED);
  EXPECT_EQ(choice(runtime_of(model(), 1).get(), 0), TERNARY_LAYOUT_T5_TILED);
  // A slower T5 core: one thread needs 26.3 for T5, two 13.2, so only many threads are held up by memory.
  const TuningLines slow = with(model(), "t5_weights_per_us", "38000");
  EXPECT_EQ(choice(runtime_of(slow, 1).get(), 0), TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(choice(runtime_of(slow, 2).get(), 0), TERNARY_LAYOUT_T5_TILED);
  EXPECT_EQ(choice(runtime_of(slow, 8).get(), 0), TERNARY_LAYOUT_T5_TILED);
  // Memory as fast as the caches: the faster core decides.
  const TuningLines fast =
      with(with(model(), "memory_mb_per_s_one_thread", "90000"), "memory_mb_per_s_all_threads", "720000");
  EXPECT_EQ(choice(runtime_of(fast, 1).get(), 0), TERNARY_LAYOUT_I2S_TILED);
  EXPECT_EQ(choice(runtime_of(fast, 8).get(), 0), TERNARY_LAYOUT_I2S_TILED);
  const TuningLines tie = with(fast, "t5_weights_per_us", "60000");
  EXPECT_EQ(choice(runtime_of(tie, 1).get(), 0), TERNARY_LAYOUT_I2S_TILED);
}

TEST(LayoutChoice, T3IsTheThirdChoice) {
  // One thread: 25 (I2S, memory), 22.2 (T5, core), and for T3 20.8 (memory) or what its core takes.
  const auto with_t3 = [](const char* rate) { return with(model(), "t3_weights_per_us", rate); };
  EXPECT_EQ(choice(runtime_of(with_t3("48500"), 1).get(), 0), TERNARY_LAYOUT_T3_TILED) << "20.8";
  EXPECT_EQ(choice(runtime_of(with_t3("45100"), 1).get(), 0), TERNARY_LAYOUT_T3_TILED) << "22.17";
  EXPECT_EQ(choice(runtime_of(with_t3("45000"), 1).get(), 0), TERNARY_LAYOUT_T5_TILED) << "a tie";
  EXPECT_EQ(choice(runtime_of(with_t3("41000"), 1).get(), 0), TERNARY_LAYOUT_T5_TILED) << "24.4";
  const TuningLines slow = with(with_t3("41000"), "t5_weights_per_us", "38000");
  EXPECT_EQ(choice(runtime_of(slow, 1).get(), 0), TERNARY_LAYOUT_T3_TILED) << "25, 26.3 and 24.4";
  // Two threads: memory takes 15.6, 12.5 and 13.0, whatever the cores.
  EXPECT_EQ(choice(runtime_of(with_t3("90000"), 2).get(), 0), TERNARY_LAYOUT_T5_TILED);
  EXPECT_EQ(choice(runtime_of(with_t3("90000"), 1).get(), 4000000, TERNARY_A8, 160, 160), TERNARY_LAYOUT_I2S_TILED)
      << "1 MB just fits";
  EXPECT_EQ(choice(runtime_of(with(model(), "t3_a16_weights_per_us", "9100"), 2).get(), 0, TERNARY_A16),
            TERNARY_LAYOUT_T3_TILED)
      << "55.6, 62.5 and 54.9";
  EXPECT_EQ(choice(runtime_of(with_t3("90000"), 1).get(), int64_t{1} << 40, TERNARY_A8, 16, 16),
            TERNARY_LAYOUT_I2S_TILED)
      << "a tile of T3 is 160 bytes";
}

TEST(LayoutChoice, T3WhereItHasAKernelOfTheBestIsa) {
  for (const std::string& isa : available_isas()) {
    TuningLines lines = own_tuning(isa);
    for (const char* name : {"i2s_weights_per_us", "t5_weights_per_us", "i2s_a16_weights_per_us",
                             "t5_a16_weights_per_us", "resident_bytes"}) {
      lines = with(lines, name, "1");
    }
    const RuntimeHandle runtime = TuningFile(lines).runtime(isa, 2);
    for (const char* stage : {"a8", "a16"}) {
      const ternary_activation activation = stage[1] == '8' ? TERNARY_A8 : TERNARY_A16;
      const bool own = isa == "portable" || isa == "avx2" || (isa == "avxvnni" && activation == TERNARY_A16);
      EXPECT_EQ(choice(runtime.get(), 0, activation) == TERNARY_LAYOUT_T3_TILED, own) << isa << " " << stage;
    }
  }
}

TEST(LayoutChoice, BytesAreThoseOfTheTilesAndRatesThoseOfTheActivation) {
  const RuntimeHandle two = runtime_of(model(), 2);
  EXPECT_EQ(choice(two.get(), int64_t{1} << 40, TERNARY_A8, 16, 16), TERNARY_LAYOUT_I2S_TILED) << "both are one tile";
  EXPECT_EQ(choice(two.get(), int64_t{1} << 40, TERNARY_A8, 16, 80), TERNARY_LAYOUT_T5_TILED) << "5 tiles and 4";
  EXPECT_EQ(choice(two.get(), 0, TERNARY_A16), TERNARY_LAYOUT_I2S_TILED) << "55 and 62: cores hold both up";
  EXPECT_EQ(choice(runtime_of(model(), 16).get(), 0, TERNARY_A16), TERNARY_LAYOUT_T5_TILED);
}

TEST(LayoutChoice, I2sWhereT5HasNoKernelOfTheIsa) {
  for (const std::string& isa : available_isas()) {
    const TuningFile file(with(with(own_tuning(isa), "resident_bytes", "1"), "memory_mb_per_s_all_threads", "1"));
    const RuntimeHandle runtime = file.runtime(isa, 2);
    const bool served = info_of(runtime.get()).find("_a8_t5.cpu." + isa + "\"") != std::string::npos;
    if (isa == "amx") continue;  // its T5 kernel is for many rows; what serves one row is avx512vnni's
    EXPECT_EQ(choice(runtime.get(), 0), served ? TERNARY_LAYOUT_T5_TILED : TERNARY_LAYOUT_I2S_TILED) << isa;
  }
}

TEST(LayoutChoice, WithoutATuningTheMachinesCachesDecide) {
  const RuntimeHandle runtime = make_runtime();
  const int64_t cache = std::stoll(json_value(tuning_of(runtime.get()), "cache_bytes"));
  EXPECT_EQ(choice(runtime.get(), std::max<int64_t>(4 * cache, 25600), TERNARY_A8, 160, 160), TERNARY_LAYOUT_I2S_TILED);
  const ternary_layout streaming = choice(runtime.get(), int64_t{1} << 60);
  EXPECT_NE(streaming, TERNARY_LAYOUT_I2S);
}

TEST(LayoutChoice, EitherChoiceGivesTheSameBits) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isa);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const Problem problem(random_spec(seed * 19, 300000));
      if (problem.spec().activation == TERNARY_A16) continue;
      const Output expected = problem.expected();
      for (ternary_layout layout : kTiledLayouts) {
        Output got = problem.output();
        ASSERT_EQ(problem.run(runtime.get(), problem.layer(layout).get(), got), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(problem.verdict(got, expected), "") << isa << ", layout " << layout;
      }
    }
  }
}

TEST(LayoutChoice, ArgumentsAreChecked) {
  const RuntimeHandle runtime = make_runtime();
  ternary_layout layout = TERNARY_LAYOUT_I2S;
  const auto refused = [&](const char* part, ternary_status status) {
    EXPECT_EQ(status, TERNARY_INVALID_ARGUMENT) << part;
    EXPECT_NE(std::string(ternary_last_error()).find(part), std::string::npos) << ternary_last_error();
    EXPECT_EQ(layout, TERNARY_LAYOUT_I2S) << "nothing was written";
  };
  ternary_runtime* r = runtime.get();
  refused("runtime is null", ternary_choose_layout(nullptr, TERNARY_A8, 16, 16, 0, &layout));
  refused("activation is 2", ternary_choose_layout(r, static_cast<ternary_activation>(2), 16, 16, 0, &layout));
  refused("N is 0", ternary_choose_layout(r, TERNARY_A8, 0, 16, 0, &layout));
  refused("K is 16777216", ternary_choose_layout(r, TERNARY_A8, 16, 1 << 24, 0, &layout));
  refused("working_set is 255", ternary_choose_layout(r, TERNARY_A8, 16, 16, 255, &layout));
  refused("working_set is -1", ternary_choose_layout(r, TERNARY_A8, 16, 16, -1, &layout));
  refused("layout is null", ternary_choose_layout(r, TERNARY_A8, 16, 16, 0, nullptr));
}

}  // namespace
}  // namespace ternary::test
