// The rules of order between CTAs, one warp a CTA and by hand.
#include "softgpu/exec/grid_order.h"

#include <gtest/gtest.h>

#include "softgpu/code/fault.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr uint64_t kData = 0x10000, kTicket = 0x20000;

/** Two CTAs of two warps each; warps 0 and 1 are of CTA 0. */
class GridOrderTest : public ::testing::Test {
 protected:
  Order first_{2, 1}, second_{2, 1};
  GridOrder grid_{2};

  GridOrder::Agent warp(int number) {
    return {static_cast<uint32_t>(number / 2), static_cast<size_t>(number % 2), number < 2 ? &first_ : &second_};
  }
  void write(int number) { grid_.note(warp(number), kData, 4, Access::write, false, 1); }
  void read(int number) { grid_.note(warp(number), kData, 4, Access::read, false, 2); }
  void add(int number) { grid_.note(warp(number), kData, 4, Access::atomic, false, 3); }
  void ticket(int number) { grid_.note(warp(number), kTicket, 4, Access::atomic, false, 4); }
  void release(int number) { grid_.release(warp(number)); }
  void acquire(int number) { grid_.acquire(warp(number)); }
  void fence(int number) { release(number), acquire(number); }
  void barrier(int cta) { (cta == 0 ? first_ : second_).meet({0, 1}); }
  void proxy_fence(int number) { grid_.proxy_fence(warp(number)); }
  /** By the copy engine of the warp's CTA, to which the warp gives the work. */
  void engine_read(int number) {
    GridOrder::Agent agent = warp(number);
    Clock known;
    agent.order->release(agent.number, &known);
    agent.number = agent.order->copies_of(0);
    agent.order->acquire(agent.number, known);
    agent.engine_epoch = agent.order->epoch(agent.number);
    grid_.note(agent, kData, 4, Access::read, false, 5);
  }
};

TEST_F(GridOrderTest, FencesAroundTheTicketOrder) {
  write(0), fence(0), ticket(0);
  ticket(2), fence(2);
  EXPECT_NO_THROW(read(2));
}

TEST_F(GridOrderTest, EnginesReadBehindAProxyFenceOfTheWriter) {
  write(0), proxy_fence(0), fence(0), ticket(0);
  ticket(2), fence(2);
  EXPECT_NO_THROW(engine_read(2));
}

TEST_F(GridOrderTest, EnginesReadBehindAProxyFenceOfTheReader) {
  write(0), fence(0), ticket(0);
  ticket(2), fence(2), proxy_fence(2), barrier(1);
  EXPECT_NO_THROW(engine_read(3));
}

TEST_F(GridOrderTest, EnginesReadWithoutProxyFence) {
  proxy_fence(0), write(0), fence(0), ticket(0);
  proxy_fence(2), ticket(2), fence(2);
  EXPECT_NO_THROW(read(2));
  EXPECT_THROW(engine_read(2), Fault);
}

TEST_F(GridOrderTest, FenceOfOneThreadAfterTheBarrierCoversTheCta) {
  write(1), barrier(0), fence(0), ticket(0);
  ticket(2), fence(2), barrier(1);
  EXPECT_NO_THROW(read(3));
}

TEST_F(GridOrderTest, AllThreadsMayFenceAndOneDrawTheTicketAfterABarrier) {
  write(1), fence(1), barrier(0), ticket(0);
  ticket(2), barrier(1), fence(2), fence(3);
  EXPECT_NO_THROW(read(2));
  EXPECT_NO_THROW(read(3));
}

