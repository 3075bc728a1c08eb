// ld and st of every width, what is reported of shared and global memory, and what is counted.
#include <gtest/gtest.h>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

Outcome outcome_of(const std::string& body, uint32_t threads = 32, uint64_t seed = 1, int outputs = 0) {
  Snippet snippet;
  snippet.body = "mov.u32 %r0, %tid.x;\nshl.b32 %r1, %r0, 2;\nmov.u32 %r2, mem;\nadd.u32 %r3, %r2, %r1;\n" + body;
  snippet.block = {threads, 1, 1};
  snippet.seed = seed;
  snippet.outputs = outputs;
  for (size_t i = 0; i < snippet.data.size(); ++i) snippet.data[i] = static_cast<uint8_t>(i * 7 + i / 256);
  return run(&snippet);
}

FaultKind fault_of(const std::string& body, uint32_t threads = 32) { return outcome_of(body, threads).fault.kind; }

uint8_t data_at(uint32_t i) { return static_cast<uint8_t>(i * 7 + i / 256); }

TEST(Ld, WidthsAndSigns) {
  const Outcome got = outcome_of(
      "cvt.u64.u32 %l0, %r1;\nadd.u64 %l0, %l0, %data;\nld.global.u8 %o0, [%l0+1];\nld.global.s8 %o1, [%l0+1];\n"
      "ld.global.u16 %o2, [%l0+2];\nld.global.s16 %o3, [%l0+2];\nld.global.s32 %l1, [%l0];\nmov.b64 {%o4, %o5}, %l1;\n"
      "ld.global.s8 %h0, [%l0+1];\ncvt.u32.u16 %o6, %h0;\nld.global.nc.L1::no_allocate.b32 %o7, [%l0];\n",
      32, 1, 8);
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t b[4] = {data_at(4 * lane), data_at(4 * lane + 1), data_at(4 * lane + 2), data_at(4 * lane + 3)};
    const uint32_t word = b[0] | b[1] << 8 | b[2] << 16 | b[3] << 24;
    EXPECT_EQ(got.outputs[0][lane], b[1]);
    EXPECT_EQ(got.outputs[1][lane], static_cast<uint32_t>(int32_t{static_cast<int8_t>(b[1])}));
    EXPECT_EQ(got.outputs[2][lane], word >> 16);
    EXPECT_EQ(got.outputs[3][lane], static_cast<uint32_t>(int32_t{static_cast<int16_t>(word >> 16)}));
    EXPECT_EQ(got.outputs[4][lane], word);
    EXPECT_EQ(got.outputs[5][lane], word >> 31 ? ~0u : 0u);
    EXPECT_EQ(got.outputs[6][lane], static_cast<uint16_t>(static_cast<int8_t>(b[1])));
    EXPECT_EQ(got.outputs[7][lane], word);
  }
}

TEST(Ld, VectorsThroughSharedMemory) {
  const Outcome got = outcome_of(
      "shl.b32 %r4, %r0, 4;\nadd.u32 %r4, %r4, %r2;\nst.shared.v2.b32 [%r4], {%r0, %r1};\n"
      "st.shared.v4.u16 [%r4+8], {%h0, %h0, %h0, %h0};\nst.shared.v2.u32 [%r4+8], {5, 6};\n"
      "ld.shared.v4.u32 {%o0, %o1, %o2, _}, [%r4];\nld.shared.v4.u8 {%h1, %h2, %h3, %h4}, [%r4+8];\n"
      "cvt.u32.u16 %o3, %h1;\n"
      "ld.shared.u64 %l0, [%r4];\nmov.b64 {%o4, %o5}, %l0;\n",
      32, 1, 6);
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t expected[6] = {lane, 4 * lane, 5, 5, lane, 4 * lane};
    for (int i = 0; i < 6; ++i) EXPECT_EQ(got.outputs[i][lane], expected[i]) << i << ' ' << lane;
  }
}

