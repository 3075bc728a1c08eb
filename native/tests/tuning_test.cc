// Values measured on a user's machine: what a file changes, and what is said of one that cannot serve.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/problem.h"

namespace ternary::test {
namespace {

/** The text or number that follows `"key":` after `from`. */
std::string json_value(const std::string& json, const std::string& key, size_t from = 0) {
  const std::string quoted = "\"" + key + "\":";
  size_t begin = json.find(quoted, from);
  if (begin == std::string::npos) return "";
  begin += quoted.size();
  if (json[begin] != '"') return json.substr(begin, json.find_first_of(",}", begin) - begin);
  std::string text;
  for (size_t at = begin + 1; json[at] != '"'; ++at) text += json[at] == '\\' ? json[++at] : json[at];
  return text;
}

std::string tuning_of(const ternary_runtime* runtime) {
  const std::string info = info_of(runtime);
  return info.substr(info.find("\"tuning\":"));
}

/** A value of the table as the runtime uses it, or as it is built in. */
int64_t value_of(const ternary_runtime* runtime, const std::string& name, const char* which = "value") {
  const std::string tuning = tuning_of(runtime);
  return std::stoll(json_value(tuning, which, tuning.find("{\"name\":\"" + name + "\"")));
}

using Lines = std::vector<std::pair<std::string, std::string>>;

/** A file of this machine for `isa` with the built-in values, as lines. */
Lines own_lines(const std::string& isa) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_MAX_ISA=" + isa);
  const std::string info = info_of(runtime.get()), tuning = tuning_of(runtime.get());
  Lines lines = {{"version", json_value(info, "version")}, {"device", json_value(info, "device")}};
  for (const char* name : {"device_id", "isa", "cores", "cache_bytes"}) {
    lines.emplace_back(name, json_value(tuning, name));
  }
  const size_t values = tuning.find("\"values\":");
  for (size_t at = values; (at = tuning.find("{\"name\":", at)) < tuning.find(']', values); ++at) {
    lines.emplace_back(json_value(tuning, "name", at), json_value(tuning, "built_in", at));
  }
  lines.emplace_back("end", std::to_string(lines.size()));
  return lines;
}

std::string text_of(const Lines& lines) {
  std::string text = "# a comment\n\n";
  for (const auto& [name, value] : lines) text += name + "=" + value + "\n";
  return text;
}

Lines with(Lines lines, const std::string& name, const std::string& value) {
  for (auto& line : lines) {
    if (line.first == name) line.second = value;
  }
  return lines;
}

/** A file that is gone at the end. */
class TuningFile {
 public:
  explicit TuningFile(const std::string& text)
      : path_(testing::TempDir() + "tuning-" + std::to_string(getpid()) + ".txt") {
    std::ofstream(path_, std::ios::binary) << text;
  }
  explicit TuningFile(const Lines& lines) : TuningFile(text_of(lines)) {}
  ~TuningFile() { std::remove(path_.c_str()); }
  TuningFile(const TuningFile&) = delete;
  TuningFile& operator=(const TuningFile&) = delete;

  const std::string& path() const { return path_; }
  RuntimeHandle runtime(const std::string& isa) const {
    return make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_MAX_ISA=" + isa + "\nTERNARY_TUNING=" + path_);
  }
  /** Why the runtime does not use the file; empty if it does. */
  std::string refusal(const std::string& isa) const {
    const RuntimeHandle made = runtime(isa);
    EXPECT_NE(made, nullptr) << "a bad file does not keep a runtime from being made: " << ternary_last_error();
    return json_value(tuning_of(made.get()), "error");
  }

