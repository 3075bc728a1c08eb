// Several copies of the core in one process, as several class loaders bring them: where each finds its backend, and the
// name of its report.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "support/loaded_core.h"

namespace ternary::test {
namespace {

namespace fs = std::filesystem;

/** A folder of its own for copies of the library and for reports. */
class Copies : public testing::Test {
 public:
  Copies() {
    std::string pattern = testing::TempDir() + "ternary.copies.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Copies() override { fs::remove_all(folder_); }

 protected:
  /** A file that the dynamic loader takes for another library, without a backend beside it. */
  std::string copy_of_library(const std::string& name) const {
    fs::create_directory(folder_ / name);
    fs::copy_file(library_file, folder_ / name / "libternary.so");
    return folder_ / name / "libternary.so";
  }

  static fs::path backends() { return fs::canonical(library_file).parent_path(); }
  std::string file(const std::string& name) const { return folder_ / name; }

  /** Empty if there is none. */
  std::string text(const std::string& name) const {
    std::ifstream stream(file(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  fs::path folder_;
};

TEST_F(Copies, EachWritesItsOwnReport) {
  {
    Core one(copy_of_library("one")), two(copy_of_library("two"));
    ASSERT_EQ(one.configure(backends().c_str(), 1), TERNARY_OK) << one.error();
    ASSERT_EQ(two.configure((backends() / "").c_str(), 2), TERNARY_OK) << two.error();
    const std::string setting = "TERNARY_PATH_REPORT=" + file("report.json");
    ternary_runtime *first = one.runtime(setting), *second = two.runtime(setting);
    ASSERT_NE(first, nullptr) << one.error();
    ASSERT_NE(second, nullptr) << two.error();
    EXPECT_EQ(one.call(first), TERNARY_OK);
    EXPECT_EQ(two.call(second), TERNARY_OK);
    EXPECT_EQ(two.call(second), TERNARY_OK);
    one.destroy(first);
    two.destroy(second);
  }
  EXPECT_NE(text("report.json").find(":1}"), std::string::npos) << text("report.json");
  EXPECT_NE(text("report-2.json").find(":2}"), std::string::npos) << text("report-2.json");
}

TEST_F(Copies, ReportsAreNumberedBeforeTheExtension) {
  Core core(copy_of_library("core"));
  ASSERT_EQ(core.configure(backends().c_str(), 13), TERNARY_OK) << core.error();
  const std::string pid = std::to_string(getpid());
  const std::pair<std::string, std::string> names[] = {
      {"report.json", "report-13.json"},   {"report", "report-13"},
      {"a.b.json", "a.b-13.json"},         {".hidden", ".hidden-13"},
      {".hidden.json", ".hidden-13.json"}, {"{pid}.json", pid + "-13.json"},
      {"r-{pid}", "r-" + pid + "-13"},     {"r.{pid}", "r-13." + pid}};
  for (const auto& [given, expected] : names) {
    // The folder's name has dots; a relative path has no folder.
    for (const std::string& prefix : {folder_.string() + "/", std::string()}) {
      ternary_runtime* runtime = core.runtime("TERNARY_NUM_THREADS=1\nTERNARY_PATH_REPORT=" + prefix + given);
      if (prefix.empty() && runtime == nullptr) continue;  // the working folder is read-only
      ASSERT_NE(runtime, nullptr) << core.error();
      const std::string info = core.info(runtime), key = "\"report\":\"";
      const size_t at = info.find(key) + key.size();
      EXPECT_EQ(info.substr(at, info.find('"', at) - at), prefix + expected) << given;
      core.destroy(runtime);
    }
  }
  const auto write = core.get<decltype(ternary_write_report)>("ternary_write_report");
  EXPECT_EQ(write(file("now.json").c_str()), TERNARY_OK) << core.error();
  EXPECT_NE(text("now-13.json"), "");
  EXPECT_EQ(text("now.json"), "");
}

TEST_F(Copies, AreToldOnceAndBeforeTheirFirstRuntime) {
  Core core(copy_of_library("core"));
  EXPECT_EQ(core.configure("backends", 1), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(core.error().find("\"backends\""), std::string::npos) << core.error();
  EXPECT_EQ(core.configure("", 1), TERNARY_INVALID_ARGUMENT);
  EXPECT_EQ(core.configure(nullptr, 0), TERNARY_INVALID_ARGUMENT);
  EXPECT_NE(core.error().find("copy is 0"), std::string::npos) << core.error();
  EXPECT_EQ(core.configure("/no/such/folder", 4), TERNARY_OK);
  EXPECT_EQ(core.runtime(""), nullptr);
  EXPECT_NE(core.error().find("/no/such/folder/libternary_cpu.so"), std::string::npos) << core.error();
  EXPECT_EQ(core.configure(backends().c_str(), 2), TERNARY_OK) << "nothing is loaded yet";
  ternary_runtime* runtime = core.runtime("");
  ASSERT_NE(runtime, nullptr) << core.error();
  EXPECT_NE(core.info(runtime).find("\"report\":\"\""), std::string::npos);
  core.destroy(runtime);
  EXPECT_EQ(core.configure(backends().c_str(), 2), TERNARY_OK);
  EXPECT_EQ(core.configure((backends() / "").c_str(), 2), TERNARY_OK);
  EXPECT_EQ(core.configure(backends().c_str(), 3), TERNARY_ILLEGAL_STATE);
  EXPECT_EQ(core.configure("/no/such/folder", 2), TERNARY_ILLEGAL_STATE);
  EXPECT_EQ(core.configure(nullptr, 2), TERNARY_ILLEGAL_STATE);
}

TEST_F(Copies, AMissingBackendIsFoundOnceItIsThere) {
  Core core(copy_of_library("core"));
  EXPECT_EQ(core.runtime(""), nullptr);
  EXPECT_NE(core.error().find(file("core") + "/libternary_cpu.so"), std::string::npos) << core.error();
  std::ofstream(file("core/libternary_cpu.so")) << "half a file";
  EXPECT_EQ(core.runtime(""), nullptr);
  fs::copy_file(backends() / "libternary_cpu.so", file("core/libternary_cpu.so"), fs::copy_options::overwrite_existing);
  ternary_runtime* runtime = core.runtime("");
  EXPECT_NE(runtime, nullptr) << core.error();
  core.destroy(runtime);
}

}  // namespace
}  // namespace ternary::test
