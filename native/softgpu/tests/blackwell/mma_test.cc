// tcgen05.mma by one-hot operands: which element of A meets which of B, and where the sum goes; the accumulator's width;
// descriptors that are refused; what goes wrong around it.
#include <gtest/gtest.h>

#include <random>

#include "softgpu/ptx/module.h"
#include "softgpu/tests/blackwell/product.h"

namespace ternary::softgpu {
namespace {

struct Shape {
  bool integers, pair, a_in_tensor_memory;
  uint32_t m, n;
};

const Shape kShapes[] = {
    {true, false, false, 128, 32}, {true, false, false, 64, 16},   {true, true, false, 256, 64},
    {true, true, false, 128, 32},  {false, false, false, 128, 8},  {false, false, false, 64, 24},
    {false, false, true, 128, 64}, {false, true, false, 256, 16},  {false, true, false, 128, 64},
    {false, true, true, 256, 32},  {true, false, false, 128, 256}, {true, true, false, 256, 256},
};

Product product_of(const Shape& shape, int swizzle) {
  Product product;
  product.integers = shape.integers, product.pair = shape.pair, product.a_in_tensor_memory = shape.a_in_tensor_memory;
  product.m = shape.m, product.n = shape.n;
  product.swizzle = swizzle;
  product.resize();
  return product;
}

int value_of(uint32_t row, uint32_t k) { return static_cast<int>((row * 5 + k * 37) % 251) - 125; }

void check(Product* product, const std::string& what) {
  const std::vector<int> wanted = expected(*product);
  const FaultReport fault = run(product);
  ASSERT_EQ(fault.kind, FaultKind::none) << what << fault.sentence;
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(product->d[i], wanted[i]) << what << "row " << i / product->n << " column " << i % product->n;
  }
}

std::string name_of(const Shape& shape, int swizzle, uint32_t k) {
  return std::string(shape.integers ? "i8" : "f16") + (shape.pair ? " pair" : "") + " M " + std::to_string(shape.m) +
         " N " + std::to_string(shape.n) + " swizzle " + std::to_string(swizzle) + " k " + std::to_string(k) + ": ";
}

// Each row of one operand has a single 1, at a k that differs from row to row; the other operand tells every place apart.
TEST(BlackwellMma, OneHotOperands) {
  for (const Shape& shape : kShapes) {
    for (int swizzle = 0; swizzle <= 4; ++swizzle) {
      Product product = product_of(shape, swizzle);
      for (uint32_t shift = swizzle == 3 ? 0 : 5; shift < product.k(); shift += swizzle == 3 ? 3 : 16) {
        for (const bool hot_a : {true, false}) {
          product = product_of(shape, swizzle);
          std::vector<int>& hot = hot_a ? product.a : product.b;
          std::vector<int>& other = hot_a ? product.b : product.a;
          for (uint32_t row = 0; row * product.k() < hot.size(); ++row) {
            hot[row * product.k() + (row * 7 + shift) % product.k()] = 1;
          }
          for (uint32_t i = 0; i < other.size(); ++i) other[i] = value_of(i / product.k(), i % product.k());
          check(&product, name_of(shape, swizzle, shift));
        }
      }
    }
  }
}

TEST(BlackwellMma, RandomProducts) {
  std::mt19937 random(5);
  const Schedule schedules[] = {Schedule::lazy, Schedule::eager, Schedule::late_mma, Schedule::late_copies,
                                Schedule::random};
  int number = 0;
  for (const Shape& shape : kShapes) {
    for (int swizzle = 0; swizzle <= 4; ++swizzle) {
      Product product = product_of(shape, swizzle);
      const uint32_t spans[] = {32, 32, 64, 128, 128};
      product.k_offset = static_cast<uint32_t>(random() % (spans[swizzle] / 32)) * 32;
      product.accumulates = ++number % 2 == 0;
      product.schedule = schedules[number % 5];
      for (int& one : product.a) one = static_cast<int>(random() % 256) - 128;
      for (int& one : product.b) one = static_cast<int>(random() % 256) - 128;
      for (int& one : product.d) one = static_cast<int>(random() % 2000000) - 1000000;
      check(&product, name_of(shape, swizzle, product.k_offset));
    }
  }
}

// The sum of 16 products of -128 and -128 is 2^18: one more than 2^24 - 2^18 before it is one too many.
TEST(BlackwellMma, FloatAccumulatorsHave24Bits) {
  for (const int before : {(1 << 24) - (1 << 18), (1 << 24) - (1 << 18) + 1}) {
    Product product = product_of({false, false, false, 128, 8}, 3);
    for (int& one : product.a) one = -128;
    for (int& one : product.b) one = -128;
    for (int& one : product.d) one = 5;
    product.d[77] = before;
    if (before == (1 << 24) - (1 << 18)) {
      check(&product, "");
      EXPECT_EQ(product.d[77], 1 << 24);
      continue;
    }
    const FaultReport fault = run(&product);
    EXPECT_EQ(fault.kind, FaultKind::illegal);
    EXPECT_NE(fault.sentence.find("no room in 24 bits"), std::string::npos) << fault.sentence;
  }
  // Even operands have as many multiples of two.
  Product even = product_of({false, false, false, 128, 8}, 3);
  for (int& one : even.a) one = 2;
  for (int& one : even.b) one = 127;
  for (int& one : even.d) one = (1 << 25) - 2 * 127 * 16;
  check(&even, "");
  for (int& one : even.d) one += 2;
  EXPECT_EQ(run(&even).kind, FaultKind::illegal);
  // Sums that only pass by there are no better: another order would have lost a bit.
  Product product = product_of({false, false, false, 128, 8}, 3);
  for (size_t i = 0; i < product.a.size(); ++i) product.a[i] = i % 2 ? 128 : -128;
  for (int& one : product.b) one = 128;
  product.d[0] = (1 << 24) - 5;
  EXPECT_EQ(run(&product).kind, FaultKind::illegal);
}

TEST(BlackwellMma, IntegerAccumulatorsWrapOrSaturate) {
  for (const bool saturates : {false, true}) {
    Product product = product_of({true, false, false, 128, 16}, 3);
    product.a[0] = product.a[32] = 127;
    product.b[0] = 100;
    product.b[32] = -100;
    for (int& one : product.d) one = 2147483647;
    product.d[17] = -2147483647;
    product.descriptor = saturates ? 1 << 3 : 0;
    ASSERT_EQ(run(&product).kind, FaultKind::none);
    EXPECT_EQ(product.d[0], saturates ? 2147483647 : static_cast<int>(2147483647u + 12700u));
    EXPECT_EQ(product.d[17], saturates ? -2147483647 - 1 : static_cast<int>(-2147483647 - 12700u));
    EXPECT_EQ(product.d[1], 2147483647 - 12700);
  }
}

TEST(BlackwellMma, InstructionDescriptorsThatAreRefused) {
  const uint32_t bits[] = {1 << 0,  1 << 2,  1 << 5,  1 << 6,   1 << 8,   1 << 11,  1 << 13,
                           1 << 14, 1 << 15, 1 << 16, 1u << 23, 1u << 26, 1u << 29, 1u << 30};
  for (const uint32_t bit : bits) {
    Product product = product_of({false, false, false, 128, 8}, 3);
    product.descriptor = bit;
    EXPECT_EQ(run(&product).kind, FaultKind::illegal) << bit;
  }
  Product floats = product_of({false, false, false, 128, 8}, 3);
  floats.descriptor = 1 << 3;  // saturates
  EXPECT_EQ(run(&floats).kind, FaultKind::illegal);
  Product integers = product_of({true, false, false, 128, 16}, 3);
  integers.descriptor = 3 << 17;  // N = 8 is right, N = 40 is not: 16 ^ 24 = 8, and 16 ^ 56 = 40
  EXPECT_EQ(run(&integers).kind, FaultKind::none);
  integers.descriptor = 7 << 17;
  EXPECT_EQ(run(&integers).kind, FaultKind::illegal);
}

using Changes = std::vector<std::pair<std::string, std::string>>;

FaultReport fault_of(const Changes& changes, bool pair = false, Schedule schedule = Schedule::lazy) {
  Product product = product_of({true, pair, false, pair ? 256u : 128u, 32}, 3);
  product.changes = changes;
  product.schedule = schedule;
  return run(&product);
}

constexpr Schedule kAllSchedules[] = {Schedule::lazy, Schedule::eager, Schedule::late_mma, Schedule::late_copies,
                                      Schedule::random};

TEST(BlackwellMma, UnknownForms) {
  for (const char* kind : {"kind::f8f6f4", "kind::tf32", "kind::mxf8f6f4"}) {
    EXPECT_THROW(fault_of({{"kind::i8", kind}}), ptx::PtxError) << kind;
  }
  EXPECT_THROW(fault_of({{"tcgen05.mma.cta", "tcgen05.mma.ws.cta"}}), ptx::PtxError);
  EXPECT_THROW(fault_of({{"tcgen05.fence::before_thread_sync;", "tcgen05.cp.cta_group::1.128x256b [%r0], %l0;"}}),
               ptx::PtxError);
  EXPECT_EQ(fault_of({{"mov.u32 %r9, 0;", "mov.u32 %r9, 1;"}}).kind, FaultKind::illegal);  // disabled lanes
}

// Found at the issue or at the use, so under every schedule.
TEST(BlackwellMma, WhatWasNotWaitedFor) {
  for (const Schedule schedule : kAllSchedules) {
    // The operands were written by threads: a proxy fence, and a barrier to the thread that multiplies.
    const FaultReport fence = fault_of({{"fence.proxy.async.shared::cta;", ""}}, false, schedule);
    EXPECT_EQ(fence.kind, FaultKind::race);
    EXPECT_NE(fence.sentence.find("no fence.proxy.async between"), std::string::npos) << fence.sentence;
    // The accumulator was written by threads, which have not waited for it.
    EXPECT_EQ(fault_of({{"tcgen05.wait::st.sync.aligned;", ""}}, false, schedule).kind, FaultKind::race);
    // Tensor memory is read before the mbarrier says that the product is there.
    EXPECT_EQ(fault_of({{"@!%p1 bra wait;", ""}}, false, schedule).kind, FaultKind::race);
    // Columns are given back that a thread has not finished to read.
    EXPECT_EQ(fault_of({{"tcgen05.wait::ld.sync.aligned;", ""}}, false, schedule).kind, FaultKind::race);
    EXPECT_EQ(fault_of({{"@%p0 tcgen05.dealloc.cta_group::1.sync.aligned.b32 %r0, 512;", ""}}, false, schedule).kind,
              FaultKind::illegal);
    // Another arrives at the mbarrier that the product completes on: a phase too early, or one too many.
    EXPECT_NE(fault_of({{"@!%p3 bra wait;", "@!%p3 bra wait; @%p3 mbarrier.arrive.shared::cta.b64 _, [%r8+49160];"}},
                       false, schedule)
                  .kind,
              FaultKind::none);
  }
}

// The thread that multiplies may find all written, or not, but it does not know.
TEST(BlackwellMma, ABarrierBeforeTheProduct) {
  int races = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Product product = product_of({false, false, true, 128, 32}, 3);
    product.changes = {{"bar.sync 0;\ntcgen05.fence::after", "tcgen05.fence::after"}};
    product.seed = seed;
    const FaultKind kind = run(&product).kind;
    EXPECT_NE(kind, FaultKind::none) << seed;
    races += kind == FaultKind::race;
  }
  EXPECT_GT(races, 0);
}

