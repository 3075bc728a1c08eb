// Holds the native sources to their house: the order of the folders, no circles, no crowded folder.
#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <vector>

#include "house/source_tree.h"

namespace ternary::house {
namespace {

/** As many source files as a folder may hold before it is two. */
constexpr int kMostFiles = 25;

struct CudaLibraryRow {
  const char *name, *folder;
};
/** The first library's folder has rooms of its own. */
constexpr CudaLibraryRow kCudaLibraries[] = {
#define CUDA_LIBRARY(name, folder, ...) {#name, #folder},
#include "abi/cuda_libraries.inc"
#undef CUDA_LIBRARY
};

/** And the folders of other libraries of GPU kernels, which share the device code of the first. */
std::vector<Room> with_libraries(std::vector<Room> rooms) {
  for (size_t i = 1; i < std::size(kCudaLibraries); ++i) {
    rooms.push_back({kCudaLibraries[i].folder, {"include/*", "abi", "cuda", "cuda/*"}});
  }
  return rooms;
}

/** From the ground up: a room sees itself and, of what is below it, what its row names. */
const std::vector<Room> kRooms = with_libraries({
    {"include/ternary", {}},
    {"abi", {"include/*"}},
    {"core/base", {"include/*", "abi"}},
    {"core/weights", {"include/*", "abi", "core/*"}},
    {"core/policy", {"include/*", "abi", "core/*"}},
    {"core/product", {"include/*", "abi", "core/*"}},
    {"core/experts", {"include/*", "abi", "core/*"}},
    {"core/judge", {"include/*", "abi", "core/*"}},
    {"core/runtime", {"include/*", "abi", "core/*"}},
    {"core/moe", {"include/*", "abi", "core/*"}},
    {"core/recheck", {"include/*", "abi", "core/*"}},
    {"core/cost", {"include/*", "abi", "core/*"}},
    {"core/cuda/device", {"include/*", "abi", "core/*"}},
    {"core/cuda/copies", {"include/*", "abi", "core/*", "core/cuda/device"}},
    {"core/cuda", {"include/*", "abi", "core/*", "core/cuda/*"}},
    {"core/cuda/moe", {"include/*", "abi", "core/*", "core/cuda", "core/cuda/device", "core/cuda/copies"}},
    {"core/cuda/calls", {"include/*", "abi", "core/*", "core/cuda/*"}},
    {"core/api", {"include/*", "abi", "core/*", "core/cuda/*"}},
    {"core/glibc", {}},
    // An ISA sees another only if every processor with the one has the other.
    {"cpu", {"include/*", "abi"}},
    {"cpu/frame", {"include/*", "abi", "cpu"}},
    {"cpu/*", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/portable/rows", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/avx2/rows", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/avx512vnni/rows", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/avx2", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/avxvnni", {"include/*", "abi", "cpu", "cpu/frame", "cpu/avx2"}},
    {"cpu/avx512vnni", {"include/*", "abi", "cpu", "cpu/frame"}},
    {"cpu/amx", {"include/*", "abi", "cpu", "cpu/frame", "cpu/avx512vnni"}},
    {"cuda", {"include/*", "abi"}},
    {"cuda/device", {"include/*", "abi"}},
    {"cuda/quantise", {"include/*", "abi", "cuda", "cuda/device"}},
    {"cuda/gemv", {"include/*", "abi", "cuda", "cuda/device", "cuda/quantise"}},
    {"cuda/gemm", {"include/*", "abi", "cuda", "cuda/device", "cuda/quantise"}},
    {"cuda/experts", {"include/*", "abi", "cuda", "cuda/device"}},
    {"cuda/moe", {"include/*", "abi", "cuda", "cuda/device", "cuda/quantise", "cuda/gemm", "cuda/experts"}},
    {"cuda/table", {"include/*", "abi", "cuda", "cuda/*"}},
    // Nothing outside: it shares no code with what it checks.
    {"softgpu/ptx", {}},
    {"softgpu/code", {"softgpu/*"}},
    {"softgpu/memory", {"softgpu/*"}},
    {"softgpu/exec", {"softgpu/*"}},
    {"softgpu/decode", {"softgpu/*"}},
    {"softgpu/opcodes", {"softgpu/*"}},
    {"softgpu/blackwell", {"softgpu/*"}},
    {"softgpu/runtime", {"softgpu/*"}},
    {"softgpu", {}},
    {"softgpu/api", {"softgpu", "softgpu/*"}},
    // Nothing includes programs and tests.
    {"bench/null_cudart", {}},
    {"bench", {"include/*", "abi", "core/*", "core/cuda/*"}},
    {"tools", {"include/*", "abi", "core/*", "core/cuda/*", "cpu", "cuda"}},
    {"gpu-bundle", {}},
    {"softgpu/tests", {"include/*", "abi", "softgpu", "softgpu/*"}},
    {"softgpu/tests/acceptance", {"softgpu/tests"}},
    {"softgpu/tests/blackwell", {"softgpu", "softgpu/*", "softgpu/tests"}},
    {"softgpu/tests/mutants", {}},
    {"softgpu/tests/runtime", {"softgpu", "softgpu/*", "softgpu/tests/*"}},
    {"tests/support", {"include/*", "abi", "core/*", "core/cuda/*", "softgpu"}},
    {"tests/support/cuda", {"include/*", "abi", "core/*", "core/cuda/*", "softgpu", "tests/support"}},
    {"tests/tools", {"abi", "tools"}},
    {"tests/*",
     {"include/*", "abi", "core/*", "core/cuda/*", "cpu", "cpu/frame", "softgpu", "tests/support", "tests/support/*"}},
    {"tests/recheck", {"include/*", "abi", "tests/support", "tests/*"}},
    {"tests/core/cost", {"include/*", "abi", "core/*", "core/cuda/*", "tests/support"}},
    {"tests/cuda/experts", {"include/*", "abi", "tests/support", "tests/support/*", "tests/*"}},
    {"tests/cuda/recheck", {"tests/support", "tests/support/*", "tests/*", "tests/cuda/experts"}},
});

std::string text(const Findings& findings) {
  std::string lines;
  for (const std::string& finding : findings) lines += finding + "\n";
  return lines;
}

const SourceTree& native() {
  static const SourceTree tree = SourceTree::read(TERNARY_NATIVE_DIR);
  return tree;
}

TEST(House, IncludesRunDownward) { EXPECT_EQ(text(native().upward_includes(kRooms)), ""); }

TEST(House, UnitsIncludeEachOtherInNoCircle) { EXPECT_EQ(text(native().include_circles()), ""); }

TEST(House, NoFolderIsCrowded) { EXPECT_EQ(text(native().crowded_folders(kMostFiles)), ""); }

// The rules themselves, on trees with one fault each.

TEST(SourceTree, AnIncludeUpwardOrAsideIsFound) {
  const std::vector<Room> rooms = {
      {"include/x", {}}, {"low", {"include/*"}}, {"a/*", {"low"}}, {"a/top", {"low", "a/*"}}};
  const auto findings = [&](const std::string& path, const std::string& line) {
    std::map<std::string, std::string> texts = {{"include/x/x.h", ""},
                                                {"low/l.h", "#include \"x/x.h\"\n"},
                                                {"a/one/o.h", ""},
                                                {"a/two/t.h", ""},
                                                {"a/top.cc", "#include \"a/one/o.h\"\n#include <map>\n"}};
    texts[path] += line;
    return text(SourceTree(texts).upward_includes(rooms));
  };
  EXPECT_EQ(findings("a/two/t.h", "# include <low/l.h>\n"), "");
  EXPECT_EQ(findings("low/l.h", "#include \"a/one/o.h\"\n"), "low/l.h includes a/one/o.h, but low does not see a/*\n");
  EXPECT_EQ(findings("a/one/o.h", "#include \"x/x.h\"\n"),
            "a/one/o.h includes include/x/x.h, but a/* does not see include/x\n");
  EXPECT_EQ(findings("a/one/o.h", "  #include \"../top.cc\"\n"),
            "a/one/o.h includes a/top.cc, but a/* does not see a/top\n");
  EXPECT_EQ(findings("b/b.h", ""), "b/b.h is in no room of the list\n");
}

TEST(SourceTree, ARowWithoutSourcesOrThatSeesUpwardIsFound) {
  const SourceTree tree({{"a/a.h", ""}, {"b/b.h", ""}});
  EXPECT_EQ(text(tree.upward_includes({{"a", {"b"}}, {"b", {}}})), "the list lets a see b, which is not below it\n");
  EXPECT_EQ(text(tree.upward_includes({{"a", {}}, {"b", {"a"}}, {"c", {}}})), "the list has c, where no source is\n");
}

TEST(SourceTree, ACircleOfUnitsIsFoundWhateverTheFileOfTheUnit) {
  const SourceTree tree({{"a/a.h", ""},
                         {"a/a.cc", "#include \"a/a.h\"\n#include \"b/b.h\"\n"},
                         {"b/b.h", "#include \"b/c.cuh\"\n"},
                         {"b/c.cuh", "#include \"a/a.h\"\n"},
                         {"d.h", "#include \"a/a.h\"\n"}});
  EXPECT_EQ(text(tree.include_circles()), "a circle: a/a -> b/b -> b/c -> a/a\n");
}

TEST(SourceTree, ACrowdedFolderIsFound) {
  const SourceTree tree({{"a/a.h", ""}, {"a/b.h", ""}, {"a/c.cu", ""}, {"a/d/e.h", ""}});
  EXPECT_EQ(text(tree.crowded_folders(3)), "");
  EXPECT_EQ(text(tree.crowded_folders(2)), "a has 3 source files, more than 2\n");
}

}  // namespace
}  // namespace ternary::house
