// Branches that part a warp, calls, jump tables, barriers, ends, griddepcontrol, and what cannot go on.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

Outcome outcome_of(const std::string& body, uint32_t threads = 32, uint64_t seed = 1, int outputs = 1) {
  Snippet snippet;
  snippet.body = "mov.u32 %r0, %tid.x;\nmov.u32 %r1, %laneid;\n" + body;
  snippet.block = {threads, 1, 1};
  snippet.seed = seed;
  snippet.outputs = outputs;
  return run(&snippet);
}

FaultKind fault_of(const std::string& body, uint32_t threads = 32) {
  return outcome_of(body, threads, 1, 0).fault.kind;
}

uint64_t issued(const Outcome& outcome, const std::string& text) {
  for (const auto& line : outcome.counters.lines) {
    if (line.text.find(text) != std::string::npos) return line.counts.issued;
  }
  return 0;
}

TEST(Branch, LanesPartAndMeet) {
  const Outcome got = outcome_of(
      "and.b32 %r2, %r0, 3;\nsetp.eq.u32 %p0, %r2, 0;\nsetp.eq.u32 %p1, %r2, 1;\n@%p0 bra A;\n@%p1 bra B;\n"
      "mov.u32 %o0, 30;\nbra END;\nA:\nmov.u32 %o0, 10;\nbra END;\nB:\nmov.u32 %o0, 20;\nEND:\n"
      "add.u32 %o0, %o0, %r0;\n");
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got.outputs[0][lane], (lane % 4 == 0 ? 10 : lane % 4 == 1 ? 20 : 30) + lane);
  }
  EXPECT_EQ(issued(got, "add.u32 %o0, %o0, %r0;"), 1u) << "the sides do not meet where they join";
}

TEST(Branch, LoopsOfDifferentLengths) {
  const Outcome got = outcome_of(
      "mov.u32 %o0, 0;\nmov.u32 %r2, 0;\nLOOP:\nadd.u32 %r2, %r2, 1;\n"
      "add.u32 %o0, %o0, %r2;\n"
      "setp.le.u32 %p0, %r2, %r0;\n@%p0 bra LOOP;\nmul.lo.u32 %o0, %o0, 2;\n");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(got.outputs[0][lane], (lane + 1) * (lane + 2));
  EXPECT_EQ(issued(got, "mul.lo.u32 %o0"), 1u);
}

// shfl.sync gathers the lanes of its mask also where they come by different ways and at different times.
TEST(Branch, ShufflesGatherTheirMembers) {
  const Outcome got = outcome_of(
      "mov.u32 %o0, 0;\nsetp.lt.u32 %p0, %r1, 16;\n@%p0 bra LOW;\nbra MEET;\nLOW:\nadd.u32 %r0, %r0, 100;\nMEET:\n"
      "shfl.sync.bfly.b32 %o0, %r0, 16, 31, -1;\n");
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(got.outputs[0][lane], lane < 16 ? lane + 16 : lane - 16 + 100);
  // A loop that half of the lanes leave early, with a shuffle behind it that all must reach.
  const Outcome later = outcome_of(
      "mov.u32 %r2, 0;\nLOOP:\nadd.u32 %r2, %r2, 1;\nsetp.lt.u32 %p0, %r2, %r1;\n"
      "@%p0 bra LOOP;\n"
      "shfl.sync.idx.b32 %o0, %r2, 31, 31, -1;\n");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(later.outputs[0][lane], 31u);
}

TEST(Branch, MembersThatNeverComeAreReported) {
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %r1, 16;\n@%p0 bra A;\nshfl.sync.bfly.b32 %r2, %r0, 1, 31, -1;\nbra END;\nA:\n"
                     "shfl.sync.bfly.b32 %r2, %r0, 1, 31, -1;\nEND:\n"),
            FaultKind::divergence);
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %r1, 16;\n@%p0 bra A;\nbar.sync 0;\nbra END;\nA:\nmov.u32 %r2, 1;\nEND:\n"
                     "bar.sync 0;\n"),
            FaultKind::divergence);
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %r1, 16;\n@%p0 shfl.sync.bfly.b32 %r2, %r0, 1, 31, -1;\n"), FaultKind::none)
      << "the others have ended: the mask's living lanes are there";
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %r1, 16;\n"
                     "@%p0 bar.warp.sync 0xff;\n"),
            FaultKind::illegal)
      << "not in its own mask";
}

