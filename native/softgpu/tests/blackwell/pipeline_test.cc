// A small product as kernels for Blackwell are built: a warp that loads, a warp that multiplies, four that store, and
// mbarriers between them. Then with each of them forgotten once.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "softgpu/blackwell/tensor_map.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr Schedule kAllSchedules[] = {Schedule::lazy, Schedule::eager, Schedule::late_mma, Schedule::late_copies,
                                      Schedule::random};
constexpr uint32_t kM = 128, kTileN = 32, kN = 64, kK = 512;
constexpr uint64_t kA = 1024, kB = kA + kM * kK, kD = kB + kN * kK;

// Shared memory: two stages of 16 KiB of A and 4 KiB of B, then at %r9: full and empty of each stage, full and empty of
// the accumulator, the address of tensor memory. Two tiles of four blocks of 128 bytes of K.
const char kKernel[] = R"(
mov.u32 %o0, 0; mov.u32 %r8, mem; add.u32 %r9, %r8, 40960; mov.u32 %r7, %tid.x; shr.u32 %r6, %r7, 5;
and.b32 %r5, %r7, 31; setp.eq.u32 %p0, %r6, 0; setp.ne.u32 %p2, %r7, 0;
@%p2 bra inited;
mbarrier.init.shared::cta.b64 [%r9], 1; mbarrier.init.shared::cta.b64 [%r9+8], 1;
mbarrier.init.shared::cta.b64 [%r9+16], 1; mbarrier.init.shared::cta.b64 [%r9+24], 1;
mbarrier.init.shared::cta.b64 [%r9+32], 1; mbarrier.init.shared::cta.b64 [%r9+40], 128;
inited:
@%p0 tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%r9+48], 32;
bar.sync 0;
ld.shared.u32 %r0, [%r9+48];
mov.u32 %r1, 0;
setp.eq.u32 %p3, %r6, 4; @%p3 bra producer;
setp.eq.u32 %p3, %r6, 5; @%p3 bra multiplier;
bra.uni epilogue;

producer:
setp.ne.u32 %p3, %r5, 0; @%p3 bra end;
load:
and.b32 %r2, %r1, 1; mad.lo.u32 %r3, %r2, 8, %r9; shr.u32 %r4, %r1, 1; and.b32 %r4, %r4, 1; xor.b32 %r4, %r4, 1;
wait_empty: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r3+16], %r4; @!%p1 bra wait_empty;
mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r3], 20480;
mad.lo.u32 %r10, %r2, 20480, %r8; add.u32 %r11, %r10, 16384; and.b32 %r12, %r1, 3; shl.b32 %r12, %r12, 7;
shr.u32 %r13, %r1, 2; shl.b32 %r13, %r13, 5; mov.u32 %r14, 0; add.u64 %l0, %data, 128;
cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r10], [%data, {%r12, %r14}], [%r3];
cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r11], [%l0, {%r12, %r13}], [%r3];
add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 8; @%p1 bra load;
bra.uni end;

multiplier:
setp.ne.u32 %p3, %r5, 0; @%p3 bra end;
block:
and.b32 %r2, %r1, 1; mad.lo.u32 %r3, %r2, 8, %r9; shr.u32 %r4, %r1, 1; and.b32 %r4, %r4, 1;
and.b32 %r10, %r1, 3; setp.ne.u32 %p4, %r10, 0; @%p4 bra wait_full;
shr.u32 %r11, %r1, 2; xor.b32 %r11, %r11, 1;
wait_free: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r9+40], %r11; @!%p1 bra wait_free;
tcgen05.fence::after_thread_sync;
wait_full: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r3], %r4; @!%p1 bra wait_full;
mad.lo.u32 %r10, %r2, 20480, %r8; shr.u32 %r10, %r10, 4; cvt.u64.u32 %l0, %r10; mov.u64 %l1, DESCRIPTOR;
add.u64 %l0, %l0, %l1; add.u64 %l1, %l0, 1024; mov.u32 %r10, 0; mov.u32 %r11, 0; mov.u32 %r12, INSTRUCTION;
mma:
tcgen05.mma.cta_group::1.kind::i8 [%r0], %l0, %l1, %r12, {%r11, %r11, %r11, %r11}, %p4;
setp.eq.u32 %p4, %r11, 0; add.u64 %l0, %l0, 2; add.u64 %l1, %l1, 2;
add.u32 %r10, %r10, 1; setp.lt.u32 %p1, %r10, 4; @%p1 bra mma;
tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 [%r3+16];
and.b32 %r10, %r1, 3; setp.eq.u32 %p5, %r10, 3;
@%p5 tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 [%r9+32];
add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 8; @%p1 bra block;
bra.uni end;

