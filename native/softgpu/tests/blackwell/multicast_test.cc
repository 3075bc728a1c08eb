// Copies into several CTAs of a cluster, completion on the leader of a pair, and clusterlaunchcontrol.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/blackwell/tensor_map.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr uint64_t kTensor = 256;
constexpr Schedule kAllSchedules[] = {Schedule::lazy, Schedule::eager, Schedule::late_mma, Schedule::late_copies,
                                      Schedule::random};
const std::string kCluster = "barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;\n";
const std::string kWait = "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\n@!%p1 bra again;\n";

/** Clusters of four CTAs; one tensor of 8 rows of 64 bytes with words row * 100 + column; %r6: the rank. */
Snippet snippet_of(const std::string& lines, Schedule schedule = Schedule::lazy) {
  Snippet snippet;
  snippet.arch = 100;
  snippet.schedule = schedule;
  snippet.grid = snippet.cluster = {4, 1, 1};
  for (uint32_t i = 0; i < 128; ++i) {
    const uint32_t value = i / 16 * 100 + i % 16;
    std::memcpy(&snippet.data[kTensor + 4 * i], &value, 4);
  }
  snippet.prepare = [](uint64_t address, std::vector<uint8_t>* data) {
    const uint64_t size[2] = {16, 8}, strides[1] = {64};
    const uint32_t box[2] = {16, 2}, ones[2] = {1, 1};
    TensorMap map;
    ASSERT_EQ(encode({2, 2, address + kTensor, size, strides, box, ones, 0, 0, 0}, &map), nullptr);
    std::memcpy(data->data(), &map, sizeof map);
  };
  snippet.body =
      "mov.u32 %r8, mem;\nadd.u32 %r9, %r8, 1024;\nmov.u32 %r7, %tid.x;\nsetp.eq.u32 %p0, %r7, 0;\n"
      "mov.u32 %r6, %cluster_ctarank;\nmov.u32 %o0, 0;\nmad.lo.u32 %r10, %r7, 4, %r9;\n"
      "@%p0 mbarrier.init.shared::cta.b64 [%r8], 1;\nfence.mbarrier_init.release.cluster;\n" +
      kCluster + lines;
  return snippet;
}

std::string load(const std::string& kind, const std::string& mask) {
  return "cp.async.bulk.tensor.2d" + kind + ".shared::cluster.global.mbarrier::complete_tx::bytes" +
         (mask.empty() ? "" : ".multicast::cluster") + " [%r9], [%data, {0, %r6}], [%r8]" +
         (mask.empty() ? "" : ", " + mask) + ";\n";
}

const std::string kMulticast =
    "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], 128;\nmov.b16 %h0, 13;\n"
    "setp.eq.u32 %p2, %r6, 2;\nand.pred %p2, %p2, %p0;\n@%p2 " +
    load("", "%h0") + "setp.eq.u32 %p3, %r6, 1;\n@%p3 bra end;\n";

TEST(BlackwellMulticast, ReachesTheCtasOfTheMask) {
  for (const Schedule schedule : kAllSchedules) {
    const Outcome outcome =
        run(snippet_of(kMulticast + kWait + "ld.shared.u32 %o0, [%r10];\nend:\n" + kCluster, schedule));
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t rank = 0; rank < 4; ++rank) {
      for (uint32_t i = 0; i < 32; ++i) {
        const uint32_t expected = rank == 1 ? 0 : (2 + i / 16) * 100 + i % 16;
        ASSERT_EQ(outcome.outputs[0][rank * 32 + i], expected) << rank << ' ' << i;
      }
    }
    EXPECT_NE(
        run(snippet_of(kMulticast + "ld.shared.u32 %o0, [%r10];\n" + kWait + "end:\n" + kCluster, schedule)).fault.kind,
        FaultKind::none);
  }
  EXPECT_EQ(run(snippet_of("mov.b16 %h0, 16;\n@%p0 " + load("", "%h0"))).fault.kind, FaultKind::illegal);
}

// Whose memory a copy of another CTA goes to must know of its end before it ends itself.
TEST(BlackwellMulticast, ATargetThatEnds) {
  for (const Schedule schedule : kAllSchedules) {
    const std::string lines =
        "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], 128;\nmov.b16 %h0, 3;\nsetp.eq.u32 %p2, %r6, 0;\n"
        "and.pred %p2, %p2, %p0;\n@%p2 " +
        load("", "%h0") + "setp.ne.u32 %p3, %r6, 0;\n@%p3 bra end;\n" + kWait + "end:\n";
    Snippet snippet = snippet_of(lines, schedule);
    snippet.grid = snippet.cluster = {2, 1, 1};
    EXPECT_NE(run(&snippet).fault.kind, FaultKind::none);
  }
}