TEST(Ld, GenericAddressesReachEverySpace) {
  const Outcome got = outcome_of(
      "{\n.local .align 4 .b8 stack[8];\nst.shared.u32 [%r3], %r0;\ncvt.u64.u32 %l0, %r3;\ncvta.shared.u64 %l0, %l0;\n"
      "ld.u32 %o0, [%l0];\nmov.u64 %l1, stack;\ncvta.local.u64 %l2, %l1;\nst.u32 [%l2+4], %r1;\n"
      "ld.local.u32 %o1, [%l1+4];\n"
      "ld.u32 %o2, [%data];\nmov.b64 %l3, data;\ncvta.param.u64 %l3, %l3;\nld.u64 %l4, [%l3];\n"
      "setp.eq.u64 %p0, %l4, %data;\n"
      "selp.u32 %o3, 1, 0, %p0;\nisspacep.shared %p1, %l0;\nisspacep.shared %p2, %data;\nselp.u32 %o4, 1, 0, %p1;\n"
      "selp.u32 %o5, 1, 0, %p2;\ncvta.to.shared.u64 %l5, %l0;\ncvt.u32.u64 %o6, %l5;\nsub.u32 %o6, %o6, %r3;\n"
      "}\n",
      32, 1, 7);
  ASSERT_EQ(got.fault.kind, FaultKind::none) << got.fault.sentence;
  const uint32_t first = data_at(0) | data_at(1) << 8 | data_at(2) << 16 | static_cast<uint32_t>(data_at(3)) << 24;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t expected[7] = {lane, 4 * lane, first, 1, 1, 0, 0};
    for (int i = 0; i < 7; ++i) EXPECT_EQ(got.outputs[i][lane], expected[i]) << i << ' ' << lane;
  }
}

TEST(Faults, BoundsAndAlignment) {
  EXPECT_EQ(fault_of("ld.global.u32 %r5, [%data+4092];\n"), FaultKind::none);
  EXPECT_EQ(fault_of("ld.global.u32 %r5, [%data+4096];\n"), FaultKind::address);
  EXPECT_EQ(fault_of("ld.global.u32 %r5, [%data+-4];\n"), FaultKind::address);
  EXPECT_EQ(fault_of("ld.global.u32 %r5, [%data+2];\n"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("ld.global.v4.u32 {%r4,%r5,%r6,%r7}, [%data+8];\n"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("st.shared.u32 [mem+4096], %r0;\n"), FaultKind::address);
  EXPECT_EQ(fault_of("st.shared.u32 [mem+4094], %r0;\n"), FaultKind::misaligned);
  EXPECT_EQ(fault_of("{\n.local .align 4 .b8 s[8];\nmov.u64 %l0, s;\nst.local.u32 [%l0+8], %r0;\n"
                     "}\n"),
            FaultKind::address);
  EXPECT_EQ(fault_of("ld.global.u32 %r5, [0];\n"), FaultKind::address);
}

// One lane of 32, and the sentence says which thread, where, and what it did.
TEST(Faults, TheSentenceNamesThePlace) {
  const Outcome got = outcome_of(
      "mov.u64 %l0, %data;\nsetp.eq.u32 %p0, %r0, 37;\n@%p0 add.u64 %l0, %l0, 4096;\nld.global.u32 %r5, [%l0];\n", 64);
  ASSERT_EQ(got.fault.kind, FaultKind::address);
  EXPECT_NE(got.fault.sentence.find("kernel snippet"), std::string::npos) << got.fault.sentence;
  EXPECT_NE(got.fault.sentence.find("ld.global.u32 %r5, [%l0];"), std::string::npos) << got.fault.sentence;
  EXPECT_NE(got.fault.sentence.find("thread 37"), std::string::npos) << got.fault.sentence;
  EXPECT_GT(got.fault.line, 0);
}

TEST(Faults, UninitialisedSharedBytes) {
  EXPECT_EQ(fault_of("ld.shared.u32 %r5, [%r3];\n"), FaultKind::uninitialised);
  EXPECT_EQ(fault_of("st.shared.u8 [%r3], %r0;\nst.shared.u16 [%r3+2], %h0;\nld.shared.u32 %r5, [%r3];\n"),
            FaultKind::uninitialised);
  EXPECT_EQ(fault_of("st.shared.u8 [%r3], %r0;\nst.shared.u8 [%r3+1], %r0;\nst.shared.u16 [%r3+2], %h0;\n"
                     "ld.shared.u32 %r5, [%r3];\n"),
            FaultKind::none);
}

/** Thread t writes word t and reads word (t + shift) % threads. */
std::string exchange(int shift, const char* between) {
  return "st.shared.u32 [%r3], %r0;\n" + std::string(between) + "add.u32 %r4, %r0, " + std::to_string(shift) +
         ";\nand.b32 %r4, %r4, 127;\nshl.b32 %r4, %r4, 2;\nadd.u32 %r4, %r4, %r2;\nld.shared.u32 %r5, [%r4];\n";
}

TEST(Races, BetweenWarpsWithoutABarrier) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    // Whoever comes first, one of the two accesses is reported, or the word was never written.
    EXPECT_NE(outcome_of(exchange(32, ""), 128, seed).fault.kind, FaultKind::none) << seed;
    EXPECT_EQ(outcome_of(exchange(32, "bar.sync 0;\n"), 128, seed).fault.kind, FaultKind::none) << seed;
    EXPECT_EQ(outcome_of(exchange(0, ""), 128, seed).fault.kind, FaultKind::none) << seed;
    // A second round that overwrites what others still read.
    EXPECT_EQ(outcome_of(exchange(32, "bar.sync 0;\n") + "st.shared.u32 [%r3], %r1;\n", 128, seed).fault.kind,
              FaultKind::race)
        << seed;
    EXPECT_EQ(outcome_of(exchange(32, "bar.sync 0;\n") + "bar.sync 0;\n"
                                                         "st.shared.u32 [%r3], %r1;\n",
                         128, seed)
                  .fault.kind,
              FaultKind::none)
        << seed;
  }
}

