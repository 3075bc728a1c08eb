// cp.async: data lands at the wait for its group and not before; mbarriers; bulk copies.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/ptx/module.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

/** data[i] = i + 1 by words; %r0: this lane's 16 bytes of shared memory, %l0: of data. */
Snippet with_data(const std::string& lines, int outputs = 1) {
  Snippet snippet;
  for (uint32_t i = 0; i < 1024; ++i) {
    const uint32_t value = i + 1;
    std::memcpy(&snippet.data[4 * i], &value, 4);
  }
  snippet.outputs = outputs;
  snippet.body =
      "mov.u32 %r0, mem;\nmad.lo.u32 %r0, %tid, 16, %r0;\nmul.wide.u32 %l0, %tid, 16;\n"
      "add.u64 %l0, %data, %l0;\n";
  for (int i = 0; i < outputs; ++i) snippet.body += "mov.u32 %o" + std::to_string(i) + ", 0;\n";
  snippet.body += lines;
  return snippet;
}

Outcome run_well(const std::string& lines, int outputs = 1) {
  const Outcome outcome = run(with_data(lines, outputs));
  EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  return outcome;
}

FaultKind fault_of(const std::string& lines) { return run(with_data(lines)).fault.kind; }

const char kCopy[] = "cp.async.cg.shared.global [%r0], [%l0], 16;\n";
const char kSecond[] = "cp.async.cg.shared.global [%r0+512], [%l0+512], 16;\n";
const char kCommit[] = "cp.async.commit_group;\n";

TEST(CpAsync, EverySize) {
  for (const int bytes : {4, 8, 16}) {
    const std::string cache = bytes == 16 ? "cg" : "ca", size = std::to_string(bytes);
    const Outcome outcome = run_well("cp.async." + cache + ".shared.global.L2::128B [%r0], [%l0], " + size +
                                         ";\ncp.async.wait_all;\nld.shared.u32 %o0, [%r0];\nld.shared.u32 %o1, [%r0+" +
                                         std::to_string(bytes - 4) + "];",
                                     2);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(outcome.outputs[0][lane], 4 * lane + 1);
      EXPECT_EQ(outcome.outputs[1][lane], 4 * lane + static_cast<uint32_t>(bytes) / 4);
    }
  }
}

TEST(CpAsync, SourceSizeFillsWithZeros) {
  const Outcome outcome = run_well(
      "and.b32 %r1, %tid, 15;\ncp.async.ca.shared.global [%r0], [%l0], 16, %r1;\ncp.async.wait_all;\n"
      "ld.shared.v4.u32 {%o0, %o1, %o2, %o3}, [%r0];",
      4);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    for (uint32_t word = 0; word < 4; ++word) {
      const uint32_t value = 4 * lane + word + 1, bytes = lane & 15;
      const uint32_t kept = bytes <= 4 * word ? 0 : bytes - 4 * word;
      const uint32_t expected = kept >= 4 ? value : value & ((1u << (8 * kept)) - 1);
      EXPECT_EQ(outcome.outputs[word][lane], expected) << lane << ' ' << word;
    }
  }
}

TEST(CpAsync, IgnoredSourceIsNotLookedAt) {
  const Outcome outcome = run_well(
      "setp.lt.u32 %p0, %tid, 16;\nmov.u64 %l1, 16;\nselp.b64 %l0, %l1, %l0, %p0;\n"
      "cp.async.cg.shared.global [%r0], [%l0], 16, %p0;\ncp.async.wait_all;\nld.shared.u32 %o0, [%r0+12];");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(outcome.outputs[0][lane], lane < 16 ? 0 : 4 * lane + 4);
}

