// Clusters: ranks, addresses of other CTAs' shared memory, barrier.cluster, and what goes wrong without it.
#include <gtest/gtest.h>

#include "softgpu/ptx/module.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr uint32_t kCtas = 4, kThreads = 64;

Snippet cluster_of(const std::string& lines, uint64_t seed = 1) {
  Snippet snippet;
  snippet.grid = {2 * kCtas, 1, 1};
  snippet.cluster = {kCtas, 1, 1};
  snippet.block = {kThreads, 1, 1};
  snippet.seed = seed;
  snippet.body =
      "mov.u32 %o0, 0;\nmov.u32 %r0, mem;\nmov.u32 %r1, %tid.x;\nmad.lo.u32 %r1, %r1, 4, %r0;\n"
      "mov.u32 %r2, %cluster_ctarank;\nxor.b32 %r3, %r2, 1;\n" +
      lines;
  return snippet;
}

const std::string kBarrier = "barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;\n";
const std::string kWriteOwn = "mad.lo.u32 %r4, %r2, 1000, %tid;\nst.shared.u32 [%r1], %r4;\n";
const std::string kReadPeer = "mapa.shared::cluster.u32 %r5, %r1, %r3;\nld.shared::cluster.u32 %o0, [%r5];\n";

FaultKind fault_of(const std::string& lines, uint64_t seed = 1) { return run(cluster_of(lines, seed)).fault.kind; }

uint32_t of_peer(uint32_t thread) {
  const uint32_t cta = thread / kThreads, peer = (cta / kCtas * kCtas) + ((cta % kCtas) ^ 1);
  return (peer % kCtas) * 1000 + peer * kThreads + thread % kThreads;
}

TEST(Cluster, ReadsThePeer) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const Outcome outcome = run(cluster_of(kWriteOwn + kBarrier + kReadPeer + kBarrier, seed));
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t i = 0; i < 2 * kCtas * kThreads; ++i) ASSERT_EQ(outcome.outputs[0][i], of_peer(i)) << i;
  }
}

TEST(Cluster, GenericAddresses) {
  const Outcome outcome =
      run(cluster_of(kWriteOwn + kBarrier +
                     "cvt.u64.u32 %l0, %r1;\ncvta.shared.u64 %l0, %l0;\nmapa.u64 %l1, %l0, %r3;\nld.u32 %o0, [%l1];\n"
                     "getctarank.u64 %r6, %l1;\nsetp.ne.u32 %p0, %r6, %r3;\n@%p0 trap;\n" +
                     kBarrier));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  for (uint32_t i = 0; i < 2 * kCtas * kThreads; ++i) ASSERT_EQ(outcome.outputs[0][i], of_peer(i)) << i;
}

TEST(Cluster, SpecialRegisters) {
  Snippet snippet = cluster_of(
      "mov.u32 %o0, %cluster_ctarank;\nmov.u32 %o1, %cluster_nctarank;\nmov.u32 %o2, %clusterid.x;\n"
      "mov.u32 %o3, %nclusterid.x;\nmov.u32 %o4, %cluster_ctaid.x;\nmov.u32 %o5, %cluster_nctaid.x;\n");
  snippet.outputs = 6;
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  const size_t thread = 6 * kThreads + 3;
  const uint32_t expected[6] = {2, kCtas, 1, 2, 2, kCtas};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(outcome.outputs[i][thread], expected[i]) << i;
}

TEST(Cluster, AtomicsOnAPeer) {
  const Outcome outcome = run(cluster_of(
      "st.shared.u32 [%r1], 0;\n" + kBarrier +
      "mov.u32 %r4, 0;\nmapa.shared::cluster.u32 %r5, %r0, %r4;\n"
      "red.relaxed.cluster.shared::cluster.add.u32 [%r5], 1;\natom.shared::cluster.add.u32 %r6, [%r5+4], 2;\n" +
      kBarrier + "ld.shared.u32 %o0, [%r0];\n"));
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  EXPECT_EQ(outcome.outputs[0][0], kCtas * kThreads);
  EXPECT_EQ(outcome.outputs[0][kThreads], 0u);
}