epilogue:
shl.b32 %r2, %r6, 21; add.u32 %r2, %r2, %r0; mul.wide.u32 %l0, %r7, 128; add.u64 %l0, %l0, %data;
tile:
and.b32 %r3, %r1, 1;
wait_sum: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r9+32], %r3; @!%p1 bra wait_sum;
tcgen05.fence::after_thread_sync;
tcgen05.ld.sync.aligned.32x32b.x32.b32 {REGISTERS}, [%r2];
tcgen05.wait::ld.sync.aligned;
tcgen05.fence::before_thread_sync;
mbarrier.arrive.shared::cta.b64 _, [%r9+40];
STORES
add.u64 %l0, %l0, 16384; add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 2; @%p1 bra tile;
end:
bar.sync 0;
@%p0 tcgen05.dealloc.cta_group::1.sync.aligned.b32 %r0, 32;
)";

void replace(std::string* text, const std::string& from, const std::string& to) {
  const size_t at = text->find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text->replace(at, from.size(), to);
}

using Changes = std::vector<std::pair<std::string, std::string>>;

std::string kernel(const Changes& changes) {
  std::string text = kKernel, registers, stores;
  for (int i = 0; i < 32; ++i) {
    const std::string name = "%d" + std::to_string(i);
    registers += (i ? ", " : "") + name;
    stores += "st.global.u32 [%l0+" + std::to_string(kD + 4 * static_cast<uint64_t>(i)) + "], " + name + ";\n";
  }
  replace(&text, "REGISTERS", registers);
  replace(&text, "STORES", stores);
  // K-major, 8 rows of 128 bytes, swizzled; s8 by s8 into s32, 32 by 128.
  replace(&text, "DESCRIPTOR", std::to_string(uint64_t{64} << 32 | uint64_t{1} << 46 | uint64_t{2} << 61));
  replace(&text, "INSTRUCTION", std::to_string(2 << 4 | 1 << 7 | 1 << 10 | 4 << 17 | 8 << 24));
  for (const auto& [from, to] : changes) replace(&text, from, to);
  return ".reg .b32 %d<32>;\n" + text;
}

void make_map(uint64_t address, uint64_t rows, uint32_t box_rows, uint8_t* to) {
  const uint64_t size[2] = {kK, rows}, strides[1] = {kK};
  const uint32_t box[2] = {128, box_rows}, ones[2] = {1, 1};
  TensorMap map;
  ASSERT_EQ(encode({0, 2, address, size, strides, box, ones, 0, 3, 0}, &map), nullptr);
  std::memcpy(to, &map, sizeof map);
}

struct Result {
  FaultReport fault;
  InstructionCounts counts;
  bool right = true;
};

Result result_of(const Changes& changes, Schedule schedule, uint64_t seed = 1) {
  Snippet snippet;
  snippet.arch = 100;
  snippet.specific = true;
  snippet.block = {192, 1, 1};
  snippet.shared_bytes = 41984;
  snippet.schedule = schedule;
  snippet.seed = seed;
  snippet.body = kernel(changes);
  snippet.data.resize(kD + kM * kN * 4);
  std::mt19937 random(7);
  for (uint64_t i = kA; i < kD; ++i) snippet.data[i] = static_cast<uint8_t>(random());
  snippet.prepare = [](uint64_t address, std::vector<uint8_t>* data) {
    make_map(address + kA, kM, kM, data->data());
    make_map(address + kB, kN, kTileN, data->data() + 128);
  };
  Result result;
  const Outcome outcome = run(&snippet);
  result.fault = outcome.fault;
  result.counts = outcome.counters.total();
  for (uint32_t m = 0; m < kM; ++m) {
    for (uint32_t n = 0; n < kN; ++n) {
      int32_t sum = 0, got;
      for (uint32_t k = 0; k < kK; ++k) {
        sum += static_cast<int8_t>(snippet.data[kA + m * kK + k]) * static_cast<int8_t>(snippet.data[kB + n * kK + k]);
      }
      std::memcpy(&got, &snippet.data[kD + n / kTileN * 16384 + m * 128 + n % kTileN * 4], 4);
      result.right = result.right && got == sum;
    }
  }
  return result;
}

TEST(BlackwellPipeline, IsRightUnderEverySchedule) {
  for (const Schedule schedule : kAllSchedules) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const Result result = result_of({}, schedule, seed);
      ASSERT_EQ(result.fault.kind, FaultKind::none) << result.fault.sentence;
      EXPECT_TRUE(result.right);
      EXPECT_EQ(result.counts.copied, uint64_t{2} * 4 * (kM + kTileN) * 128);
      EXPECT_EQ(result.counts.multiplied, uint64_t{kM} * kN * kK);
    }
  }
}