TEST(Brx, JumpsByTable) {
  const Outcome got = outcome_of(
      "and.b32 %r2, %r0, 3;\nTABLE: .branchtargets A, B, C, B;\nbrx.idx %r2, TABLE;\nA:\n"
      "mov.u32 %o0, 1;\n"
      "bra END;\nB:\nmov.u32 %o0, 2;\nbra END;\nC:\nmov.u32 %o0, 3;\nEND:\n");
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got.outputs[0][lane], (std::vector<uint32_t>{1, 2, 3, 2}[lane % 4]));
  }
  EXPECT_EQ(fault_of("TABLE: .branchtargets A;\nbrx.idx %r0, TABLE;\nA:\n"), FaultKind::illegal);
}

/** A module with a function that a kernel calls twice, launched for 64 threads. */
class Module {
 public:
  explicit Module(const std::string& text, uint32_t ctas = 1) : image_(text, memory_), words_(memory_.allocate(4096)) {
    config_.code = &image_.kernel("k");
    config_.grid = {ctas, 1, 1};
    config_.block = {64, 1, 1};
    config_.step_limit = 1 << 20;
    config_.params.resize(8);
    std::memcpy(config_.params.data(), &words_, 8);
  }
  LaunchConfig& config() { return config_; }
  Memory& memory() { return memory_; }
  uint32_t word(int i) const { return reinterpret_cast<const uint32_t*>(words_)[i]; }

 private:
  TestMemory memory_;
  Image image_;
  uint64_t words_;
  LaunchConfig config_;
};

const std::string kHead = ".version 9.1\n.target sm_90a\n.address_size 64\n";
const std::string kStart =
    ".visible .entry k(.param .u64 p)\n{\n.reg .b64 %rd<4>;\n.reg .b32 %r<8>;\n.reg .pred %p<2>;\n.shared .b32 s;\n"
    "ld.param.u64 %rd1, [p];\nmov.u32 %r1, %tid.x;\nmov.u32 %r2, %ctaid.x;\nmul.wide.u32 %rd2, %r1, 4;\n"
    "add.s64 %rd3, %rd1, %rd2;\n";

TEST(Call, IsInlinedWithItsOwnRegisters) {
  Module module(kHead +
                ".func (.param .b32 result) twice_or_zero(.param .b32 x)\n{\n.reg .b32 %r<4>;\n.reg .pred %p<2>;\n"
                "ld.param.u32 %r1, [x];\nsetp.gt.u32 %p1, %r1, 40;\n@%p1 bra $ZERO;\nadd.u32 %r2, %r1, %r1;\n"
                "st.param.b32 [result+0], %r2;\nret;\n$ZERO:\nmov.u32 %r3, 0;\nst.param.b32 [result+0], %r3;\nret;\n"
                "}\n" +
                kStart +
                "{\n.param .b32 a;\nst.param.b32 [a+0], %r1;\n.param .b32 r;\ncall.uni (r), twice_or_zero, (a);\n"
                "ld.param.b32 %r3, [r+0];\n}\n{\n.param .b32 a;\nst.param.b32 [a+0], %r3;\n.param .b32 r;\n"
                "call.uni (r), twice_or_zero, (a);\nld.param.b32 %r4, [r+0];\n}\nadd.u32 %r4, %r4, %r1;\n"
                "st.global.u32 [%rd3], %r4;\nret;\n}\n");
  Grid grid(module.config(), module.memory());
  ASSERT_EQ(grid.run(true), GridState::finished) << grid.fault().sentence;
  auto twice = [](uint32_t x) { return x > 40 ? 0 : 2 * x; };
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(module.word(i), twice(twice(static_cast<uint32_t>(i))) + static_cast<uint32_t>(i)) << i;
  }
}

