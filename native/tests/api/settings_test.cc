// Every setting: where it may come from, which wins, and that a value which cannot be honoured is an error by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/policy/settings.h"
#include "support/handles.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

struct Knob {
  const char* name;
  std::vector<std::string> good, bad;
};

const std::vector<std::string> kNoSwitch = {"", "2", "-1", "true", "yes", " 1", "1 ", "01"};
const std::vector<std::string> kNoNumber = {"",   "-1",   "+1",  "1.5",  " 1",
                                            "1 ", "0x10", "1e3", "many", "99999999999999999999"};

std::vector<std::string> plus(std::vector<std::string> values, std::initializer_list<const char*> more) {
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

const std::vector<Knob>& knobs() {
  static const std::vector<Knob> all = {
      {"TERNARY_MAX_ISA", {"portable"}, {"", "AVX2", "sse2", "avx512", "portable ", "avx2,amx"}},
      {"TERNARY_NUM_THREADS", {"1", "2", "3"}, plus(kNoNumber, {"0", "1025"})},
      {"TERNARY_COLLECT_PATH_STATS", {"0", "1"}, kNoSwitch},
      {"TERNARY_PATH_REPORT_EVERY", {"0", "1", "4611686018427387904"}, plus(kNoNumber, {"4611686018427387905"})},
      {"TERNARY_I2S_ONLY", {"0", "1"}, kNoSwitch},
      {"TERNARY_FUSE_RMSNORM_QKV", {"0", "1"}, kNoSwitch},
      {"TERNARY_ENABLE_PDL", {"0", "1"}, kNoSwitch},
      {"TERNARY_I2S_SPLITS", {"0", "64"}, plus(kNoNumber, {"65"})},
      {"TERNARY_PREFILL_SKIP_M", {"0", "2147483647"}, plus(kNoNumber, {"2147483648"})},
      {"TERNARY_CUTLASS", {"0", "1", "auto"}, {"", "2", "-1", "true", "AUTO", "auto ", " 1", "01", "never"}},
      {"TERNARY_DEVICE",
       {"cpu", "auto"},
       {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:64", "cuda:00", "cuda:1 ", "cuda0", "auto:0", "cuda:100"}},
      {"TERNARY_PATH_REPORT",
       {"/tmp/ternary-{pid}.json"},
       {"/no/such/folder/report.json", "/proc/self/report.json", "/tmp", "/tmp/", "/"}},
      {"TERNARY_VALIDATE", {"0", "1"}, kNoSwitch},
      {"TERNARY_SHADOW",
       {"", "oracle", "portable", "cpu"},
       {"gpu", "Oracle", " oracle", "oracle ", "auto", "AVX2", "cuda:", "cuda:64", "cuda:00", "0"}},
      {"TERNARY_SHADOW_EVERY", {"1", "4611686018427387904"}, plus(kNoNumber, {"0", "4611686018427387905"})},
      {"TERNARY_SHADOW_MAX_DIFFS", {"0", "1", "4611686018427387904"}, plus(kNoNumber, {"4611686018427387905"})},
      {"TERNARY_SHADOW_FILE",
       {"/tmp/ternary-shadow-{pid}.jsonl"},
       {"/no/such/folder/shadow.jsonl", "/proc/self/shadow.jsonl", "/tmp", "/tmp/", "/"}},
      {"TERNARY_MAX_SCRATCH", {"1", "4611686018427387904"}, plus(kNoNumber, {"0", "4611686018427387905"})},
  };
  return all;
}

std::string setting(const std::string& name, const std::string& value, const std::string& origin) {
  return "{\"name\":\"" + name + "\",\"value\":\"" + value + "\",\"origin\":\"" + origin + "\"}";
}

void expect_refused(const std::string& lines, const std::string& name, const std::string& value) {
  ternary_runtime* runtime = nullptr;
  EXPECT_EQ(ternary_runtime_create(lines.c_str(), &runtime), TERNARY_INVALID_ARGUMENT) << name << "=" << value;
  EXPECT_EQ(runtime, nullptr);
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find(name), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("\"" + value + "\""), std::string::npos) << sentence;
  ternary_runtime_destroy(runtime);
}

TEST(Settings, EachIsTestedHere) {
  for (const char* name : kKnobNames) {
    const bool tested =
        std::any_of(knobs().begin(), knobs().end(), [&](const Knob& knob) { return name == std::string(knob.name); });
    const std::vector<std::string> files = {"TERNARY_TUNING", "TERNARY_COST_RESIDUALS", "TERNARY_SETTINGS"};
    const bool has_a_test = std::find(files.begin(), files.end(), name) != files.end();
    EXPECT_TRUE(tested || has_a_test) << name << ": tuning_test.cc, residuals_test.cc and settings_file_test.cc";
  }
}

TEST(Settings, DefaultsAreReported) {
  const RuntimeHandle runtime = make_runtime();
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  for (const Knob& knob : knobs()) {
    EXPECT_NE(info_of(runtime.get()).find("{\"name\":\"" + std::string(knob.name) + "\""), std::string::npos)
        << knob.name;
  }
  EXPECT_EQ(info_of(runtime.get()).find("\"origin\":\"caller\""), std::string::npos);
  EXPECT_EQ(info_of(runtime.get()).find("\"origin\":\"environment\""), std::string::npos);
}

TEST(Settings, GoodValuesFromTheCallerAndTheEnvironment) {
  for (const Knob& knob : knobs()) {
    for (const std::string& value : knob.good) {
      const RuntimeHandle given = make_runtime(std::string(knob.name) + "=" + value);
      ASSERT_NE(given, nullptr) << ternary_last_error();
      EXPECT_NE(info_of(given.get()).find(setting(knob.name, value, "caller")), std::string::npos)
          << info_of(given.get());
      const ScopedVariable variable(knob.name, value);
      const RuntimeHandle found = make_runtime();
      ASSERT_NE(found, nullptr) << ternary_last_error();
      EXPECT_NE(info_of(found.get()).find(setting(knob.name, value, "environment")), std::string::npos)
          << info_of(found.get());
    }
  }
}

TEST(Settings, BadValuesAreNamed) {
  for (const Knob& knob : knobs()) {
    for (const std::string& value : knob.bad) {
      expect_refused(std::string(knob.name) + "=" + value, knob.name, value);
      const ScopedVariable variable(knob.name, value);
      expect_refused("", knob.name, value);
    }
  }
}

TEST(Settings, TheCallerHidesTheEnvironmentEvenABadOne) {
  for (const Knob& knob : knobs()) {
    for (const std::string& value : knob.good) {
      const ScopedVariable variable(knob.name, knob.bad.front());
      const RuntimeHandle runtime = make_runtime(std::string(knob.name) + "=" + value);
      ASSERT_NE(runtime, nullptr) << knob.name << ": " << ternary_last_error();
      EXPECT_NE(info_of(runtime.get()).find(setting(knob.name, value, "caller")), std::string::npos);
    }
  }
}

TEST(Settings, LinesThatAreNoSettings) {
  for (const char* line : {"TERNARY_NO_SUCH_THING=1", "NUM_THREADS=1", "TERNARY_NUM_THREADS", "=1",
                           "ternary_num_threads=1", " TERNARY_NUM_THREADS=1", "TERNARY_NUM_THREADS =1"}) {
    ternary_runtime* runtime = nullptr;
    EXPECT_EQ(ternary_runtime_create(line, &runtime), TERNARY_INVALID_ARGUMENT) << line;
    EXPECT_NE(std::string(ternary_last_error()).find(line), std::string::npos) << ternary_last_error();
    EXPECT_EQ(runtime, nullptr);
  }
  EXPECT_NE(make_runtime("\n\nTERNARY_NUM_THREADS=1\n\nTERNARY_I2S_ONLY=0\n"), nullptr) << ternary_last_error();
}

/** The whole of a sentence that repeats a value of a megabyte in part. */
void expect_bounded(const std::string& lines, const std::string& start, const std::string& end) {
  ternary_runtime* runtime = nullptr;
  EXPECT_EQ(ternary_runtime_create(lines.c_str(), &runtime), TERNARY_INVALID_ARGUMENT) << start;
  const std::string sentence = ternary_last_error();
  EXPECT_EQ(sentence.rfind(start, 0), 0u) << sentence;
  EXPECT_NE(sentence.find("..." + end), std::string::npos) << sentence << "\nlacks the rule: ..." << end;
  EXPECT_LT(sentence.size(), 500u) << sentence;
}

TEST(Settings, ValuesOfAMegabyteAreRepeatedInPartAndTheRuleIsStillSaid) {
  const std::string large(1 << 20, 'x');
  for (const Knob& knob : knobs()) {
    const std::string name = knob.name;
    expect_bounded(name + "=" + large, name + " is \"x",
                   name == "TERNARY_PATH_REPORT" || name == "TERNARY_SHADOW_FILE"
                       ? "\" of 1048576 bytes; a file name has at most 4095"
                       : "\"; it must be ");
  }
  expect_bounded("TERNARY_TUNING=" + large, "TERNARY_TUNING is \"x",
                 "\" of 1048576 bytes; a file name has at most 4095");
  expect_bounded(large + "=1", "the setting \"x", "\" is not NAME=VALUE with a known name");
}

TEST(Settings, ValuesAreRepeatedWithoutControlCharacters) {
  ternary_runtime* runtime = nullptr;
  EXPECT_EQ(ternary_runtime_create("TERNARY_DEVICE=a\x1b[2Jb\rc", &runtime), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ternary_last_error()).find("\"a?[2Jb?c\""), std::string::npos) << ternary_last_error();
}

TEST(Settings, AnIsaThatTheMachineLacksIsAnErrorWithTheReason) {
  const std::vector<std::string> available = available_isas();
  ASSERT_FALSE(available.empty());
  EXPECT_EQ(available.front(), "portable");
  const std::vector<IsaInfo> known = isas_of(make_runtime().get());
  ASSERT_FALSE(known.empty());
  for (const IsaInfo& isa : known) {
    if (std::find(available.begin(), available.end(), isa.name) != available.end()) continue;
    expect_refused("TERNARY_MAX_ISA=" + isa.name, "TERNARY_MAX_ISA", isa.name);
    EXPECT_NE(std::string(ternary_last_error()).find("does not offer"), std::string::npos) << ternary_last_error();
  }
}

TEST(Settings, ThreadsAreAsManyAsAsked) {
  const int before = thread_count();
  for (int threads : {1, 2, 5}) {
    const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=" + std::to_string(threads));
    ASSERT_NE(runtime, nullptr) << ternary_last_error();
    EXPECT_EQ(settled_thread_count(before + threads - 1), before + threads - 1) << "the caller is one of them";
  }
  EXPECT_EQ(settled_thread_count(before), before);
}

TEST(Settings, InfoListsEveryKernelWithAReasonWhereItCannotServe) {
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=portable");
  const std::string json = info_of(runtime.get());
  EXPECT_NE(json.find("\"version\":\"" + std::string(ternary_version()) + "\""), std::string::npos);
  size_t kernels = 0, unavailable = 0, reasons = 0;
  const std::string rows = json.substr(json.find("\"kernels\":"));
  for (size_t at = 0; (at = rows.find("{\"name\":", at)) != std::string::npos; ++at) ++kernels;
  for (size_t at = 0; (at = rows.find("\"available\":false", at)) != std::string::npos; ++at) ++unavailable;
  for (size_t at = 0; (at = rows.find("\"reason\":\"", at)) != std::string::npos; ++at) ++reasons;
  EXPECT_GE(kernels, 6u);
  EXPECT_GE(unavailable, 1u);
  EXPECT_EQ(unavailable, reasons);
  EXPECT_NE(rows.find("TERNARY_MAX_ISA"), std::string::npos);
}

/** settings_file_test.cc has the format. */
TEST(Settings, GoodValuesFromAFile) {
  for (const Knob& knob : knobs()) {
    if (knob.name == std::string("TERNARY_DEVICE") || knob.name == std::string("TERNARY_SHADOW")) continue;
    for (const std::string& value : knob.good) {
      const TuningFile file(std::string(knob.name) + "=" + value + "\n");
      const RuntimeHandle runtime = make_runtime("TERNARY_SETTINGS=" + file.path());
      ASSERT_NE(runtime, nullptr) << ternary_last_error();
      const std::string info = info_of(runtime.get());
      EXPECT_NE(info.find(setting(knob.name, value, "file")), std::string::npos) << info;
      EXPECT_NE(info.find(setting("TERNARY_SETTINGS", file.path(), "caller")), std::string::npos) << info;
    }
  }
}

/** Those that only a machine or a file system can refuse are named with the file's line too. */
TEST(Settings, ValuesOfAFileThatCannotBeHonouredAreNamedWithTheirLine) {
  const auto refusal = [](const std::string& text, const std::string& more = "") {
    const TuningFile file(text);
    ternary_runtime* runtime = nullptr;
    EXPECT_EQ(ternary_runtime_create((more + "TERNARY_SETTINGS=" + file.path()).c_str(), &runtime),
              TERNARY_INVALID_ARGUMENT);
    ternary_runtime_destroy(runtime);
    const std::string start = "TERNARY_SETTINGS: " + file.path() + ", ", sentence = ternary_last_error();
    return sentence.rfind(start, 0) == 0 ? sentence.substr(start.size()) : "elsewhere: " + sentence;
  };
  for (const char* name : {"TERNARY_PATH_REPORT", "TERNARY_SHADOW_FILE"}) {
    const std::string sentence = refusal("\n" + std::string(name) + "=/no/such/folder/r.json\n");
    EXPECT_EQ(sentence.rfind("line 2: " + std::string(name) + " is \"", 0), 0u) << sentence;
  }
  const std::string residuals = "TERNARY_COST_RESIDUALS=/no/such/file\n";
  EXPECT_EQ(refusal(residuals),
            "line 1: TERNARY_COST_RESIDUALS: /no/such/file cannot be read: No such file or directory");
  EXPECT_EQ(refusal(residuals, "TERNARY_COST_RESIDUALS=/dev/null\n"),
            "elsewhere: TERNARY_COST_RESIDUALS: /dev/null cannot be read: it is no regular file");
  const std::vector<std::string> available = available_isas();
  for (const IsaInfo& isa : isas_of(make_runtime().get())) {
    if (std::find(available.begin(), available.end(), isa.name) != available.end()) continue;
    const std::string start = "line 1: TERNARY_MAX_ISA is \"" + isa.name + "\", which this machine does not offer: ";
    EXPECT_EQ(refusal("TERNARY_MAX_ISA=" + isa.name + "\n").rfind(start, 0), 0u) << ternary_last_error();
  }
}

/** residuals_test.cc has the format. */
TEST(Settings, AFileOfResidualsThatCannotBeHonouredIsAnErrorAlsoOnTheCpu) {
  const auto error_of = [](const std::string& path) {
    ternary_runtime* runtime = nullptr;
    EXPECT_EQ(ternary_runtime_create(("TERNARY_COST_RESIDUALS=" + path).c_str(), &runtime), TERNARY_INVALID_ARGUMENT);
    ternary_runtime_destroy(runtime);
    return std::string(ternary_last_error());
  };
  EXPECT_EQ(error_of("/no/such/file"),
            "TERNARY_COST_RESIDUALS: /no/such/file cannot be read: No such file or directory");
  EXPECT_EQ(error_of("/dev/null"), "TERNARY_COST_RESIDUALS: /dev/null cannot be read: it is no regular file");
  const std::string rule = ", line 1: it has 1 words; it must have 7: device kernel M N K predicted_us measured_us";
  EXPECT_EQ(error_of(TuningFile("H100\n").path()).find(rule) != std::string::npos, true) << ternary_last_error();
  const TuningFile good("H100 gemm_a8_i2s 8 64 64 1.5 2\n");
  EXPECT_NE(make_runtime("TERNARY_COST_RESIDUALS=" + good.path()), nullptr) << ternary_last_error();
}

TEST(Settings, InfoIsCutToTheCapacityAndTerminated) {
  const RuntimeHandle runtime = make_runtime();
  const std::string whole = info_of(runtime.get());
  std::vector<char> part(12, 'x');
  size_t length = 0;
  ASSERT_EQ(ternary_runtime_info(runtime.get(), part.data(), 10, &length), TERNARY_OK);
  EXPECT_EQ(length, whole.size());
  EXPECT_EQ(std::string(part.data()), whole.substr(0, 9));
  EXPECT_EQ(part[10], 'x');
}

}  // namespace
}  // namespace ternary::test
