// The file of TERNARY_SETTINGS: what it gives, who wins over it, and one sentence for each fault.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/base/failure.h"
#include "core/policy/settings.h"
#include "support/handles.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

Settings settings_with(const std::string& path, const std::string& lines = "") {
  return read_settings(("TERNARY_SETTINGS=" + path + "\n" + lines).c_str());
}

/** Empty if the file was taken. */
std::string sentence_for(const std::string& path, const std::string& lines = "") {
  try {
    settings_with(path, lines);
    return "";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), TERNARY_INVALID_ARGUMENT);
    return failure.what();
  }
}

/** Of a file with this text: what follows its name. */
std::string fault_of(const std::string& text) {
  const TuningFile file(text);
  const std::string sentence = sentence_for(file.path()), start = "TERNARY_SETTINGS: " + file.path() + ", ";
  EXPECT_EQ(sentence.rfind(start, 0), 0u) << sentence;
  return sentence.substr(std::min(sentence.size(), start.size()));
}

Origin origin_of(const Settings& settings, Knob knob) { return settings.origin[static_cast<int>(knob)]; }

TEST(SettingsFile, HoldsWhereNothingElseSaysAValue) {
  const TuningFile file("# from a sweep\n\nTERNARY_NUM_THREADS=3\nTERNARY_I2S_SPLITS=4\nTERNARY_PREFILL_SKIP_M=96");
  const ScopedVariable variable("TERNARY_I2S_SPLITS", "8");
  const Settings settings = settings_with(file.path(), "TERNARY_PREFILL_SKIP_M=7");
  EXPECT_EQ(settings.num_threads, 3);
  EXPECT_EQ(origin_of(settings, Knob::num_threads), Origin::file);
  EXPECT_EQ(settings.line[static_cast<int>(Knob::num_threads)], 3);
  EXPECT_EQ(settings.i2s_splits, 8);
  EXPECT_EQ(origin_of(settings, Knob::i2s_splits), Origin::environment);
  EXPECT_EQ(settings.prefill_skip_m, 7);
  EXPECT_EQ(origin_of(settings, Knob::prefill_skip_m), Origin::caller);
  EXPECT_EQ(origin_of(settings, Knob::enable_pdl), Origin::built_in);
}

TEST(SettingsFile, IsNamedByTheEnvironmentTooAndByNobodyWhereTheCallerSaysSo) {
  const TuningFile file("TERNARY_I2S_SPLITS=4\n");
  const ScopedVariable variable("TERNARY_SETTINGS", file.path());
  EXPECT_EQ(read_settings(nullptr).i2s_splits, 4);
  EXPECT_EQ(settings_with("").i2s_splits, 0);
}

TEST(SettingsFile, EachFaultHasItsLineAndRule) {
  EXPECT_EQ(fault_of("# x\nTERNARY_NUM_THREADS=0\n"),
            "line 2: TERNARY_NUM_THREADS is \"0\"; it must be a whole number from 1 to 1024");
  EXPECT_EQ(fault_of("TERNARY_SPLITS=1"), "line 1: \"TERNARY_SPLITS\" is no setting");
  EXPECT_EQ(fault_of("TERNARY_I2S_ONLY\n"), "line 1: \"TERNARY_I2S_ONLY\" is not NAME=VALUE");
  EXPECT_EQ(fault_of("TERNARY_I2S_ONLY=1\nTERNARY_I2S_ONLY=1\n"), "line 2: TERNARY_I2S_ONLY is there twice");
  EXPECT_EQ(fault_of("TERNARY_SETTINGS=x\n"), "line 1: TERNARY_SETTINGS may not be in the file that it names");
  EXPECT_EQ(fault_of("TERNARY_DEVICE=cpu\n"),
            "line 1: TERNARY_DEVICE may not be in a file; the caller or the environment says it");
  EXPECT_EQ(fault_of("TERNARY_SHADOW=oracle\n"),
            "line 1: TERNARY_SHADOW may not be in a file; the caller or the environment says it");
  EXPECT_EQ(fault_of("TERNARY_TUNING=a.txt\r\n"),
            "line 1: it has the control character 13, which is allowed in comments alone");
  EXPECT_EQ(fault_of("#" + std::string(1024, 'x')), "line 1: it has 1025 bytes; a line has at most 1024");
}

TEST(SettingsFile, IsCheckedWhereItsValuesAreHidden) {
  const TuningFile file("TERNARY_I2S_SPLITS=65\n");
  EXPECT_NE(sentence_for(file.path(), "TERNARY_I2S_SPLITS=2"), "");
  EXPECT_EQ(sentence_for("/no/such/file"), "TERNARY_SETTINGS: /no/such/file cannot be read: No such file or directory");
}

}  // namespace
}  // namespace ternary::test