// A warp that fences more often than the others does not make them late: all read, and after a barrier any may write.
TEST(Races, FencesOfOneWarp) {
  const std::string first_fences = "setp.ge.u32 %p0, %r0, 32;\n@%p0 bra READ;\nmembar.gl;\nmembar.gl;\nREAD:\n";
  const std::string read = "ld.shared.u32 %r5, [%r2];\n", barrier = "bar.sync 0;\n";
  for (const char* writer : {"0", "32", "96"}) {
    const std::string choose = std::string("setp.ne.u32 %p0, %r0, ") + writer + ";\n";
    const std::string write = "@!%p0 st.shared.u32 [%r2], %r0;\n";
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const std::string all = choose + write + first_fences + barrier + read;
      EXPECT_EQ(outcome_of(all + barrier + choose + write, 128, seed).fault.sentence, "") << writer << seed;
      EXPECT_EQ(outcome_of(all + choose + write, 128, seed).fault.kind, FaultKind::race) << writer << seed;
    }
  }
}

// Bytes of one word may belong to different warps.
TEST(Races, AreOfBytes) {
  const std::string own_byte =
      "shr.u32 %r4, %r0, 5;\nand.b32 %r5, %r0, 31;\nshl.b32 %r5, %r5, 2;\n"
      "add.u32 %r4, %r4, %r5;\n"
      "add.u32 %r4, %r4, %r2;\nst.shared.u8 [%r4], %r0;\n";
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(outcome_of(own_byte, 128, seed).fault.kind, FaultKind::none);
    EXPECT_EQ(outcome_of(own_byte + "bar.sync 0;\nadd.u32 %r6, %r2, %r5;\n"
                                    "ld.shared.u32 %r6, [%r6];\n",
                         128, seed)
                  .fault.kind,
              FaultKind::none);
    EXPECT_NE(outcome_of(own_byte + "and.b32 %r6, %r4, -4;\nld.shared.u32 %r6, [%r6];\n", 128, seed).fault.kind,
              FaultKind::none);
  }
}