const char kBefore[] = "tcgen05.fence::before_thread_sync;\n";
const char kAfterFree[] = "bra wait_free;\ntcgen05.fence::after_thread_sync;",
           kAfterSum[] = "bra wait_sum;\ntcgen05.fence::after_thread_sync;";

/** The barriers of the accumulator do not release and acquire: tcgen05.fence alone orders its uses. */
Changes relaxed() {
  return {
      {"mbarrier.arrive.shared::cta.b64 _, [%r9+40]", "mbarrier.arrive.relaxed.cluster.shared::cta.b64 _, [%r9+40]"},
      {"wait_free: mbarrier.try_wait.parity", "wait_free: mbarrier.try_wait.parity.relaxed.cluster"},
      {"wait_sum: mbarrier.try_wait.parity", "wait_sum: mbarrier.try_wait.parity.relaxed.cluster"}};
}

TEST(BlackwellPipeline, FencesOrderTensorMemoryWhereBarriersAreRelaxed) {
  for (const Schedule schedule : kAllSchedules) {
    const Result result = result_of(relaxed(), schedule);
    ASSERT_EQ(result.fault.kind, FaultKind::none) << result.fault.sentence;
    EXPECT_TRUE(result.right);
    const std::pair<std::string, std::string> mutants[] = {
        {kBefore, ""}, {kAfterFree, "bra wait_free;"}, {kAfterSum, "bra wait_sum;"}};
    for (const auto& mutant : mutants) {
      Changes changes = relaxed();
      changes.push_back(mutant);
      EXPECT_EQ(result_of(changes, schedule).fault.kind, FaultKind::race) << mutant.first;
      // Barriers that release and acquire order tensor memory too.
      EXPECT_EQ(result_of({mutant}, schedule).fault.kind, FaultKind::none) << mutant.first;
    }
  }
}

struct Mutant {
  const char* name;
  Changes changes;
};

const Mutant kMutants[] = {
    {"the consumer's phase is not flipped",
     {{"shr.u32 %r4, %r1, 1; and.b32 %r4, %r4, 1;\nand.b32 %r10, %r1, 3; setp",
       "mov.u32 %r4, 0;\nand.b32 %r10, %r1, 3; setp"}}},
    {"the producer's phase is not flipped", {{"and.b32 %r4, %r4, 1; xor.b32 %r4, %r4, 1;", "mov.u32 %r4, 1;"}}},
    {"too few bytes are expected", {{"[%r3], 20480", "[%r3], 16384"}}},
    {"too many bytes are expected", {{"[%r3], 20480", "[%r3], 20496"}}},
    {"the operands are not waited for",
     {{"wait_full: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r3], %r4; @!%p1 "
       "bra wait_full;",
       "wait_full:"}}},
    {"a stage is not waited for before it is filled anew", {{"@!%p1 bra wait_empty;", ""}}},
    {"a stage is not given back",
     {{"tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 [%r3+16];", ""}}},
    {"a stage is given back before it is read",
     {{"tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster."
       "b64 [%r3+16];",
       "mbarrier.arrive.shared::cta.b64 _, [%r3+16];"}}},
    {"the sum is not waited for", {{"@!%p1 bra wait_sum;", ""}}},
    {"the accumulator is used again before it is read", {{"@!%p1 bra wait_free;", ""}}},
    {"the accumulator is given back before its reads are done", {{"tcgen05.wait::ld.sync.aligned;\n", ""}}},
    {"the accumulator is given back by too few", {{"[%r9+40], 128;", "[%r9+40], 96;"}}},
    {"tensor memory is not given back", {{"@%p0 tcgen05.dealloc.cta_group::1.sync.aligned.b32 %r0, 32;\n", ""}}},
};

// Each is reported whenever the engines do their work.
TEST(BlackwellPipeline, MutantsAreReported) {
  for (const Mutant& mutant : kMutants) {
    for (const Schedule schedule : kAllSchedules) {
      const Result result = result_of(mutant.changes, schedule);
      EXPECT_NE(result.fault.kind, FaultKind::none) << mutant.name << ", schedule " << static_cast<int>(schedule);
    }
  }
}

// A wrong swizzle is no hazard: it shows as wrong sums.
TEST(BlackwellPipeline, AWrongSwizzleGivesWrongSums) {
  const uint64_t right = uint64_t{64} << 32 | uint64_t{1} << 46 | uint64_t{2} << 61;
  const uint64_t wrong = uint64_t{64} << 32 | uint64_t{1} << 46 | uint64_t{1} << 61;
  const Result result = result_of({{std::to_string(right), std::to_string(wrong)}}, Schedule::random);
  EXPECT_TRUE(result.fault.kind != FaultKind::none || !result.right);
}

}  // namespace
}  // namespace ternary::softgpu