TEST(BlackwellMma, AWrongSwizzleGivesWrongSums) {
  for (int swizzle = 0; swizzle <= 4; ++swizzle) {
    Product product = product_of({true, false, false, 128, 32}, 3);
    for (uint32_t i = 0; i < product.a.size(); ++i) product.a[i] = value_of(i / 32, i % 32);
    for (uint32_t i = 0; i < product.b.size(); ++i) product.b[i] = value_of(i / 32 + 9, i % 32);
    const std::vector<int> right = expected(product);
    const uint64_t layouts[] = {0, 6, 4, 2, 1};
    const uint64_t descriptor = uint64_t{8} << 16 | uint64_t{64} << 32 | uint64_t{1} << 46;
    product.changes = {{"%l3, " + std::to_string(descriptor | uint64_t{2} << 61),
                        "%l3, " + std::to_string(descriptor | layouts[swizzle] << 61)}};
    ASSERT_EQ(run(&product).kind, FaultKind::none);
    EXPECT_EQ(product.d == right, swizzle == 3) << swizzle;
  }
}

const char kClusterBarrier[] = "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;";

TEST(BlackwellMma, APairsPeerIsWaitedFor) {
  for (const Schedule schedule : kAllSchedules) {
    EXPECT_EQ(fault_of({}, true, schedule).kind, FaultKind::none);
    // The leader multiplies before it knows that the peer has written its operands, or has begun at all.
    EXPECT_EQ(fault_of({{std::string(kClusterBarrier) + "\ntcgen05.fence::after", "bar.sync 0;\ntcgen05.fence::after"}},
                       true, schedule)
                  .kind,
              FaultKind::race);
    // The peer is not told that its part is done: it ends, or reads what is not there yet.
    EXPECT_NE(fault_of({{"mov.b16 %h0, 3;", "mov.b16 %h0, 1;"}}, true, schedule).kind, FaultKind::none);
    // The CTA that does not lead multiplies.
    EXPECT_EQ(fault_of({{"setp.eq.u32 %p3, %r6, 0;", "setp.eq.u32 %p3, %r6, 1;"}}, true, schedule).kind,
              FaultKind::illegal);
  }
}

