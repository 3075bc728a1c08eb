// A device that libternary_cutlass_sm100a.so is made for, where it is missing: said, and counted for the products that it
// could have served. In a process of its own, whose backends lie in a folder without it, see CMakeLists.txt.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/handles.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

namespace fs = std::filesystem;

/** Links to all backends that were built but CUTLASS's. */
class CudaNoCutlass : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Dl_info core;
    ASSERT_NE(dladdr(reinterpret_cast<void*>(&ternary_version), &core), 0);
    fs::remove_all(folder());
    fs::create_directories(folder());
    for (const fs::directory_entry& file : fs::directory_iterator(fs::canonical(core.dli_fname).parent_path())) {
      const std::string name = file.path().filename();
      if (name.rfind("libternary_", 0) != 0 || name.rfind("libternary_cutlass", 0) == 0) continue;
      fs::create_symlink(file.path(), folder() / name);
    }
    ASSERT_EQ(ternary_configure_process(folder().c_str(), 1), TERNARY_OK) << ternary_last_error();
  }
  static void TearDownTestSuite() { fs::remove_all(folder()); }

  static fs::path folder() { return fs::path(testing::TempDir()) / "ternary_without_cutlass"; }

  /** What is counted of the missing library when layers for 0, 16 and 17 rows are applied twice each. */
  static Counts missed(const std::string& setting, ProblemSpec spec) {
    const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda\n" + setting);
    EXPECT_NE(runtime, nullptr) << ternary_last_error();
    for (const int64_t rows : {0, 16, 17}) {
      spec.expected_rows = rows;
      const Problem problem(spec);
      const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
      for (int round = 0; round < 2; ++round) {
        Output got = problem.output();
        EXPECT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
        EXPECT_EQ(problem.verdict(got, problem.expected()), "");
      }
    }
    Counts counts;
    for (const auto& [path, count] : counters_of(runtime.get()).fallbacks) {
      if (path.find(".cutlass.") != std::string::npos) counts.emplace(path, count);
    }
    return counts;
  }

  static std::string info(const std::string& setting) {
    return info_of(make_runtime("TERNARY_DEVICE=cuda\n" + setting).get());
  }
};

TEST_F(CudaNoCutlass, IsSaid) {
  const std::string begin =
      "\"libraries\":[{\"name\":\"bitnet\",\"arch\":\"sm100f\",\"reason\":\"\"},"
      "{\"name\":\"cutlass\",\"arch\":\"\",\"reason\":\"";
  for (const char* setting : {"TERNARY_CUTLASS=auto", "TERNARY_CUTLASS=1"}) {
    EXPECT_NE(info(setting).find(begin + "libternary_cutlass_sm100a.so does not lie beside libternary.so\"}]"),
              std::string::npos)
        << info(setting);
  }
  EXPECT_NE(info("TERNARY_CUTLASS=0").find(begin + "TERNARY_CUTLASS is 0\"}]"), std::string::npos);
}

TEST_F(CudaNoCutlass, IsCountedForLayersOfMoreThan16Rows) {
  for (const ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    EXPECT_EQ(missed("", plain_spec(activation, 20, 40, 200)), (Counts{{"linear.cutlass.cuda.sm100a:no_library", 2}}));
  }
  ProblemSpec normed = plain_spec(TERNARY_A8, 2, 40, 200);
  normed.norm = true;
  EXPECT_EQ(missed("", normed), (Counts{{"rmsnorm_linear.cutlass.cuda.sm100a:no_library", 2}}));
}

TEST_F(CudaNoCutlass, IsCountedForEveryProductWhereTheSettingIs1AndForNoneWhereItIs0) {
  const ProblemSpec spec = plain_spec(TERNARY_A8, 2, 40, 200);
  EXPECT_EQ(missed("TERNARY_CUTLASS=1", spec), (Counts{{"linear.cutlass.cuda.sm100a:no_library", 6}}));
  EXPECT_EQ(missed("TERNARY_CUTLASS=0", spec), Counts());
}

}  // namespace
}  // namespace ternary::test