TEST(CpAsync, GroupsLandInOrder) {
  const std::string two = std::string(kCopy) + kCommit + kSecond + kCommit;
  const Outcome outcome = run_well(two +
                                       "cp.async.wait_group 1;\nld.shared.u32 %o0, [%r0];\n"
                                       "cp.async.wait_group 0;\nld.shared.u32 %o1, [%r0+512];",
                                   2);
  EXPECT_EQ(outcome.outputs[0][3], 13u);
  EXPECT_EQ(outcome.outputs[1][3], 141u);
  EXPECT_EQ(fault_of(two + "cp.async.wait_group 1;\nld.shared.u32 %o0, [%r0+512];"), FaultKind::race);
  EXPECT_EQ(fault_of(two + "cp.async.wait_group 2;\nld.shared.u32 %o0, [%r0];"), FaultKind::race);
}

TEST(CpAsync, ReadsAndWritesBeforeTheWait) {
  EXPECT_EQ(fault_of(std::string(kCopy) + "ld.shared.u32 %o0, [%r0];"), FaultKind::race);
  EXPECT_EQ(fault_of(std::string(kCopy) + "st.shared.u32 [%r0], %tid;"), FaultKind::race);
  EXPECT_EQ(fault_of(std::string(kCopy) + kCommit + "ld.shared.u8 %o0, [%r0+15];"), FaultKind::race);
  // wait_group is for committed groups only
  EXPECT_EQ(fault_of(std::string(kCopy) + "cp.async.wait_group 0;\nld.shared.u32 %o0, [%r0];"), FaultKind::race);
  EXPECT_EQ(fault_of(std::string(kCopy) + "cp.async.wait_all;\nld.shared.u32 %o0, [%r0];"), FaultKind::none);
  // a wait is for the thread's own copies
  EXPECT_EQ(fault_of(std::string(kCopy) + kCommit +
                     "setp.lt.u32 %p0, %tid, 16;\n@%p0 cp.async.wait_group 0;\n"
                     "xor.b32 %r0, %r0, 256;\n@%p0 ld.shared.u32 %o0, [%r0];"),
            FaultKind::race);
}

TEST(CpAsync, SourceThatChangesInFlight) {
  EXPECT_EQ(fault_of(std::string(kCopy) + "st.global.u32 [%l0], 99;\ncp.async.wait_all;"), FaultKind::race);
}

TEST(CpAsync, OtherWarpsNeedABarrierAfterTheWait) {
  for (const bool barrier : {true, false}) {
    Snippet snippet = with_data(std::string(kCopy) + "cp.async.wait_all;\n" + (barrier ? "bar.sync 0;\n" : "") +
                                "xor.b32 %r0, %r0, 512;\nld.shared.u32 %o0, [%r0];");
    snippet.block = {64, 1, 1};
    EXPECT_EQ(run(&snippet).fault.kind == FaultKind::none, barrier);
  }
}

TEST(CpAsync, Faults) {
  EXPECT_EQ(fault_of("cp.async.cg.shared.global [%r0+8], [%l0], 16;"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("cp.async.cg.shared.global [%r0], [%l0+8], 16;"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("cp.async.cg.shared.global [%r0], [%l0+4096], 16;"), FaultKind::address);
  EXPECT_EQ(fault_of("cp.async.cg.shared.global [%r0+4096], [%l0], 16;"), FaultKind::address);
  EXPECT_EQ(fault_of("cp.async.ca.shared.global [%r0], [%l0], 4, 8;"), FaultKind::illegal);
  EXPECT_THROW(fault_of("cp.async.cg.shared.global [%r0], [%l0], 8;"), ptx::PtxError);
}

// One thread fills shared memory through the bulk engine, everybody waits for the bytes.
const char kBulk[] =
    "mov.u32 %r8, mem;\nsetp.ne.u32 %p0, %tid, 0;\n@%p0 bra wait;\n"
    "mbarrier.init.shared::cta.b64 [%r8], 1;\nfence.mbarrier_init.release.cluster;\n"
    "mbarrier.arrive.expect_tx.shared::cta.b64 %l4, [%r8], 512;\n"
    "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r8+128], [%data], 512, [%r8];\n"
    "wait: bar.sync 0;\n";
const char kTryWait[] = "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\n@!%p1 bra again;\n";

TEST(Mbarrier, BulkCopy) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Snippet snippet = with_data(std::string(kBulk) + kTryWait +
                                "ld.shared.u32 %o0, [%r0+128];\nbar.sync 0;\n"
                                "@%p0 bra end;\nmbarrier.inval.shared.b64 [%r8];\nend:");
    snippet.seed = seed;
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(outcome.outputs[0][lane], 4 * lane + 1);
  }
}

