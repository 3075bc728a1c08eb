// Values measured on a user's machine: what a file changes, and what is said of one that cannot serve.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "abi/layout.h"
#include "support/problem.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

std::string best_isa() { return available_isas().back(); }

TEST(Tuning, AFileOfThisMachineServes) {
  const std::string isa = best_isa();
  const TuningLines lines = with(with(own_tuning(isa), "gemm_i2s_min_m", "7"), "resident_bytes", "123456");
  const TuningFile file(lines);
  const RuntimeHandle runtime = file.runtime(isa);
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  EXPECT_EQ(json_value(tuning_of(runtime.get()), "error"), "");
  EXPECT_EQ(json_value(tuning_of(runtime.get()), "file"), file.path());
  EXPECT_EQ(tuning_value(runtime.get(), "gemm_i2s_min_m"), 7);
  EXPECT_EQ(tuning_value(runtime.get(), "resident_bytes"), 123456);
  EXPECT_NE(tuning_value(runtime.get(), "gemm_i2s_min_m", "built_in"), 7);
}

TEST(Tuning, TheCallerWinsOverTheEnvironmentAndMayWantNone) {
  const std::string isa = best_isa();
  const TuningFile file(with(own_tuning(isa), "gemm_t5_min_m", "77"));
  const ScopedVariable variable("TERNARY_TUNING", file.path());
  const RuntimeHandle found = make_runtime("TERNARY_MAX_ISA=" + isa);
  EXPECT_EQ(tuning_value(found.get(), "gemm_t5_min_m"), 77);
  const RuntimeHandle none = make_runtime("TERNARY_MAX_ISA=" + isa + "\nTERNARY_TUNING=");
  EXPECT_EQ(tuning_value(none.get(), "gemm_t5_min_m"), tuning_value(none.get(), "gemm_t5_min_m", "built_in"));
  EXPECT_EQ(json_value(tuning_of(none.get()), "error"), "");
}

const char* threshold_of(ternary_layout layout) {
  switch (traits(layout).encoding) {
    case Encoding::t5: return "gemm_t5_min_m";
    case Encoding::t3: return "gemm_t3_min_m";
    default: return "gemm_i2s_min_m";
  }
}

/** The kernel that serves M rows by the rule: the first that is meant for so many, else the first. */
std::string expected_kernel(const ternary_runtime* runtime, ternary_layout layout, int64_t M) {
  const int64_t gemm = tuning_value(runtime, threshold_of(layout)), tiles = tuning_value(runtime, "tile_gemm_min_m");
  std::string first;
  for (const KernelInfo& kernel : kernels_of(runtime)) {
    if (!kernel.available || kernel.stage != "gemm_a8" || kernel.layout != traits(layout).name) continue;
    if (first.empty()) first = kernel.name;
    if (kernel.role == "any" || (kernel.role == "gemv" && M < gemm) || (kernel.role == "gemm" && M >= gemm) ||
        (kernel.role == "tiles" && M >= tiles)) {
      return kernel.name;
    }
  }
  return first;
}

void expect_kernels(ternary_runtime* runtime, const std::string& isa, ternary_layout layout) {
  for (int64_t M = 1; M <= 40; ++M) {
    ProblemSpec spec;
    spec.M = M;
    spec.N = 20;
    spec.K = 70;
    const Problem problem(spec);
    ASSERT_EQ(ternary_runtime_reset_counters(runtime), TERNARY_OK);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime, problem.layer(layout).get(), got), TERNARY_OK);
    ASSERT_EQ(problem.verdict(got, problem.expected()), "");
    const Counters counters = counters_of(runtime);
    ASSERT_EQ(counters.paths.size(), 1u);
    ASSERT_EQ(counters.paths.begin()->first, "linear." + expected_kernel(runtime, layout, M))
        << "M " << M << " on " << isa;
  }
}

TEST(Tuning, ThresholdsChooseTheKernelByM) {
  for (const std::string& isa : available_isas()) {
    for (ternary_layout layout : kTiledLayouts) {
      const char* name = threshold_of(layout);
      expect_kernels(make_runtime("TERNARY_MAX_ISA=" + isa).get(), isa, layout);
      for (const auto& [gemm, tiles] : {std::pair("1", "1"), {"9", "20"}, {"20", "9"}, {"65536", "65536"}}) {
        const TuningFile file(with(with(own_tuning(isa), name, gemm), "tile_gemm_min_m", tiles));
        const RuntimeHandle runtime = file.runtime(isa);
        ASSERT_EQ(std::to_string(tuning_value(runtime.get(), name)), gemm);
        expect_kernels(runtime.get(), isa, layout);
        if (HasFatalFailure()) return;
      }
    }
  }
}

/** The file is refused with a sentence that has all the parts, and the built-in values serve. */
void expect_refused(const std::string& text, const std::vector<std::string>& parts) {
  const TuningFile file(text);
  const std::string isa = best_isa();
  const RuntimeHandle runtime = file.runtime(isa);
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const std::string sentence = json_value(tuning_of(runtime.get()), "error");
  EXPECT_EQ(sentence.rfind("TERNARY_TUNING: " + file.path(), 0), 0u) << "\"" << sentence << "\" for\n" << text;
  for (const std::string& part : parts) {
    EXPECT_NE(sentence.find(part), std::string::npos) << "\"" << sentence << "\" lacks \"" << part << "\"";
  }
  for (const auto& [name, value] : own_tuning(isa)) {
    if (name.find("_min_m") == std::string::npos) continue;
    EXPECT_EQ(tuning_value(runtime.get(), name), tuning_value(runtime.get(), name, "built_in")) << name;
  }
}