// Two warps that meet at a barrier of their own are ordered with each other, not with the rest.
TEST(Races, NamedBarriersOrderThoseWhoMeet) {
  const std::string pairs = "shr.u32 %r7, %r0, 6;\nadd.u32 %r7, %r7, 1;\n";
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const std::string meet = pairs + "barrier.cta.sync.aligned %r7, 64;\n";
    const std::string swap = "st.shared.u32 [%r3], %r0;\n" + meet +
                             "xor.b32 %r4, %r1, 128;\nadd.u32 %r4, %r4, %r2;\n"
                             "ld.shared.u32 %r5, [%r4];\n";
    EXPECT_EQ(outcome_of(swap, 128, seed).fault.kind, FaultKind::none) << seed;
    EXPECT_NE(outcome_of(exchange(64, meet.c_str()), 128, seed).fault.kind, FaultKind::none) << seed;
  }
}

InstructionCounts counts_of(const Outcome& outcome, const std::string& text) {
  InstructionCounts sum;
  for (const auto& line : outcome.counters.lines) {
    if (line.text.find(text) != std::string::npos) sum.add(line.counts);
  }
  return sum;
}

TEST(Counters, SectorsOfARequest) {
  struct Case {
    int stride;
    uint64_t sectors;
  };
  for (const Case& one : {Case{0, 1}, Case{4, 4}, Case{8, 8}, Case{16, 16}, Case{32, 32}, Case{64, 32}}) {
    const Outcome got = outcome_of("mul.wide.u32 %l0, %r0, " + std::to_string(one.stride) +
                                   ";\nadd.u64 %l0, %l0, %data;\nld.global.u32 %r5, [%l0];\n");
    const InstructionCounts counts = counts_of(got, "ld.global.u32 %r5");
    EXPECT_EQ(counts.issued, 1u);
    EXPECT_EQ(counts.lanes, 32u);
    EXPECT_EQ(counts.requests, 1u);
    EXPECT_EQ(counts.bytes, 128u);
    EXPECT_EQ(counts.sectors, one.sectors) << one.stride;
  }
  const Outcome wide = outcome_of(
      "mul.wide.u32 %l0, %r0, 16;\nadd.u64 %l0, %l0, %data;\n"
      "ld.global.v4.u32 {%r4,%r5,%r6,%r7}, [%l0];\n");
  EXPECT_EQ(counts_of(wide, "ld.global.v4").sectors, 16u);
}

TEST(Counters, PassesOfBanks) {
  struct Case {
    int stride;
    uint64_t passes, ideal;
  };
  for (const Case& one :
       {Case{4, 1, 1}, Case{8, 2, 1}, Case{16, 4, 1}, Case{128, 32, 1}, Case{0, 1, 1}, Case{12, 1, 1}}) {
    const Outcome got = outcome_of("mul.lo.u32 %r4, %r0, " + std::to_string(one.stride) +
                                   ";\nadd.u32 %r4, %r4, %r2;\nst.shared.u32 [%r4], 1;\n");
    const InstructionCounts counts = counts_of(got, "st.shared.u32 [%r4]");
    EXPECT_EQ(counts.passes, one.passes) << one.stride;
    EXPECT_EQ(counts.ideal_passes, one.ideal) << one.stride;
  }
  const Outcome wide = outcome_of(
      "shl.b32 %r4, %r0, 4;\nadd.u32 %r4, %r4, %r2;\n"
      "st.shared.v4.u32 [%r4], {1, 2, 3, 4};\n");
  EXPECT_EQ(counts_of(wide, "st.shared.v4").passes, 4u);
  EXPECT_EQ(counts_of(wide, "st.shared.v4").ideal_passes, 4u);
}

TEST(Counters, IssuesOfALoop) {
  const Outcome got = outcome_of(
      "mov.u32 %r4, 0;\nLOOP:\nadd.u32 %r4, %r4, 1;\nsetp.lt.u32 %p0, %r4, 10;\n"
      "@%p0 bra LOOP;\n",
      64);
  EXPECT_EQ(counts_of(got, "add.u32 %r4, %r4, 1;").issued, 20u);
  EXPECT_EQ(counts_of(got, "add.u32 %r4, %r4, 1;").lanes, 640u);
  EXPECT_EQ(counts_of(got, "@%p0 bra LOOP;").issued, 20u);
  EXPECT_GE(got.counters.issued_by_opcode().at("add.u32"), 20u);
}

}  // namespace
}  // namespace ternary::softgpu