TEST(Call, RecursionIsRefused) {
  EXPECT_THROW(Module(kHead + ".func f()\n{\ncall.uni f;\nret;\n}\n" + kStart +
                      "call.uni f;\nret;\n"
                      "}\n"),
               ptx::PtxError);
  EXPECT_THROW(Module(kHead + ".func f();\n" + kStart + "call.uni f;\nret;\n}\n"), ptx::PtxError) << "not defined";
}

TEST(Barrier, Reductions) {
  const Outcome got = outcome_of(
      "setp.lt.u32 %p0, %r0, 40;\nbar.red.popc.u32 %o0, 0, %p0;\n"
      "bar.red.and.pred %p1, 0, %p0;\n"
      "bar.red.or.pred %p2, 0, !%p0;\nselp.u32 %o1, 1, 0, %p1;\n"
      "selp.u32 %o2, 1, 0, %p2;\n",
      96, 3, 3);
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (int thread = 0; thread < 96; ++thread) {
    EXPECT_EQ(got.outputs[0][thread], 40u);
    EXPECT_EQ(got.outputs[1][thread], 0u);
    EXPECT_EQ(got.outputs[2][thread], 1u);
  }
}

TEST(Barrier, WarpsThatEndedAreNotWaitedFor) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    EXPECT_EQ(outcome_of("setp.ge.u32 %p0, %r0, 64;\n@%p0 exit;\nbar.sync 0;\nbar.sync 0;\n", 128, seed, 0).fault.kind,
              FaultKind::none);
  }
}

TEST(Barrier, ArriveAndSyncMeet) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Outcome got = outcome_of(
        "setp.lt.u32 %p0, %r0, 32;\nmov.u32 %o0, 0;\n@%p0 bra PRODUCE;\nbar.sync 1, 64;\n"
        "ld.shared.u32 %o0, [mem];\nbra END;\nPRODUCE:\nst.shared.u32 [mem], 77;\n"
        "bar.arrive 1, 64;\n"
        "END:\n",
        64, seed);
    ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
    EXPECT_EQ(got.outputs[0][63], 77u);
  }
}

TEST(Barrier, WhatCannotGoOnSaysWhere) {
  const Outcome got = outcome_of(
      "setp.lt.u32 %p0, %r0, 32;\n@%p0 bra A;\nbar.sync 1, 64;\nbra END;\nA:\n"
      "bar.sync 2, 64;\nEND:\n",
      64);
  EXPECT_EQ(got.fault.kind, FaultKind::deadlock);
  EXPECT_NE(got.fault.sentence.find("bar.sync 1, 64;"), std::string::npos) << got.fault.sentence;
  EXPECT_NE(got.fault.sentence.find("bar.sync 2, 64;"), std::string::npos) << got.fault.sentence;
  EXPECT_EQ(fault_of("setp.lt.u32 %p0, %r0, 32;\n@%p0 bra A;\nbar.sync 0;\nbra END;\nA:\nbar.sync 0;\nEND:\n", 64),
            FaultKind::divergence)
      << "one barrier, two places";
  EXPECT_EQ(fault_of("bar.sync 16;\n"), FaultKind::illegal);
  EXPECT_EQ(fault_of("bar.sync 1, 40;\n"), FaultKind::illegal);
}

TEST(End, TrapAndStepLimit) {
  EXPECT_EQ(fault_of("setp.eq.u32 %p0, %r0, 9;\n@%p0 trap;\n"), FaultKind::trap);
  EXPECT_EQ(fault_of("LOOP:\nbra LOOP;\n"), FaultKind::step_limit);
}

