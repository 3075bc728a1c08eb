// mbarriers by themselves: phases and parity, tokens, transactions, arrivals from another CTA, what is out of range.
#include <gtest/gtest.h>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

const std::string kThreadZero = "mov.u32 %r8, mem;\nmov.u32 %r7, %tid.x;\nsetp.eq.u32 %p0, %r7, 0;\n";

Snippet snippet_of(const std::string& lines, int outputs = 1) {
  Snippet snippet;
  snippet.outputs = outputs;
  snippet.body = kThreadZero + lines;
  return snippet;
}

std::string init(int arrivals) {
  return "@%p0 mbarrier.init.shared::cta.b64 [%r8], " + std::to_string(arrivals) +
         ";\nfence.mbarrier_init.release.cluster;\nbar.sync 0;\n";
}

std::string test(int parity, const std::string& out) {
  return "mbarrier.test_wait.parity.shared::cta.b64 %p1, [%r8], " + std::to_string(parity) + ";\nselp.u32 " + out +
         ", 1, 0, %p1;\nbar.warp.sync -1;\n";
}

const char kArrive[] = "@%p0 mbarrier.arrive.shared::cta.b64 %l0, [%r8];\nbar.warp.sync -1;\n";

// PTX: parity p tests the completion of the current or immediately preceding phase, the first of which is phase 0.
TEST(BlackwellMbarrier, ParityFollowsThePhase) {
  const Outcome outcome =
      run(snippet_of(init(2) + test(0, "%o0") + test(1, "%o1") + kArrive + test(0, "%o2") + kArrive + test(0, "%o3") +
                         test(1, "%o4") + kArrive + kArrive + test(1, "%o5"),
                     6));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  const uint32_t expected[6] = {0, 1, 0, 1, 0, 1};  // the phase before the first counts as complete
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(outcome.outputs[i][5], expected[i]) << i;
}

TEST(BlackwellMbarrier, TokensAreOfTheirPhase) {
  const Outcome outcome =
      run(snippet_of(init(2) + "@!%p0 bra end;\nmbarrier.arrive.shared::cta.b64 %l0, [%r8];\n"
                               "mbarrier.test_wait.shared::cta.b64 %p1, [%r8], %l0;\nselp.u32 %o0, 1, 0, %p1;\n"
                               "mbarrier.arrive.shared::cta.b64 %l1, [%r8];\n"
                               "mbarrier.test_wait.shared::cta.b64 %p1, [%r8], %l0;\nselp.u32 %o1, 1, 0, %p1;\n"
                               "mbarrier.arrive.shared::cta.b64 %l2, [%r8];\n"
                               "mbarrier.test_wait.shared::cta.b64 %p1, [%r8], %l2;\nselp.u32 %o2, 1, 0, %p1;\nend:\n",
                     3));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][0], 0u);
  EXPECT_EQ(outcome.outputs[1][0], 1u);
  EXPECT_EQ(outcome.outputs[2][0], 0u);
}

// A phase is complete when arrivals and bytes both are; bytes may come before they are expected.
TEST(BlackwellMbarrier, Transactions) {
  const Outcome outcome = run(snippet_of(
      init(2) +
          "@%p0 mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r8], 16;\n"
          "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 %l0, [%r8], 64;\n" +
          kArrive + test(0, "%o0") + "@%p0 mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r8], 32;\n" +
          test(0, "%o1") + "@%p0 mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r8], 16;\n" + test(0, "%o2") +
          "@%p0 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r8], 8;\n" + kArrive + kArrive + test(1, "%o3"),
      4));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  const uint32_t expected[4] = {0, 0, 1, 0};
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(outcome.outputs[i][9], expected[i]) << i;
}

TEST(BlackwellMbarrier, DropsLowerWhatIsExpected) {
  const Outcome outcome = run(snippet_of(init(2) + "@%p0 mbarrier.arrive_drop.shared::cta.b64 %l0, [%r8];\n" + kArrive +
                                             test(0, "%o0") + kArrive + test(1, "%o1"),
                                         2));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][0], 1u);
  EXPECT_EQ(outcome.outputs[1][0], 1u);
}