 private:
  std::string path_;
};

std::string best_isa() { return available_isas().back(); }

TEST(Tuning, AFileOfThisMachineServes) {
  const std::string isa = best_isa();
  const Lines lines = with(with(own_lines(isa), "gemm_i2s_min_m", "7"), "resident_bytes", "123456");
  const TuningFile file(lines);
  const RuntimeHandle runtime = file.runtime(isa);
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  EXPECT_EQ(json_value(tuning_of(runtime.get()), "error"), "");
  EXPECT_EQ(json_value(tuning_of(runtime.get()), "file"), file.path());
  EXPECT_EQ(value_of(runtime.get(), "gemm_i2s_min_m"), 7);
  EXPECT_EQ(value_of(runtime.get(), "resident_bytes"), 123456);
  EXPECT_NE(value_of(runtime.get(), "gemm_i2s_min_m", "built_in"), 7);
}

TEST(Tuning, TheCallerWinsOverTheEnvironmentAndMayWantNone) {
  const std::string isa = best_isa();
  const TuningFile file(with(own_lines(isa), "gemm_t5_min_m", "77"));
  const ScopedVariable variable("TERNARY_TUNING", file.path());
  const RuntimeHandle found = make_runtime("TERNARY_MAX_ISA=" + isa);
  EXPECT_EQ(value_of(found.get(), "gemm_t5_min_m"), 77);
  const RuntimeHandle none = make_runtime("TERNARY_MAX_ISA=" + isa + "\nTERNARY_TUNING=");
  EXPECT_EQ(value_of(none.get(), "gemm_t5_min_m"), value_of(none.get(), "gemm_t5_min_m", "built_in"));
  EXPECT_EQ(json_value(tuning_of(none.get()), "error"), "");
}

/** "gemv", "gemm" or "tiles": what served the only call counted, by the kernel's name and ISA. */
std::string role_of(const ternary_runtime* runtime) {
  const Counters counters = counters_of(runtime);
  EXPECT_EQ(counters.paths.size(), 1u);
  const std::string path = counters.paths.begin()->first;
  if (path.rfind(".amx") == path.size() - 4) return "tiles";
  return path.find(".gemv_") != std::string::npos ? "gemv" : "gemm";
}

void expect_roles(ternary_runtime* runtime, const std::string& isa) {
  const int64_t gemm = value_of(runtime, "gemm_i2s_min_m"), tiles = value_of(runtime, "tile_gemm_min_m");
  for (int64_t M = 1; M <= 40; ++M) {
    ProblemSpec spec;
    spec.M = M;
    spec.N = 20;
    spec.K = 70;
    const Problem problem(spec);
    ASSERT_EQ(ternary_runtime_reset_counters(runtime), TERNARY_OK);
    Output got = problem.output();
    ASSERT_EQ(problem.run(runtime, problem.weights(TERNARY_LAYOUT_I2S_TILED).get(), got), TERNARY_OK);
    ASSERT_EQ(problem.verdict(got, problem.expected()), "");
    const std::string expected = isa == "amx" && M >= tiles ? "tiles" : isa != "portable" && M < gemm ? "gemv" : "gemm";
    ASSERT_EQ(role_of(runtime), expected) << "M " << M << " on " << isa << ", from " << gemm << " and " << tiles;
  }
}

TEST(Tuning, ThresholdsChooseTheKernelByM) {
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle built_in = make_runtime("TERNARY_MAX_ISA=" + isa);
    expect_roles(built_in.get(), isa);
    for (const auto& [gemm, tiles] : {std::pair("1", "1"), {"9", "20"}, {"20", "9"}, {"65536", "65536"}}) {
      const TuningFile file(with(with(own_lines(isa), "gemm_i2s_min_m", gemm), "tile_gemm_min_m", tiles));
      const RuntimeHandle runtime = file.runtime(isa);
      ASSERT_EQ(std::to_string(value_of(runtime.get(), "gemm_i2s_min_m")), gemm);
      expect_roles(runtime.get(), isa);
      if (HasFatalFailure()) return;
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
  for (const auto& [name, value] : own_lines(isa)) {
    if (name.find("_min_m") == std::string::npos) continue;
    EXPECT_EQ(value_of(runtime.get(), name), value_of(runtime.get(), name, "built_in")) << name;
  }
}

TEST(Tuning, AnotherMachinesFileIsRefused) {
  const Lines own = own_lines(best_isa());
  const std::vector<std::pair<std::string, std::string>> others = {
      {"version", "0.0.9"}, {"device", "AMD K6"}, {"device_id", "AuthenticAMD family 5 model 8 stepping 0"},
      {"isa", "portable "}, {"cores", "1024"}, {"cache_bytes", "1"}};
  int line = 3;  // after a comment and an empty line
  for (const auto& [name, value] : others) {
    std::string here;
    for (const auto& [key, text] : own) here += key == name ? text : "";
    expect_refused(text_of(with(own, name, value)),
                   {"line " + std::to_string(line++) + ": ", name + " is ", value, here});
  }
}

TEST(Tuning, ValuesOutOfRangeAreNamed) {
  const Lines own = own_lines(best_isa());
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
  Lines own = own_lines(best_isa());
  own.pop_back();
  const auto ended = [](Lines lines) {
    lines.emplace_back("end", std::to_string(lines.size()));
    return text_of(lines);
  };
  Lines unknown = own, twice = own, missing = own;
  unknown.emplace_back("gemm_i2s_max_m", "4");
  twice.emplace_back("prefetch_bytes", "4");
  missing.erase(missing.begin() + 8);
  expect_refused(ended(unknown), {"line " + std::to_string(own.size() + 3), "gemm_i2s_max_m", "is no name"});
  expect_refused(ended(twice), {"line " + std::to_string(own.size() + 3), "prefetch_bytes is there twice"});
  expect_refused(ended(missing), {"ends without tile_gemm_min_m"});
  expect_refused(ended(own) + "chunks_per_thread=1\n", {"something follows the line end="});
  expect_refused(ended(own) + "and more\n", {"\"and more\" is not NAME=VALUE"});
}

TEST(Tuning, APartOfAFileIsNotTakenForAWholeOne) {
  const std::string text = text_of(own_lines(best_isa()));
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
  EXPECT_EQ(refusal("/tmp"), "TERNARY_TUNING: /tmp cannot be read: Is a directory");
  const std::string fifo = testing::TempDir() + "tuning-fifo-" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(refusal(fifo).find("the file ends without end"), std::string::npos) << "and it was not waited for";
  std::remove(fifo.c_str());
  expect_refused(std::string(70000, '#'), {"more than 65536 bytes"});
}

TEST(Tuning, DamagedFilesAreRefusedOrGiveValuesInRange) {
  const std::string isa = best_isa(), text = text_of(own_lines(isa));
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
    const int64_t M = value_of(runtime.get(), "gemm_i2s_min_m");
    EXPECT_TRUE(1 <= M && M <= 65536) << damaged;
    const std::string info = info_of(runtime.get());
    EXPECT_TRUE(std::all_of(info.begin(), info.end(), [](char c) { return 0x20 <= c && c < 0x7f; })) << info;
  }
}

}  // namespace
}  // namespace ternary::test
