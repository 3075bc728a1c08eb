// ternary.h and the documents say of a closed set what its list says.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "abi/kernel.h"
#include "core/policy/settings.h"
#include "support/handles.h"
#include "support/test_data.h"

namespace ternary::test {
namespace {

namespace fs = std::filesystem;

/** The file that test data lie beside. */
fs::path in_repository(const char* path) { return fs::path(test_data(".")) / ".." / path; }

const std::string& header() {
  static const std::string text = read_text(in_repository("native/include/ternary/ternary.h"));
  return text;
}

/** README.md and every document of a module, one after the other. */
const std::string& documents() {
  static const std::string all = [] {
    std::string text = read_text(in_repository("README.md"));
    for (const char* folder : {"native/doc", "java/doc", "jmh/doc"}) {
      if (!fs::is_directory(in_repository(folder))) continue;
      for (const fs::directory_entry& file : fs::directory_iterator(in_repository(folder))) {
        if (file.path().extension() == ".md") text += read_text(file.path());
      }
    }
    return text;
  }();
  return all;
}

bool documented(const std::string& name) { return documents().find('`' + name + '`') != std::string::npos; }

/** The settings of ternary.h's table, and the values that it says each takes. */
std::map<std::string, std::string> settings_of_header() {
  std::map<std::string, std::string> values;
  const std::string row = " * | TERNARY_";
  for (size_t at = header().find(row); at != std::string::npos; at = header().find(row, at + 1)) {
    const size_t name = at + 5, bar = header().find(" | ", name), end = header().find(" | ", bar + 3);
    values[header().substr(name, bar - name)] = header().substr(bar + 3, end - bar - 3);
  }
  return values;
}

TEST(ClosedSets, TheHeadersTableHasEverySettingWithItsValues) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < kKnobCount; ++i) expected[kKnobNames[i]] = knob_values(static_cast<Knob>(i));
  EXPECT_EQ(settings_of_header(), expected);
}

TEST(ClosedSets, TheHeaderDescribesTheTilesOfEveryLayout) {
#define LAYOUT(value, ...) #value,
  const char* const values[] = {
#include "abi/layouts.inc"
  };
#undef LAYOUT
  size_t after = header().find("typedef enum ternary_layout {");
  ASSERT_NE(after, std::string::npos);
  for (const LayoutTraits& row : kLayoutTraits) {
    const std::string constant =
        std::string("TERNARY_LAYOUT_") + values[row.value] + " = " + std::to_string(static_cast<int>(row.value));
    const size_t end = header().find(constant, after);
    ASSERT_NE(end, std::string::npos) << constant;
    const std::string comment = header().substr(after, end - after);
    char bits[32];
    std::snprintf(bits, sizeof bits, "%.2f bits a weight", bits_per_weight(row.value));
    EXPECT_NE(comment.find(bits), std::string::npos) << constant << " lacks " << bits;
    const std::string tiles = std::to_string(row.rows) + " rows by " + std::to_string(row.columns) + " columns";
    EXPECT_TRUE(row.rows == 1 || comment.find(tiles) != std::string::npos) << constant << " lacks " << tiles;
    after = end;
  }
  const std::string rest = header().substr(after, header().find("} ternary_layout;") - after);
  EXPECT_EQ(rest.find(" = "), rest.rfind(" = ")) << "a value has no row: " << rest;
}

TEST(ClosedSets, TheDocumentsNameEverySettingAndReason) {
  ASSERT_FALSE(documents().empty());
  for (const char* name : kKnobNames) EXPECT_TRUE(documented(name)) << name;
  for (int i = 1; i < kReasonCount; ++i) EXPECT_TRUE(documented(kReasonNames[i])) << kReasonNames[i];
}

TEST(ClosedSets, IsasAreAPartialOrder) {
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    EXPECT_TRUE(implies(isa, isa));
    EXPECT_TRUE(implies(isa, Isa::portable)) << isa_name(isa);
    for (int other = i + 1; other < kIsaCount; ++other) EXPECT_FALSE(implies(isa, static_cast<Isa>(other)));
  }
  EXPECT_TRUE(implies(Isa::amx, Isa::avx512vnni));
  EXPECT_FALSE(implies(Isa::avx512vnni, Isa::avxvnni)) << "some machines have the one without the other";
  EXPECT_FALSE(implies(Isa::amx, Isa::avxvnni));
}

TEST(ClosedSets, ACapAllowsWhatItImplies) {
  EXPECT_TRUE(Settings().allow(Isa::amx)) << "no cap";
  const Settings capped = read_settings("TERNARY_MAX_ISA=avx512vnni");
  EXPECT_TRUE(capped.allow(Isa::portable));
  EXPECT_TRUE(capped.allow(Isa::avx2));
  EXPECT_FALSE(capped.allow(Isa::avxvnni));
  EXPECT_TRUE(capped.allow(Isa::avx512vnni));
  EXPECT_FALSE(capped.allow(Isa::amx));
}

}  // namespace
}  // namespace ternary::test