TEST(Tuning, AnotherMachinesFileIsRefused) {
  const TuningLines own = own_tuning(best_isa());
  const std::vector<std::pair<std::string, std::string>> others = {
      {"version", "0.0.9"}, {"device", "AMD K6"}, {"device_id", "AuthenticAMD family 5 model 8 stepping 0"},
      {"isa", "portable "}, {"cores", "1024"},    {"cache_bytes", "1"}};
  int line = 3;  // after a comment and an empty line
  for (const auto& [name, value] : others) {
    std::string here;
    for (const auto& [key, text] : own) here += key == name ? text : "";
    expect_refused(text_of(with(own, name, value)),
                   {"line " + std::to_string(line++) + ": ", name + " is ", value, here});
  }
}

TEST(Tuning, ValuesOutOfRangeAreNamed) {
  const TuningLines own = own_tuning(best_isa());
  for (const char* value : {"0", "-1", "65537", "", "4.5", " 4", "4 ", "0x10", "many", "99999999999999999999"}) {
    expect_refused(text_of(with(own, "gemm_i2s_min_m", value)),
                   {"line 9: gemm_i2s_min_m is ", "it must be a whole number from 1 to 65536"});
  }
  for (const auto& [name, value] : own) {
    if (name.find('_') == std::string::npos || name == "device_id" || name == "cache_bytes") continue;
    expect_refused(text_of(with(own, name, "9999999999999")), {name + " is \"9999999999999\"", "whole number from "});
  }
}

TEST(Tuning, NamesAreKnownAndThereOnce) {
  TuningLines own = own_tuning(best_isa());
  own.pop_back();
  const auto ended = [](TuningLines lines) {
    lines.emplace_back("end", std::to_string(lines.size()));
    return text_of(lines);
  };
  TuningLines unknown = own, twice = own, missing = own;
  unknown.emplace_back("gemm_i2s_max_m", "4");
  twice.emplace_back("prefetch_bytes", "4");
  missing.erase(missing.begin() + 9);
  expect_refused(ended(unknown), {"line " + std::to_string(own.size() + 3), "gemm_i2s_max_m", "is no name"});
  expect_refused(ended(twice), {"line " + std::to_string(own.size() + 3), "prefetch_bytes is there twice"});
  expect_refused(ended(missing), {"ends without tile_gemm_min_m"});
  expect_refused(ended(own) + "chunks_per_thread=1\n", {"something follows the line end="});
  expect_refused(ended(own) + "and more\n", {"\"and more\" is not NAME=VALUE"});
}

TEST(Tuning, APartOfAFileIsNotTakenForAWholeOne) {
  const std::string text = text_of(own_tuning(best_isa()));
  for (size_t length = 0; length + 1 < text.size(); length += 1 + length % 5) {
    expect_refused(text.substr(0, length), {"line "});
  }
}

TEST(Tuning, WhatIsNoFileIsRefused) {
  const std::string isa = best_isa();
  const auto refusal = [&](const std::string& path) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isa + "\nTERNARY_TUNING=" + path);
    EXPECT_NE(runtime, nullptr) << ternary_last_error();
    return json_value(tuning_of(runtime.get()), "error");
  };
  EXPECT_EQ(refusal("/no/such/file"), "TERNARY_TUNING: /no/such/file cannot be read: No such file or directory");
  for (const std::string path : {"/tmp", "/dev/zero", "/dev/null"}) {
    EXPECT_EQ(refusal(path), "TERNARY_TUNING: " + path + " cannot be read: it is no regular file");
  }
  const std::string fifo = testing::TempDir() + "tuning-fifo-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(refusal(fifo), "TERNARY_TUNING: " + fifo + " cannot be read: it is no regular file");
  std::remove(fifo.c_str());
  expect_refused(std::string(70000, '#'), {"more than 65536 bytes"});
}

TEST(Tuning, DamagedFilesAreRefusedOrGiveValuesInRange) {
  const std::string isa = best_isa(), text = text_of(own_tuning(isa));
  Random random(5);
  for (int64_t i = 0; i < samples(300); ++i) {
    std::string damaged = text;
    for (int64_t n = random.integer(1, 3); n > 0; --n) {
      damaged[static_cast<size_t>(random.integer(0, static_cast<int64_t>(text.size()) - 1))] =
          static_cast<char>(random.integer(0, 255));
    }
    const TuningFile file(damaged);
    const RuntimeHandle runtime = file.runtime(isa);
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    const int64_t M = tuning_value(runtime.get(), "gemm_i2s_min_m");
    EXPECT_TRUE(1 <= M && M <= 65536) << damaged;
    const std::string info = info_of(runtime.get());
    EXPECT_TRUE(std::all_of(info.begin(), info.end(), [](char c) { return 0x20 <= c && c < 0x7f; })) << info;
  }
}

}  // namespace
}  // namespace ternary::test
