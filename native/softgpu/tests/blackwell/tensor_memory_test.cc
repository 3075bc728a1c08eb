// tcgen05.alloc, .dealloc, .ld and .st: where each register of each thread lies, and what must be waited for.
#include <gtest/gtest.h>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

/** A warp group; warp 0 allocates 64 columns, whose address is in %r0; %r1 has the lanes of the own warp in it. */
Snippet snippet_of(const std::string& lines, const std::string& end = "", int outputs = 1) {
  Snippet snippet;
  snippet.arch = 100;
  snippet.block = {128, 1, 1};
  snippet.outputs = outputs;
  snippet.body =
      "mov.u32 %r8, mem;\nmov.u32 %r7, %tid.x;\nshr.u32 %r6, %r7, 5;\nsetp.eq.u32 %p0, %r6, 0;\nmov.u32 %o0, 0;\n"
      "@%p0 tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%r8], 64;\nbar.sync 0;\n"
      "ld.shared.u32 %r0, [%r8];\nshl.b32 %r1, %r6, 21;\nadd.u32 %r1, %r1, %r0;\n" +
      lines + "bar.sync 0;\n" +
      (end.empty() ? "@%p0 tcgen05.relinquish_alloc_permit.cta_group::1.sync.aligned;\n"
                     "@%p0 tcgen05.dealloc.cta_group::1.sync.aligned.b32 %r0, 64;\n"
                   : end);
  return snippet;
}

FaultReport fault_of(const std::string& lines, const std::string& end = "") {
  return run(snippet_of(lines, end)).fault;
}

const std::string kWaitStore = "tcgen05.wait::st.sync.aligned;\n";
const std::string kWaitLoad = "tcgen05.wait::ld.sync.aligned;\n";

/** Fills 16 columns of the warp's lanes: lane * 100 + column. */
std::string fill(const std::string& wait = kWaitStore) {
  std::string lines = "mul.lo.u32 %r2, %r7, 100;\n";
  for (int column = 0; column < 16; ++column) {
    lines += "add.u32 %r3, %r2, " + std::to_string(column) + ";\nadd.u32 %r4, %r1, " + std::to_string(column) +
             ";\ntcgen05.st.sync.aligned.32x32b.x1.b32 [%r4], {%r3};\n";
  }
  return lines + wait;
}

// Figures "Matrix Fragment" of the shapes: .32x32b a lane a thread; .16x128b rows of four threads, the second register 8
// lanes below; .16x256b rows of four threads with two columns each.
TEST(BlackwellTensorMemory, FragmentsOfEveryShape) {
  struct Case {
    const char* shape;
    int registers, lanes;
    uint32_t (*lane)(uint32_t t, uint32_t v);
    uint32_t (*column)(uint32_t t, uint32_t v);
  };
  const Case cases[] = {
      {"32x32b.x1", 1, 32, [](uint32_t t, uint32_t) { return t; }, [](uint32_t, uint32_t) { return 0u; }},
      {"32x32b.x8", 8, 32, [](uint32_t t, uint32_t) { return t; }, [](uint32_t, uint32_t v) { return v; }},
      {"16x128b.x1", 2, 16, [](uint32_t t, uint32_t v) { return t / 4 + 8 * v; },
       [](uint32_t t, uint32_t) { return t % 4; }},
      {"16x128b.x2", 4, 16, [](uint32_t t, uint32_t v) { return t / 4 + 8 * (v & 1); },
       [](uint32_t t, uint32_t v) { return 4 * (v >> 1) + t % 4; }},
      {"16x256b.x1", 4, 16, [](uint32_t t, uint32_t v) { return t / 4 + 8 * (v >> 1); },
       [](uint32_t t, uint32_t v) { return t % 4 * 2 + (v & 1); }},
      {"16x256b.x2", 8, 16, [](uint32_t t, uint32_t v) { return t / 4 + 8 * (v >> 1 & 1); },
       [](uint32_t t, uint32_t v) { return 8 * (v >> 2) + t % 4 * 2 + (v & 1); }},
  };
  for (const Case& one : cases) {
    for (uint32_t half = 0; half < 32; half += static_cast<uint32_t>(one.lanes)) {
      std::string list;
      for (int v = 0; v < one.registers; ++v) list += (v ? ", %o" : "%o") + std::to_string(v);
      const std::string up = "add.u32 %r4, %r1, " + std::to_string(half << 16) + ";\n";
      const Outcome outcome = run(
          snippet_of(fill() + up + "tcgen05.ld.sync.aligned." + one.shape + ".b32 {" + list + "}, [%r4];\n" + kWaitLoad,
                     "", one.registers));
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (uint32_t thread = 0; thread < 128; ++thread) {
        for (int v = 0; v < one.registers; ++v) {
          const uint32_t t = thread % 32, at = static_cast<uint32_t>(v);
          const uint32_t lane = thread / 32 * 32 + half + one.lane(t, at);
          ASSERT_EQ(outcome.outputs[at][thread], lane * 100 + one.column(t, at))
              << one.shape << ' ' << thread << ' ' << v;
        }
      }
    }
  }
}

