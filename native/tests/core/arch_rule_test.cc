// The rule from a compute capability and the libraries that are there to the one that serves.
#include "core/cuda/device/arch.h"

#include <gtest/gtest.h>

#include <iterator>

namespace ternary::test {
namespace {

const std::vector<std::string> kAll(std::begin(kCudaArchs), std::end(kCudaArchs));

std::vector<std::string> all_but(const std::string& absent) {
  std::vector<std::string> present;
  for (const std::string& arch : kAll) {
    if (arch != absent) present.push_back(arch);
  }
  return present;
}

/** The first library that is tried; empty if none is. */
std::string best(int major, int minor, const std::vector<std::string>& present) {
  const std::vector<std::string> archs = cuda_archs_for(major, minor, present);
  return archs.empty() ? "" : archs.front();
}

TEST(CudaArch, EveryCapabilityWithAllLibraries) {
  const struct {
    int major, minor;
    const char* arch;
  } kRule[] = {{8, 0, "sm80"},
               {8, 6, "sm80"},
               {8, 7, "sm80"},
               {8, 9, "sm89"},
               {9, 0, "sm90a"},
               {10, 0, "sm100f"},
               {10, 1, "sm100f"},  // tried, see core/cuda/device/arch.h
               {10, 3, "sm103a"},
               {12, 0, "sm120f"},
               {12, 1, "sm120f"},
               // No machine code of ours runs on these.
               {5, 2, ""},
               {7, 0, ""},
               {7, 5, ""},
               {9, 1, ""},
               {11, 0, ""},
               {13, 0, ""}};
  for (const auto& row : kRule) {
    EXPECT_EQ(best(row.major, row.minor, kAll), row.arch) << row.major << "." << row.minor;
  }
}

TEST(CudaArch, CodeOfAnAServesItsCapabilityAlone) {
  EXPECT_EQ(best(10, 0, {"sm100a"}), "sm100a");
  for (int major = 5; major <= 13; ++major) {
    for (int minor = 0; minor <= 9; ++minor) {
      if (major == 10 && minor == 0) continue;
      EXPECT_EQ(best(major, minor, {"sm100a"}), "") << major << "." << minor;
    }
  }
}

TEST(CudaArch, ASubsetOfLibraries) {
  EXPECT_EQ(best(8, 9, all_but("sm89")), "sm80");
  EXPECT_EQ(best(10, 3, all_but("sm103a")), "sm100f");
  EXPECT_EQ(best(9, 0, all_but("sm90a")), "");
  EXPECT_EQ(best(10, 0, all_but("sm100f")), "") << "sm_103a code runs on 10.3 alone";
  EXPECT_EQ(best(8, 6, all_but("sm80")), "") << "sm_89 code does not run on 8.6";
  EXPECT_EQ(best(12, 1, {"sm100f"}), "");
  for (int major = 5; major <= 13; ++major) {
    for (int minor = 0; minor <= 9; ++minor) EXPECT_EQ(best(major, minor, {}), "");
  }
}

}  // namespace
}  // namespace ternary::test