// Both CTAs of a pair load for themselves and complete on the even one, whose barrier waits for both.
std::string pair_load(const std::string& kind) {
  return "and.b32 %r1, %r8, 0xfeffffff;\nand.b32 %r2, %r6, 1;\nsetp.eq.u32 %p2, %r2, 0;\nand.pred %p3, %p2, %p0;\n"
         "@%p3 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], 256;\n@%p0 cp.async.bulk.tensor.2d" +
         kind +
         ".shared::cluster.global.mbarrier::complete_tx::bytes [%r9], [%data, {0, %r6}], [%r1];\n@!%p2 bra end;\n" +
         kWait;
}

TEST(BlackwellMulticast, APairCompletesOnItsLeader) {
  const std::string read_peer =
      "xor.b32 %r2, %r6, 1;\nmapa.shared::cluster.u32 %r3, %r10, %r2;\n"
      "ld.shared::cluster.u32 %o0, [%r3];\nend:\n" +
      kCluster;
  for (const Schedule schedule : kAllSchedules) {
    const Outcome outcome = run(snippet_of(pair_load(".cta_group::2") + read_peer, schedule));
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t i = 0; i < 32; ++i) {
      EXPECT_EQ(outcome.outputs[0][i], (1 + i / 16) * 100 + i % 16);
      EXPECT_EQ(outcome.outputs[0][64 + i], (3 + i / 16) * 100 + i % 16);
    }
  }
  EXPECT_EQ(run(snippet_of(pair_load("") + read_peer)).fault.kind, FaultKind::illegal);
}

// Each of a pair loads for both; both boxes of both complete on the leader.
TEST(BlackwellMulticast, OfAPairItCompletesOnTheLeader) {
  const std::string lines =
      "and.b32 %r1, %r8, 0xfeffffff;\nand.b32 %r2, %r6, 1;\nsetp.eq.u32 %p2, %r2, 0;\nand.pred %p3, %p2, %p0;\n"
      "@%p3 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], 256;\nmov.b16 %h0, 3;\nsetp.eq.u32 %p4, %r6, 0;\n"
      "and.pred %p4, %p4, %p0;\n@%p4 cp.async.bulk.tensor.2d.cta_group::2.shared::cluster.global.mbarrier::complete_tx"
      "::bytes.multicast::cluster [%r9], [%data, {0, %r6}], [%r1], %h0;\nsetp.ne.u32 %p5, %r6, 0;\n@%p5 bra end;\n" +
      kWait + "xor.b32 %r2, %r6, 1;\nmapa.shared::cluster.u32 %r3, %r10, %r2;\nld.shared::cluster.u32 %o0, [%r3];\n" +
      "end:\n" + kCluster;
  Snippet snippet = snippet_of(lines);
  snippet.grid = snippet.cluster = {2, 1, 1};
  const Outcome outcome = run(&snippet);
  ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(outcome.outputs[0][i], i / 16 * 100 + i % 16);
}

/** Each cluster counts itself and all that it cancels, in the word of its first CTA. */
const std::string kCancel =
    "mov.u32 %r5, 0;\nmov.u32 %r4, %clusterid.x;\nmul.lo.u32 %r4, %r4, 2;\n"
    "work:\nmul.wide.u32 %l0, %r4, 4;\nadd.u64 %l0, %l0, %data;\n"
    "setp.eq.u32 %p2, %r6, 0;\nand.pred %p2, %p2, %p0;\n@%p2 red.global.add.u32 [%l0+1024], 1;\n"
    "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], 16;\n" +
    kCluster +
    "@%p2 clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::complete_tx::bytes.multicast::cluster::all.b128 "
    "[%r9], [%r8];\n"
    "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], %r5;\n@!%p1 bra again;\nxor.b32 %r5, %r5, 1;\n"
    "{\n.reg .b128 answer;\nld.shared.b128 answer, [%r9];\n"
    "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 %p4, answer;\n"
    "@%p4 clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 {%r4, %r11, %r12, _}, answer;\n}\n"
    "fence.proxy.async.shared::cta;\n" +
    kCluster + "@%p4 bra work;\nmov.u32 %o0, 1;\n";

TEST(BlackwellLaunchControl, EveryClusterIsDoneOnce) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Snippet snippet = snippet_of(kCancel, kAllSchedules[seed % 5]);
    snippet.seed = seed;
    snippet.sm_count = seed < 8 ? 6 : 64;  // three clusters at first; or all, and none to cancel
    snippet.grid = {40, 1, 1};
    snippet.cluster = {2, 1, 1};
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t i = 0; i < 40; ++i) {
      uint32_t count;
      std::memcpy(&count, &snippet.data[1024 + 4 * i], 4);
      EXPECT_EQ(count, i % 2 == 0 ? 1u : 0u) << i;
    }
    uint32_t by_others = 0;  // such a cluster writes nothing of its own
    for (uint32_t i = 0; i < 20; ++i) by_others += outcome.outputs[0][i * 64] == 0 ? 1 : 0;
    EXPECT_EQ(by_others > 0, seed < 8);
    EXPECT_LE(by_others, 17u);
  }
}

}  // namespace
}  // namespace ternary::softgpu