TEST(Cluster, MissingBarriers) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    EXPECT_NE(fault_of(kWriteOwn + kReadPeer + kBarrier, seed), FaultKind::none) << "before the read " << seed;
    // The peer may have ended, and with it its shared memory: must show in some order of warps.
    EXPECT_EQ(fault_of(kWriteOwn + "barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;\n" +
                           kReadPeer + kBarrier,
                       seed),
              FaultKind::race)
        << "relaxed " << seed;
  }
  int reported = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    reported += fault_of(kWriteOwn + kBarrier + kReadPeer, seed) != FaultKind::none;
  }
  EXPECT_EQ(reported, 6) << "a read of a CTA that may have ended";
}

const std::string kRelaxed = "barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.acquire.aligned;\n";
const std::string kOwnFence = "fence.release.sync_restrict::shared::cta.cluster;\n";

// A fence before a relaxed arrival publishes what it covers: that of the own shared memory nothing but that.
TEST(Cluster, FencesBeforeRelaxedArrivals) {
  const std::string write_again = "st.shared.u32 [%r1], 9;\n";
  for (uint64_t seed = 0; seed < 6; ++seed) {
    for (const std::string& fence : {kOwnFence, std::string("fence.acq_rel.cluster;\n"), std::string("membar.gl;\n")}) {
      EXPECT_EQ(fault_of(kWriteOwn + fence + kRelaxed + kReadPeer + kBarrier, seed), FaultKind::none) << fence << seed;
      EXPECT_EQ(fault_of(fence + kWriteOwn + kRelaxed + kReadPeer + kBarrier, seed), FaultKind::race) << fence << seed;
    }
    EXPECT_EQ(fault_of(kWriteOwn + "membar.cta;\n" + kRelaxed + kReadPeer + kBarrier, seed), FaultKind::race) << seed;
    const std::string read = kWriteOwn + kBarrier + kReadPeer;
    EXPECT_EQ(fault_of(read + "fence.acq_rel.cluster;\n" + kRelaxed + write_again + kBarrier, seed), FaultKind::none);
    EXPECT_EQ(fault_of(read + kOwnFence + kRelaxed + write_again + kBarrier, seed), FaultKind::race) << seed;
  }
}

TEST(Cluster, FirstTouchOfAPeerThatMayNotHaveStarted) {
  EXPECT_NE(fault_of("mapa.shared::cluster.u32 %r5, %r1, %r3;\nst.shared::cluster.u32 [%r5], 1;\n" + kBarrier),
            FaultKind::none);
}

TEST(Cluster, Misuse) {
  EXPECT_EQ(fault_of("barrier.cluster.wait.aligned;\n"), FaultKind::illegal);
  EXPECT_EQ(fault_of("barrier.cluster.arrive.aligned;\nbarrier.cluster.arrive.aligned;\n"), FaultKind::illegal);
  EXPECT_EQ(fault_of("mapa.shared::cluster.u32 %r5, %r1, 4;\n"), FaultKind::illegal);
  EXPECT_EQ(fault_of(kBarrier + "mapa.shared::cluster.u32 %r5, %r1, %r3;\nld.shared::cluster.u32 %o0, [%r5+4096];\n" +
                     kBarrier),
            FaultKind::address);
  Snippet old = cluster_of(kBarrier);
  old.arch = 80;
  EXPECT_THROW(run(&old), ptx::PtxError);
}

// Threads that have exited count as arrived.
TEST(Cluster, ExitedThreads) {
  const Outcome outcome =
      run(cluster_of("mov.u32 %r7, %tid.x;\nsetp.lt.u32 %p0, %r7, 32;\n@%p0 bra stay;\nexit;\nstay:\n" + kWriteOwn +
                     kBarrier + kReadPeer + kBarrier));
  EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
}

}  // namespace
}  // namespace ternary::softgpu