TEST_F(GridOrderTest, FencesOfOtherWarpsWithoutBarrier) {
  write(1), fence(1), ticket(0);  // warp 0 may have been before the fence
  ticket(2), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, NoFenceBeforeTheTicket) {
  write(0), ticket(0), ticket(2), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, NoFenceAfterTheTicket) {
  write(0), fence(0), ticket(0), ticket(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, FenceBeforeTheWrite) {
  fence(0), write(0), ticket(0), ticket(2), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, FenceOfAnotherWarpWithoutBarrier) {
  write(1), fence(0), ticket(0), ticket(2), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, ReaderOfAnotherWarpWithoutBarrier) {
  write(0), fence(0), ticket(0), ticket(2), fence(2);
  EXPECT_THROW(read(3), Fault);
}

TEST_F(GridOrderTest, NoTicketAtAll) {
  write(0), fence(0), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, AtomicsOfAllMustBeKnown) {
  add(0), add(2);
  add(1);  // the last one, but not the one that is not ordered
  fence(1), ticket(1), ticket(2), fence(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, AtomicsDoNotRaceWithEachOther) {
  add(0);
  EXPECT_NO_THROW(add(2));
  EXPECT_NO_THROW(add(1));
}

TEST_F(GridOrderTest, WarpsOfOneCtaNeedABarrier) {
  write(0);
  EXPECT_THROW(read(1), Fault);
  barrier(0);
  EXPECT_NO_THROW(read(1));
}

TEST_F(GridOrderTest, TwoWritesRace) {
  write(0);
  EXPECT_THROW(write(2), Fault);
}

TEST_F(GridOrderTest, BytesOfOneWordAreApart) {
  grid_.note(warp(0), kData, 2, Access::write, false, 1);
  EXPECT_NO_THROW(grid_.note(warp(2), kData + 2, 2, Access::write, false, 1));
  EXPECT_NO_THROW(grid_.note(warp(0), kData, 2, Access::read, false, 1));
  EXPECT_THROW(grid_.note(warp(0), kData, 4, Access::read, false, 1), Fault);
}

TEST_F(GridOrderTest, AReleaseAndAnAcquireAreEnoughEachOnItsSide) {
  write(1), barrier(0), release(0), ticket(0);
  ticket(2), acquire(2), barrier(1);
  EXPECT_NO_THROW(read(3));
}

TEST_F(GridOrderTest, AnAcquireReleasesNothing) {
  write(0), acquire(0), ticket(0), ticket(2), acquire(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, AReleaseAcquiresNothing) {
  write(0), release(0), ticket(0), ticket(2), release(2);
  EXPECT_THROW(read(2), Fault);
}

TEST_F(GridOrderTest, AnAcquireAfterTheBarrierIsNotAnothersWarp) {
  write(0), release(0), ticket(0);
  ticket(2), barrier(1), acquire(2);
  EXPECT_NO_THROW(read(2));
  EXPECT_THROW(read(3), Fault);
}

TEST_F(GridOrderTest, AWriteComesAfterTheReadsOfOthers) {
  read(0);
  EXPECT_THROW(write(2), Fault);
  EXPECT_THROW(add(2), Fault);
  EXPECT_THROW(write(1), Fault);  // of the same CTA
  EXPECT_NO_THROW(write(0));
}

TEST_F(GridOrderTest, FencesAroundTheTicketOrderAReadAndAWrite) {
  read(1), barrier(0), fence(0), ticket(0);
  ticket(2), fence(2), barrier(1);
  EXPECT_NO_THROW(write(3));
}

TEST_F(GridOrderTest, BarriersOrderAReadAndAWriteInACta) {
  read(1), barrier(0);
  EXPECT_NO_THROW(write(0));
}

TEST_F(GridOrderTest, NoFenceBetweenReadAndTicket) {
  read(0), ticket(0), ticket(2), fence(2);
  EXPECT_THROW(write(2), Fault);
}

TEST_F(GridOrderTest, NoFenceBetweenTicketAndWrite) {
  read(0), fence(0), ticket(0), ticket(2);
  EXPECT_THROW(write(2), Fault);
}

TEST_F(GridOrderTest, ReadersOfTheWritersOwnCtaDoNotHideAnother) {
  read(0), read(2), read(3), read(2), barrier(1);
  EXPECT_THROW(write(2), Fault);
}

TEST_F(GridOrderTest, AReaderOfTheWritersOwnCtaIsNotHiddenByTheWriter) {
  read(3), read(2);
  EXPECT_THROW(write(2), Fault);
  barrier(1);
  EXPECT_NO_THROW(write(2));
}

TEST_F(GridOrderTest, ReadersOfBytesAreApart) {
  grid_.note(warp(0), kData, 1, Access::read, false, 1);
  grid_.note(warp(0), kData + 2, 1, Access::read, false, 1);  // both are kept
  EXPECT_NO_THROW(grid_.note(warp(2), kData + 1, 1, Access::write, false, 1));
  EXPECT_NO_THROW(grid_.note(warp(2), kData + 3, 5, Access::write, false, 1));
  EXPECT_THROW(grid_.note(warp(2), kData, 1, Access::write, false, 1), Fault);
  EXPECT_THROW(grid_.note(warp(2), kData + 2, 1, Access::write, false, 1), Fault);
}

TEST_F(GridOrderTest, AReadAcrossPagesIsOfBoth) {
  grid_.note(warp(0), 8190, 4, Access::read, false, 1);
  EXPECT_NO_THROW(grid_.note(warp(2), 8188, 2, Access::write, false, 1));
  EXPECT_THROW(grid_.note(warp(2), 8191, 1, Access::write, false, 1), Fault);
  EXPECT_THROW(grid_.note(warp(2), 8193, 1, Access::write, false, 1), Fault);
  EXPECT_NO_THROW(grid_.note(warp(2), 8194, 2, Access::write, false, 1));
}

TEST_F(GridOrderTest, AnAtomicDoesNotRaceWithAStrongReadBefore) {
  grid_.note(warp(0), kData, 4, Access::read, true, 1);
  EXPECT_NO_THROW(add(2));
  EXPECT_THROW(write(2), Fault);
}

// Which takes memory: at most kMostReadPages pages are looked after.
TEST_F(GridOrderTest, ReadsBeyondThePagesThatAreKeptAreNotSeen) {
  for (uint64_t page = 0; page <= 2048; ++page) grid_.note(warp(0), 4096 * page, 4, Access::read, false, 1);
  EXPECT_THROW(grid_.note(warp(2), 4096 * 2047, 4, Access::write, false, 1), Fault);
  EXPECT_NO_THROW(grid_.note(warp(2), 4096 * 2048, 4, Access::write, false, 1));
}

TEST_F(GridOrderTest, StrongStoreAndLoadSignalToo) {
  write(0), fence(0);
  grid_.note(warp(0), kTicket, 4, Access::write, true, 1);
  grid_.note(warp(2), kTicket, 4, Access::read, true, 1);
  fence(2);
  EXPECT_NO_THROW(read(2));
}

TEST_F(GridOrderTest, PlainPollOfAFlagIsARace) {
  write(0), fence(0);
  grid_.note(warp(0), kTicket, 4, Access::write, true, 1);
  EXPECT_THROW(grid_.note(warp(2), kTicket, 4, Access::read, false, 1), Fault);
}

// Two host threads draw tickets at once: what is noted must be in the order in which they were drawn, or the last CTA
// would seem not to know of one that drew before it.
TEST(GridOrder, WhoDrawsTheLastTicketKnowsAllOthers) {
  Snippet snippet;
  snippet.grid = {64, 1, 1};
  snippet.outputs = 0;
  snippet.body =
      "mov.u32 %r0, %laneid;\nmov.u32 %r1, %ctaid.x;\nmul.wide.u32 %l0, %r1, 4;\nadd.s64 %l0, %l0, %data;\n"
      "setp.ne.u32 %p0, %r0, 0;\n@%p0 bra END;\n"
      "st.global.u32 [%l0+256], %r1;\nmembar.gl;\natom.global.add.u32 %r2, [%data], 1;\n"
      "setp.ne.u32 %p1, %r2, 63;\n@%p1 bra END;\nmembar.gl;\nmov.u32 %r3, 0;\nadd.s64 %l1, %data, 256;\n"
      "LOOP:\nld.global.u32 %r4, [%l1];\nadd.s64 %l1, %l1, 4;\nadd.u32 %r3, %r3, 1;\nsetp.lt.u32 %p2, %r3, 64;\n"
      "@%p2 bra LOOP;\nEND:\n";
  for (snippet.seed = 0; snippet.seed < 400; ++snippet.seed) {
    snippet.data.assign(4096, 0);
    ASSERT_EQ(run(&snippet).fault.sentence, "") << "seed " << snippet.seed;
  }
}

}  // namespace
}  // namespace ternary::softgpu