// Each seed runs the CTAs in another order, so others have gone when the one that faults does, or are still to come.
TEST(End, AFaultNamesItsPlace) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Snippet snippet;
    snippet.grid = {3, 2, 2};
    snippet.block = {96, 1, 1};
    snippet.outputs = 0;
    snippet.seed = seed;
    snippet.body =
        "mov.u32 %r0, %tid.x;\nmov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ctaid.y;\nmov.u32 %r3, %ctaid.z;\n"
        "setp.eq.u32 %p0, %r0, 37;\nsetp.eq.and.u32 %p0, %r1, 2, %p0;\nsetp.eq.and.u32 %p0, %r2, 1, %p0;\n"
        "setp.eq.and.u32 %p0, %r3, 0, %p0;\nmov.u64 %l0, 16;\n@%p0 ld.global.u32 %r4, [%l0];\n";
    const FaultReport fault = run(&snippet).fault;
    EXPECT_EQ(fault.kind, FaultKind::address) << seed;
    EXPECT_EQ(fault.text, "@%p0 ld.global.u32 %r4, [%l0];") << seed;
    EXPECT_NE(fault.sentence.find("), CTA (2,1,0), warp 1, thread 37: "), std::string::npos) << fault.sentence;
  }
}

// The launch gives up between two slices: the warp that ran last is still there to be named.
TEST(End, TheStepLimitNamesThePlaceItCameTo) {
  Snippet snippet;
  snippet.grid = {1, 1, 3};
  snippet.outputs = 0;
  snippet.body = "mov.u32 %r0, %ctaid.z;\nsetp.eq.u32 %p0, %r0, 2;\nLOOP:\n@%p0 bra LOOP;\n";
  const FaultReport fault = run(&snippet).fault;
  EXPECT_EQ(fault.kind, FaultKind::step_limit);
  EXPECT_NE(fault.sentence.find("(@%p0 bra LOOP;), CTA (0,0,2), warp 0: "), std::string::npos) << fault.sentence;
}

TEST(Branch, UniPromisesThatLanesStayTogether) {
  const std::string half = "setp.lt.u32 %p0, %r1, 16;\n", whole = "setp.lt.u32 %p0, %r1, 32;\n";
  EXPECT_EQ(fault_of(half + "@%p0 bra.uni OUT;\nOUT:\n"), FaultKind::divergence);
  EXPECT_EQ(fault_of(whole + "@%p0 bra.uni OUT;\nOUT:\n"), FaultKind::none);
  EXPECT_EQ(fault_of(half + "@%p0 bra IN;\nbra OUT;\nIN:\nbra.uni OUT;\nOUT:\n"), FaultKind::none);
  const std::string table = "LIST: .branchtargets ONE, TWO;\nbrx.idx.uni %r2, LIST;\nONE:\nmov.u32 %r3, 0;\nTWO:\n";
  EXPECT_EQ(fault_of("shr.u32 %r2, %r1, 4;\n" + table), FaultKind::divergence);
  EXPECT_EQ(fault_of("mov.u32 %r2, 1;\n" + table), FaultKind::none);
}

// One CTA polls a word that another sets: with two host threads or one, both must make way for each other.
TEST(End, PollingCtasDoNotStarveOthers) {
  for (int host_threads = 1; host_threads <= 2; ++host_threads) {
    Module module(kHead + kStart +
                      "setp.eq.u32 %p1, %r2, 3;\n@%p1 bra SET;\nPOLL:\nld.volatile.global.u32 %r3, [%rd1];\n"
                      "setp.eq.u32 %p1, %r3, 0;\n@%p1 bra POLL;\nret;\nSET:\nmov.u32 %r4, 1;\n"
                      "atom.global.exch.b32 %r5, [%rd1], %r4;\n"
                      "ret;\n}\n",
                  4);
    module.config().host_threads = host_threads;
    module.config().step_limit = uint64_t{1} << 26;
    Grid grid(module.config(), module.memory());
    EXPECT_EQ(grid.run(true), GridState::finished) << grid.fault().sentence;
  }
}