const std::string kCluster = "barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;\n";
const std::string kWait = "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\n@!%p1 bra again;\n";

/** Both CTAs write to CTA 0's memory, which waits for 64 arrivals from itself and from the other. */
Snippet remote(const std::string& order) {
  Snippet snippet = snippet_of(
      "mov.u32 %o0, 0;\n@%p0 mbarrier.init.shared::cta.b64 [%r8], 64;\nfence.mbarrier_init.release.cluster;\n" +
      kCluster +
      "mov.u32 %r1, 0;\nmapa.shared::cluster.u32 %r2, %r8, %r1;\nmad.lo.u32 %r3, %tid, 4, %r2;\n"
      "st.shared::cluster.u32 [%r3+64], %tid;\nmbarrier.arrive." +
      order +
      "shared::cluster.b64 _, [%r2];\n"
      "mov.u32 %r4, %cluster_ctarank;\nsetp.ne.u32 %p2, %r4, 0;\n@%p2 bra end;\n" +
      kWait + "sub.u32 %r5, 63, %tid;\nmad.lo.u32 %r5, %r5, 4, %r8;\nld.shared.u32 %o0, [%r5+64];\nend:\n" + kCluster);
  snippet.grid = snippet.cluster = {2, 1, 1};
  return snippet;
}

TEST(BlackwellMbarrier, ArrivalsFromAnotherCta) {
  Snippet snippet = remote("");
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][5], 58u);  // which the other CTA wrote
  Snippet relaxed = remote("relaxed.cluster.");
  EXPECT_EQ(run(&relaxed).fault.kind, FaultKind::race);
}

// Own variables have the CTA's rank in their addresses too: the leader of a pair is found by clearing a bit.
TEST(BlackwellMbarrier, AddressesHaveTheRank) {
  Snippet snippet = snippet_of("shr.u32 %o0, %r8, 24;\nand.b32 %o1, %r8, 0xffffff;\n", 2);
  snippet.grid = snippet.cluster = {4, 1, 1};
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  for (uint32_t rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(outcome.outputs[0][rank * 32], rank);
    EXPECT_EQ(outcome.outputs[1][rank * 32], outcome.outputs[1][0]);
  }
}

TEST(BlackwellMbarrier, WhatIsOutOfRange) {
  const auto fault_of = [](const std::string& lines) { return run(snippet_of(init(1) + lines)).fault.kind; };
  EXPECT_EQ(fault_of("@%p0 mbarrier.arrive.shared::cta.b64 _, [%r8+8];"), FaultKind::uninitialised);
  EXPECT_EQ(fault_of("@%p0 mbarrier.inval.shared::cta.b64 [%r8];\n@%p0 mbarrier.arrive.shared::cta.b64 _, [%r8];"),
            FaultKind::illegal);
  EXPECT_EQ(fault_of("@%p0 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r8], 1048575;"), FaultKind::none);
  EXPECT_EQ(fault_of("@%p0 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r8], 1048576;"), FaultKind::illegal);
  EXPECT_EQ(fault_of("@%p0 mbarrier.arrive.shared::cta.b64 _, [%r8], 2;"), FaultKind::illegal);
  EXPECT_EQ(fault_of("@%p0 mbarrier.init.shared::cta.b64 [%r8], 1;"), FaultKind::illegal);
  EXPECT_EQ(fault_of(kWait), FaultKind::deadlock);
}

// A wait that fails once may be a peek, after which the warp does what others wait for.
TEST(BlackwellMbarrier, APeekDoesNotBlock) {
  Snippet snippet =
      snippet_of(init(1) + "mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\nselp.u32 %o0, 1, 0, %p1;\n" +
                 "bar.warp.sync -1;\n" + kArrive + kWait);
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][3], 0u);
}

}  // namespace
}  // namespace ternary::softgpu