// Two warps multiply into one accumulator, one after the other: nobody waits for the first product's end.
TEST(BlackwellMma, AProductOfAnotherWarpFollowsBehindFences) {
  const std::string mma = "tcgen05.mma.cta_group::1.kind::i8 [%r0], %l3, %l4, %r12, {%r9, %r9, %r9, %r9}, %p4;\n";
  const std::string commit = "tcgen05.commit.";
  const std::string before = "tcgen05.fence::before_thread_sync;\n", after = "tcgen05.fence::after_thread_sync;\n";
  const auto fault = [&](const std::string& between, Schedule schedule) {
    const std::string two =
        "@%p3 " + mma + between + "setp.eq.u32 %p5, %r7, 32; setp.eq.u32 %p4, %r9, 0;\n@%p5 " + mma + "@%p5 " + commit;
    return fault_of({{"@!%p3 bra wait;", ""}, {mma + commit, two}}, false, schedule);
  };
  for (const Schedule schedule : kAllSchedules) {
    EXPECT_EQ(fault(before + "bar.sync 0;\n" + after, schedule).kind, FaultKind::none);
    EXPECT_EQ(fault("bar.sync 0;\n" + after, schedule).kind, FaultKind::race);
    const FaultReport missing = fault("bar.sync 0;\n", schedule);
    EXPECT_NE(missing.sentence.find("no tcgen05.fence"), std::string::npos) << missing.sentence;
  }
}

TEST(BlackwellMma, IntegersAreOfSm100aAlone) {
  Product product = product_of({true, false, false, 128, 32}, 3);
  product.changes = {};
  Snippet snippet;
  snippet.arch = 100;  // sm_100f
  snippet.body =
      "mov.u32 %o0, 0;\ntcgen05.mma.cta_group::1.kind::i8 [%r0], %l3, %l4, %r12, {%r9, %r9, %r9, %r9}, %p4;\n";
  EXPECT_THROW(run(&snippet), ptx::PtxError);
}

}  // namespace
}  // namespace ternary::softgpu