const std::string kDependent =
    "atom.global.add.u32 %r3, [%rd1], 1;\ngriddepcontrol.wait;\natom.global.add.u32 %r3, [%rd1+4], 1;\n"
    "griddepcontrol.launch_dependents;\natom.global.add.u32 %r3, [%rd1+8], 1;\nret;\n}\n";

TEST(Griddepcontrol, WaitsInEveryCta) {
  Module module(kHead + kStart + kDependent, 5);
  Grid grid(module.config(), module.memory());
  ASSERT_EQ(grid.run(false), GridState::waiting) << grid.fault().sentence;
  EXPECT_EQ(module.word(0), 320u);
  EXPECT_EQ(module.word(1), 0u);
  EXPECT_FALSE(grid.launched_dependents());
  ASSERT_EQ(grid.run(true), GridState::finished) << grid.fault().sentence;
  EXPECT_EQ(module.word(1), 320u);
  EXPECT_EQ(module.word(2), 320u);
  EXPECT_TRUE(grid.launched_dependents());
  EXPECT_TRUE(grid.all_waited());
}

TEST(Griddepcontrol, ResidentCtasOnly) {
  Module module(kHead + kStart + kDependent, 5);
  module.config().resident_ctas = 2;
  Grid grid(module.config(), module.memory());
  ASSERT_EQ(grid.run(false), GridState::waiting);
  EXPECT_EQ(module.word(0), 128u);
  ASSERT_EQ(grid.run(true), GridState::finished);
  EXPECT_EQ(module.word(2), 320u);
}

TEST(Griddepcontrol, ACtaThatEndsWithoutWaiting) {
  // %r1 is the thread of the CTA, %r2 that CTA.
  for (const auto& [leaves, all_waited] : {std::pair("%r1, 63", true), std::pair("%r2, 1", false)}) {
    Module module(kHead + kStart + "setp.eq.u32 %p1, " + leaves + ";\n@%p1 exit;\n" + kDependent, 2);
    Grid grid(module.config(), module.memory());
    ASSERT_EQ(grid.run(true), GridState::finished);
    EXPECT_EQ(grid.all_waited(), all_waited) << leaves;
  }
}

TEST(Launch, RequirementsOfTheKernel) {
  const std::string bounded = kHead + ".visible .entry k(.param .u64 p)\n.maxntid 32, 1, 1\n{\nret;\n}\n";
  Module module(bounded);
  EXPECT_THROW(Grid(module.config(), module.memory()), Fault) << "64 threads where .maxntid says 32";
  module.config().block = {32, 1, 1};
  EXPECT_NO_THROW(Grid(module.config(), module.memory()));
  module.config().cluster = {2, 1, 1};
  EXPECT_THROW(Grid(module.config(), module.memory()), Fault) << "one CTA in clusters of two";
  module.config().cluster = {1, 1, 1};
  module.config().params.resize(4);
  EXPECT_THROW(Grid(module.config(), module.memory()), Fault) << "half a parameter";
}

// The order of CTAs and warps comes from the seed: the same again, another with another.
TEST(Launch, OrderIsTheSeeds) {
  auto order = [](uint64_t seed) {
    Module module(kHead + kStart +
                      "setp.ne.u32 %p1, %r1, 0;\n@%p1 exit;\natom.global.add.u32 %r3, [%rd1], 1;\n"
                      "mul.wide.u32 %rd2, %r2, 4;\nadd.s64 %rd3, %rd1, %rd2;\nst.global.u32 [%rd3+4], %r3;\nret;\n}\n",
                  16);
    module.config().seed = seed;
    module.config().host_threads = 1;
    Grid grid(module.config(), module.memory());
    EXPECT_EQ(grid.run(true), GridState::finished) << grid.fault().sentence;
    std::vector<uint32_t> tickets;
    for (int i = 1; i <= 16; ++i) tickets.push_back(module.word(i));
    return tickets;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

}  // namespace
}  // namespace ternary::softgpu