TEST(Mbarrier, BulkCopyWithoutWait) {
  EXPECT_EQ(fault_of(std::string(kBulk) + "ld.shared.u32 %o0, [%r0+128];"), FaultKind::race);
}

TEST(Mbarrier, AnEndWithCopiesInFlight) {
  const FaultReport fault = run(with_data(kBulk)).fault;
  EXPECT_EQ(fault.kind, FaultKind::illegal);
  EXPECT_EQ(fault.text, "ret;");  // the instruction that ended the warp, not what stands after it
  EXPECT_NE(fault.sentence.find("CTA (0,0,0), warp 0: the CTA ends while copies"), std::string::npos) << fault.sentence;
}

TEST(Mbarrier, ArrivalsOfWarpsOrderThem) {
  const std::string init =
      "mov.u32 %r8, mem;\nsetp.ne.u32 %p0, %tid, 0;\n@%p0 bra go;\n"
      "mbarrier.init.shared.b64 [%r8], 64;\ngo: bar.sync 0;\nst.shared.u32 [%r0+128], %tid;\n";
  const std::string rest =
      "again: mbarrier.try_wait.shared.b64 %p1, [%r8], %l4;\n@!%p1 bra again;\n"
      "mov.u32 %r9, mem;\n"
      "sub.u32 %r10, 63, %tid;\nmad.lo.u32 %r9, %r10, 16, %r9;\nld.shared.u32 %o0, [%r9+128];";
  for (const bool arrives : {true, false}) {
    Snippet snippet = with_data(
        init + (arrives ? "mbarrier.arrive.shared.b64 %l4, [%r8];\n" + rest : rest.substr(rest.find("mov.u32 %r9"))));
    snippet.block = {64, 1, 1};
    const Outcome outcome = run(&snippet);
    EXPECT_EQ(outcome.fault.kind == FaultKind::none, arrives) << outcome.fault.sentence;
    if (arrives) {
      EXPECT_EQ(outcome.outputs[0][5], 58u);
    }
  }
}

TEST(Mbarrier, CopiesArrive) {
  const std::string lines = std::string(
      "mov.u32 %r8, mem;\nsetp.ne.u32 %p0, %tid, 0;\n@%p0 bra go;\n"
      "mbarrier.init.shared.b64 [%r8], 32;\ngo: bar.sync 0;\n"
      "cp.async.cg.shared.global [%r0+128], [%l0], 16;\n"
      "cp.async.mbarrier.arrive.noinc.shared.b64 [%r8];\n");
  const Outcome outcome = run_well(lines + kTryWait + "ld.shared.u32 %o0, [%r0+128];");
  EXPECT_EQ(outcome.outputs[0][7], 29u);
  EXPECT_NE(fault_of(lines + "ld.shared.u32 %o0, [%r0+128];"), FaultKind::none);
}

TEST(Mbarrier, Faults) {
  const std::string base = "mov.u32 %r8, mem;\nsetp.ne.u32 %p0, %tid, 0;\n";
  EXPECT_EQ(fault_of(base + "@!%p0 mbarrier.init.shared.b64 [%r8], 0;"), FaultKind::illegal);
  EXPECT_EQ(fault_of(base + "@!%p0 mbarrier.init.shared.b64 [%r8+4], 1;"), FaultKind::misaligned);
  EXPECT_EQ(fault_of(base + "@!%p0 st.shared.u64 [%r8], 0;\n@!%p0 mbarrier.arrive.shared.b64 _, [%r8];"),
            FaultKind::illegal);
}

}  // namespace
}  // namespace ternary::softgpu
