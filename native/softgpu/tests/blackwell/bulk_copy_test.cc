// cp.async.bulk between global and shared memory, bulk groups, and the fence between a warp's proxy and an engine's.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr Schedule kAllSchedules[] = {Schedule::lazy, Schedule::eager, Schedule::late_mma, Schedule::late_copies,
                                      Schedule::random};

/** data[i] = i + 1 by words. %r8: an mbarrier in shared memory for one arrival, %r9: 1024 bytes for copies. */
Snippet snippet_of(const std::string& lines, Schedule schedule = Schedule::lazy) {
  Snippet snippet;
  snippet.schedule = schedule;
  for (uint32_t i = 0; i < 1024; ++i) {
    const uint32_t value = i + 1;
    std::memcpy(&snippet.data[4 * i], &value, 4);
  }
  snippet.body =
      "mov.u32 %r8, mem;\nadd.u32 %r9, %r8, 1024;\nmad.lo.u32 %r10, %tid, 4, %r9;\nsetp.eq.u32 %p0, %tid, 0;\n"
      "@%p0 mbarrier.init.shared::cta.b64 [%r8], 1;\nbar.sync 0;\nmov.u32 %o0, 0;\n" +
      lines;
  return snippet;
}

const std::string kStore =
    "@%p0 cp.async.bulk.global.shared::cta.bulk_group [%data+2048], [%r9], 128;\n"
    "@%p0 cp.async.bulk.commit_group;\n";
const std::string kWait = "@%p0 cp.async.bulk.wait_group 0;\n";
const std::string kWaitRead = "@%p0 cp.async.bulk.wait_group.read 0;\nbar.warp.sync -1;\n";
const std::string kWrite = "add.u32 %r1, %tid, 500;\nst.shared.u32 [%r10], %r1;\n";
const std::string kFence = "fence.proxy.async.shared::cta;\nbar.sync 0;\n";

uint32_t word_of(const Snippet& snippet, size_t offset) {
  uint32_t word;
  std::memcpy(&word, &snippet.data[offset], 4);
  return word;
}

TEST(BlackwellBulk, StoresWhatWasWritten) {
  for (const Schedule schedule : kAllSchedules) {
    for (const std::string& wait : {kWait, kWaitRead, std::string()}) {
      Snippet snippet = snippet_of(kWrite + kFence + kStore + wait, schedule);
      const Outcome outcome = run(&snippet);
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(word_of(snippet, 2048 + 4 * lane), 500 + lane);
      EXPECT_EQ(word_of(snippet, 2048 + 128), 545u);
    }
  }
}

// Under every schedule, for the engine is told when it is given the work.
TEST(BlackwellBulk, AMissingProxyFence) {
  for (const Schedule schedule : kAllSchedules) {
    const FaultReport fault = run(snippet_of(kWrite + "bar.sync 0;\n" + kStore + kWait, schedule)).fault;
    EXPECT_EQ(fault.kind, FaultKind::race);
    EXPECT_NE(fault.sentence.find("no fence.proxy.async between"), std::string::npos) << fault.sentence;
    // A fence before the write is none.
    EXPECT_EQ(run(snippet_of("fence.proxy.async;\n" + kWrite + "bar.sync 0;\n" + kStore + kWait, schedule)).fault.kind,
              FaultKind::race);
    // One of global memory is none either.
    EXPECT_EQ(
        run(snippet_of(kWrite + "fence.proxy.async.global;\nbar.sync 0;\n" + kStore + kWait, schedule)).fault.kind,
        FaultKind::race);
    // It may stand on the reader's side.
    EXPECT_EQ(run(snippet_of(kWrite + "bar.sync 0;\nfence.proxy.async;\n" + kStore + kWait, schedule)).fault.kind,
              FaultKind::none);
  }
}

TEST(BlackwellBulk, MemoryIsReusedAfterTheWait) {
  for (const Schedule schedule : kAllSchedules) {
    const std::string before = kWrite + kFence + kStore;
    EXPECT_EQ(run(snippet_of(before + kWaitRead + kWrite, schedule)).fault.kind, FaultKind::none);
    EXPECT_EQ(run(snippet_of(before + kWrite, schedule)).fault.kind, FaultKind::race);
    // The newest of two groups is still at it.
    EXPECT_EQ(run(snippet_of(before + "@%p0 cp.async.bulk.wait_group.read 1;\n" + kWrite, schedule)).fault.kind,
              FaultKind::race);
  }
}

std::string load(const std::string& bytes, const std::string& expected) {
  return "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], " + expected +
         ";\n@%p0 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r9], [%data], " + bytes +
         ", [%r8];\nbar.warp.sync -1;\n";
}
const std::string kTryWait = "again: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\n@!%p1 bra again;\n";
const std::string kRead = "ld.shared.u32 %o0, [%r10];\n";