const std::string kLoad = "tcgen05.ld.sync.aligned.32x32b.x2.b32 {%o0, %r5}, [%r1];\n";

TEST(BlackwellTensorMemory, WaitsOfLoadsAndStores) {
  EXPECT_EQ(fault_of(fill() + kLoad + kWaitLoad).kind, FaultKind::none);
  // A warp's own accesses are in order.
  EXPECT_EQ(fault_of(fill("") + kLoad + kWaitLoad + kWaitStore).kind, FaultKind::none);
  // What a load that was waited for has read is written.
  EXPECT_EQ(
      fault_of("mov.u32 %r3, 1;\ntcgen05.st.sync.aligned.32x32b.x2.b32 [%r1], {%r3, %r3};\n" + kLoad + kWaitLoad).kind,
      FaultKind::none);
  // The columns go back while a warp may still read or write them.
  EXPECT_EQ(fault_of(fill() + kLoad).kind, FaultKind::race);
  EXPECT_EQ(fault_of(fill("")).kind, FaultKind::race);
  EXPECT_EQ(fault_of(fill("") + kWaitLoad).kind, FaultKind::race);
  EXPECT_EQ(fault_of(kLoad).kind, FaultKind::uninitialised);
}

TEST(BlackwellTensorMemory, Allocation) {
  const FaultReport left = fault_of("", "bar.sync 0;\n");
  EXPECT_EQ(left.kind, FaultKind::illegal);
  EXPECT_NE(left.sentence.find("no tcgen05.dealloc"), std::string::npos) << left.sentence;
  const std::string dealloc = "@%p0 tcgen05.dealloc.cta_group::1.sync.aligned.b32 %r0, ";
  EXPECT_EQ(fault_of("", dealloc + "32;\n").kind, FaultKind::illegal);
  EXPECT_EQ(fault_of("", dealloc + "64;\n" + dealloc + "64;\n").kind, FaultKind::address);
  const std::string alloc = "@%p0 tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%r8+4], ";
  const auto says = [](const FaultReport& fault, const char* what) {
    EXPECT_EQ(fault.kind, FaultKind::illegal);
    EXPECT_NE(fault.sentence.find(what), std::string::npos) << fault.sentence;
  };
  says(fault_of(alloc + "128;\n"), "more columns than the one before");
  says(fault_of(alloc + "48;\n"), "tcgen05.alloc of 48 columns");
  says(fault_of("@%p0 tcgen05.relinquish_alloc_permit.cta_group::1.sync.aligned;\n" + alloc + "32;\n"),
       "after relinquish_alloc_permit");
}

TEST(BlackwellTensorMemory, WhereAWarpReaches) {
  EXPECT_EQ(fault_of("add.u32 %r1, %r1, 64;\n" + kLoad).kind, FaultKind::address);  // not allocated
  EXPECT_EQ(fault_of("mov.u32 %r1, %r0;\n" + fill()).kind, FaultKind::address);     // lanes of warp 0
  const std::string half = "tcgen05.ld.sync.aligned.16x128b.x1.b32 {%o0, %r5}, [%r1];\n";
  EXPECT_EQ(fault_of(fill() + "add.u32 %r1, %r1, 1048576;\n" + half + kWaitLoad).kind, FaultKind::none);    // lane 16
  EXPECT_EQ(fault_of(fill() + "add.u32 %r1, %r1, 524288;\n" + half + kWaitLoad).kind, FaultKind::address);  // lane 8
}

// What the place is differs from run to run, so that none counts on column 0.
TEST(BlackwellTensorMemory, ThePlaceIsAnyOne) {
  std::vector<uint32_t> places;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Snippet snippet = snippet_of("mov.u32 %o0, %r0;\n");
    snippet.seed = seed;
    const uint32_t place = run(&snippet).outputs[0][0];
    EXPECT_EQ(place % 64, 0u);
    EXPECT_LT(place, 512u);
    places.push_back(place);
  }
  EXPECT_NE(*std::min_element(places.begin(), places.end()), *std::max_element(places.begin(), places.end()));
}

}  // namespace
}  // namespace ternary::softgpu
