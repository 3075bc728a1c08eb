#include "core/policy/microarchitecture.h"

#include <gtest/gtest.h>

#include "core/policy/tuning.h"

namespace ternary::test {
namespace {

std::string named(const char* device_id) { return microarchitecture_name(microarchitecture_of(device_id)); }

TEST(Microarchitecture, IsToldByVendorFamilyAndModel) {
  EXPECT_EQ(named("AuthenticAMD family 25 model 1 stepping 1"), "Zen 3");
  EXPECT_EQ(named("AuthenticAMD family 25 model 33 stepping 0"), "Zen 3");
  EXPECT_EQ(named("AuthenticAMD family 25 model 17 stepping 1"), "Zen 4");
  EXPECT_EQ(named("AuthenticAMD family 25 model 97 stepping 2"), "Zen 4");
  EXPECT_EQ(named("AuthenticAMD family 26 model 2 stepping 1"), "Zen 5");
  EXPECT_EQ(named("GenuineIntel family 6 model 143 stepping 8"), "Golden Cove");
  EXPECT_EQ(named("GenuineIntel family 6 model 207 stepping 2"), "Golden Cove");
}

TEST(Microarchitecture, IsOtherWhereNothingIsKnown) {
  for (const char* id :
       {"", "AuthenticAMD", "AuthenticAMD family 23 model 49 stepping 0", "GenuineIntel family 25 model 1 stepping 1",
        "GenuineIntel family 6 model 106 stepping 6", "emulation family 0 model 0 stepping 0",
        "AuthenticAMDAuthenticAMDAuthenticAMD family 25 model 1"}) {
    EXPECT_EQ(named(id), "other") << id;
  }
}

int64_t gemm_from(Isa isa, Microarchitecture microarchitecture) {
  return built_in_tuning(isa, microarchitecture).gemm_i2s_min_m;
}

TEST(BuiltInTuning, PrefersTheIsaThenTheMicroarchitecture) {
  const auto& of_zen3 = built_in_tuning(Isa::avx2, Microarchitecture::zen3);
  EXPECT_NE(&of_zen3, &built_in_tuning(Isa::avx2, Microarchitecture::other));
  EXPECT_GT(gemm_from(Isa::avx2, Microarchitecture::zen3), gemm_from(Isa::avx2, Microarchitecture::zen4));
  // No row of Zen 3 for AVX-512: that of all others, not Zen 3's for AVX2.
  EXPECT_EQ(&built_in_tuning(Isa::avx512vnni, Microarchitecture::zen3),
            &built_in_tuning(Isa::avx512vnni, Microarchitecture::other));
  EXPECT_EQ(&built_in_tuning(Isa::portable, Microarchitecture::zen5),
            &built_in_tuning(Isa::portable, Microarchitecture::other));
  EXPECT_NE(&built_in_tuning(Isa::avx2, Microarchitecture::zen5), &of_zen3);
}

TEST(BuiltInTuning, HasValuesInRangeForEveryMachine) {
  for (int isa = 0; isa < kIsaCount; ++isa) {
    for (int m = 0; m <= static_cast<int>(Microarchitecture::golden_cove); ++m) {
      const Tuning& tuning = built_in_tuning(static_cast<Isa>(isa), static_cast<Microarchitecture>(m));
      for (const TuningValue& value : kTuningValues) {
        EXPECT_GE(tuning.*value.value, value.least) << value.name;
        EXPECT_LE(tuning.*value.value, value.most) << value.name;
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