TEST(BlackwellBulk, Loads) {
  for (const Schedule schedule : kAllSchedules) {
    const Outcome outcome = run(snippet_of(load("256", "256") + kTryWait + kRead, schedule));
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(outcome.outputs[0][lane], lane + 1);
    // Who does not wait is caught whenever the copy lands.
    EXPECT_EQ(run(snippet_of(load("256", "256") + kRead + kTryWait, schedule)).fault.kind, FaultKind::race);
    // What a warp has written before must be behind a fence too.
    EXPECT_EQ(run(snippet_of(kWrite + "bar.sync 0;\n" + load("256", "256") + kTryWait, schedule)).fault.kind,
              FaultKind::race);
    EXPECT_EQ(run(snippet_of(kWrite + kFence + load("256", "256") + kTryWait, schedule)).fault.kind, FaultKind::none);
  }
}

const std::string kWriteSource =
    "mul.wide.u32 %l0, %tid, 4;\nadd.u64 %l0, %l0, %data;\nadd.u32 %r1, %tid, 500;\nst.global.u32 [%l0], %r1;\n";

TEST(BlackwellBulk, AMissingProxyFenceOfGlobalMemory) {
  const std::string rest = load("256", "256") + kTryWait + kRead;
  for (const Schedule schedule : kAllSchedules) {
    for (const char* fence : {"fence.proxy.async.global;\nbar.sync 0;\n", "fence.proxy.async;\nbar.sync 0;\n",
                              "bar.sync 0;\nfence.proxy.async.global;\n"}) {
      const Outcome outcome = run(snippet_of(kWriteSource + fence + rest, schedule));
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(outcome.outputs[0][lane], 500 + lane);
    }
    for (const std::string& before : {kWriteSource, kWriteSource + "fence.proxy.async.shared::cta;\n",
                                      "fence.proxy.async.global;\n" + kWriteSource}) {
      const FaultReport fault = run(snippet_of(before + "bar.sync 0;\n" + rest, schedule)).fault;
      EXPECT_EQ(fault.kind, FaultKind::race);
      EXPECT_NE(fault.sentence.find("no fence.proxy.async between"), std::string::npos) << fault.sentence;
    }
  }
}

// .read waits for the source alone.
TEST(BlackwellBulk, WhatWasStoredIsReadAfterTheWholeWait) {
  const std::string look =
      "bar.warp.sync -1;\nmul.wide.u32 %l0, %tid, 4;\nadd.u64 %l0, %l0, %data;\n"
      "ld.global.u32 %o0, [%l0+2048];\n";
  for (const Schedule schedule : kAllSchedules) {
    const Outcome outcome = run(snippet_of(kWrite + kFence + kStore + kWait + look, schedule));
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(outcome.outputs[0][lane], 500 + lane);
    EXPECT_EQ(run(snippet_of(kWrite + kFence + kStore + kWaitRead + look, schedule)).fault.kind, FaultKind::race);
    EXPECT_EQ(run(snippet_of(kWrite + kFence + kStore + kWaitRead + kWait + look, schedule)).fault.kind,
              FaultKind::none);
  }
}

TEST(BlackwellBulk, BytesAreCounted) {
  EXPECT_EQ(run(snippet_of(load("256", "256") + kTryWait)).counters.total().copied, 256u);
  EXPECT_EQ(run(snippet_of(kWrite + kFence + kStore + kWait)).counters.total().copied, 128u);
}

// When the copy engine does its work is the schedule's.
TEST(BlackwellBulk, SchedulesDiffer) {
  const std::string look = "mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r8], 0;\nselp.u32 %o0, 1, 0, %p2;\n";
  const auto landed = [&](Schedule schedule) {
    const Outcome outcome = run(snippet_of(load("256", "256") + look + kTryWait, schedule));
    EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    return outcome.outputs[0][0];
  };
  EXPECT_EQ(landed(Schedule::lazy), 0u);
  EXPECT_EQ(landed(Schedule::eager), 1u);
  EXPECT_EQ(landed(Schedule::late_mma), 1u);
  EXPECT_EQ(landed(Schedule::late_copies), 0u);
}

TEST(BlackwellBulk, WrongBytesExpected) {
  for (const Schedule schedule : kAllSchedules) {
    EXPECT_EQ(run(snippet_of(load("256", "128") + kTryWait + kRead, schedule)).fault.kind, FaultKind::deadlock);
    EXPECT_EQ(run(snippet_of(load("256", "272") + kTryWait + kRead, schedule)).fault.kind, FaultKind::deadlock);
  }
}

TEST(BlackwellBulk, ASourceThatChanges) {
  const std::string lines = load("256", "256") + "@%p0 st.global.u32 [%data+8], 77;\n" + kTryWait;
  EXPECT_EQ(run(snippet_of(lines)).fault.kind, FaultKind::race);
}

TEST(BlackwellBulk, Faults) {
  EXPECT_EQ(run(snippet_of(load("8", "8"))).fault.kind, FaultKind::misaligned);
  EXPECT_EQ(run(snippet_of(load("8192", "8192"))).fault.kind, FaultKind::address);
  EXPECT_EQ(run(snippet_of(kStore)).fault.kind, FaultKind::uninitialised);
}

}  // namespace
}  // namespace ternary::softgpu
