// Device memory: bounds, freed and unwritten bytes; and which accesses of which operations clash.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>

#include "softgpu/code/fault.h"
#include "softgpu/memory/device_memory.h"
#include "softgpu/memory/races.h"
#include "softgpu/runtime/environment.h"

namespace ternary::softgpu {
namespace {

class MemoryTest : public testing::Test {
 protected:
  /** Empty if the access is allowed, else why not. */
  std::string touch(uint64_t address, uint64_t bytes, Access access) {
    Range range;
    std::string problem;
    if (!memory.resolve(address, bytes, access, {}, &range, &problem)) return problem;
    try {
      range.note(range.context, {1, 7}, address, bytes, access);
    } catch (const Fault& fault) {
      return fault.what();
    }
    return "";
  }
  DeviceMemory memory{true};
};

TEST_F(MemoryTest, AllocationsAreAlignedTo256BytesAndApart) {
  const Allocation* a = memory.allocate(1000, MemoryKind::device, 0, "cudaMalloc");
  const Allocation* b = memory.allocate(1, MemoryKind::device, 0, "cudaMalloc");
  EXPECT_EQ(a->address % 256, 0u);
  EXPECT_EQ(b->address % 256, 0u);
  EXPECT_GE(b->address, a->address + 1000 + 256);
  EXPECT_EQ(memory.bytes_in_use(0), 1001);
}

TEST_F(MemoryTest, EveryByteOutsideIsNamed) {
  const Allocation* a = memory.allocate(1000, MemoryKind::device, 0, "cudaMalloc");
  EXPECT_EQ(touch(a->address, 1000, Access::write), "");
  EXPECT_EQ(touch(a->address + 996, 4, Access::read), "");
  EXPECT_NE(touch(a->address + 997, 4, Access::read).find("beyond the end"), std::string::npos);
  EXPECT_NE(touch(a->address + 1000, 1, Access::write).find("0 bytes past the end"), std::string::npos);
  EXPECT_NE(touch(a->address - 4, 4, Access::write).find("4 bytes before the start"), std::string::npos);
  EXPECT_NE(touch(16, 4, Access::read).find("no allocation"), std::string::npos);
}

TEST_F(MemoryTest, FreedMemoryStaysFreed) {
  Allocation* a = memory.allocate(64, MemoryKind::device, 0, "cudaMalloc");
  const uint64_t address = a->address;
  memory.free(a);
  EXPECT_NE(memory.allocate(64, MemoryKind::device, 0, "cudaMalloc")->address, address);
  EXPECT_NE(touch(address, 4, Access::read).find("freed"), std::string::npos);
  EXPECT_EQ(memory.find(address), nullptr);
  EXPECT_NE(memory.leaks().find("64 bytes"), std::string::npos);
}

TEST_F(MemoryTest, ReadsOfUnwrittenBytesAreFound) {
  const Allocation* a = memory.allocate(64, MemoryKind::device, 0, "cudaMalloc");
  EXPECT_NE(touch(a->address, 4, Access::read).find("nothing has written"), std::string::npos);
  EXPECT_NE(touch(a->address, 4, Access::atomic).find("nothing has written"), std::string::npos);
  EXPECT_EQ(touch(a->address, 3, Access::write), "");
  EXPECT_EQ(touch(a->address, 3, Access::read), "");
  EXPECT_NE(touch(a->address, 4, Access::read), "");
  memory.initialise(a->address, 64);
  EXPECT_EQ(touch(a->address + 48, 16, Access::read), "");
  const Allocation* copy = memory.allocate(64, MemoryKind::device, 0, "cudaMalloc");
  const Allocation* fresh = memory.allocate(64, MemoryKind::device, 0, "cudaMalloc");
  memory.copy_initialised(copy->address, fresh->address, 64);  // a copy of what is not written is not written
  EXPECT_NE(touch(copy->address, 4, Access::read), "");
  memory.copy_initialised(copy->address, a->address, 64);
  EXPECT_EQ(touch(copy->address, 4, Access::read), "");
}

TEST_F(MemoryTest, NewMemoryHoldsNoZeros) {
  const Allocation* a = memory.allocate(64, MemoryKind::device, 0, "cudaMalloc");
  EXPECT_NE(*reinterpret_cast<const uint32_t*>(a->address), 0u);
  uint32_t word = 1;
  std::memcpy(&word, reinterpret_cast<const void*>(memory.allocate_variables(4, "variables of a module")), 4);
  EXPECT_EQ(word, 0u);
}

TEST_F(MemoryTest, MemoryOfAnotherDeviceIsOutOfReach) {
  const Allocation* a = memory.allocate(64, MemoryKind::device, 1, "cudaMalloc");
  EXPECT_NE(touch(a->address, 4, Access::write).find("memory of device 1"), std::string::npos);
  memory.note_in(nullptr, 1);
  EXPECT_EQ(touch(a->address, 4, Access::write), "");
}

Episode episode(const char* what, Moment moment, const History& before) {
  return {what, moment, before, before, moment.chain + 1, std::make_unique<AccessLog>()};
}

TEST(Races, UnorderedWritesOfTheSameByteClashAndOthersDoNot) {
  const struct {
    Access a, b;
    uint64_t at_a, at_b;
    bool clash;
  } cases[] = {{Access::write, Access::write, 100, 103, true},    {Access::write, Access::write, 100, 104, false},
               {Access::read, Access::write, 100, 100, true},     {Access::read, Access::read, 100, 100, false},
               {Access::atomic, Access::atomic, 100, 100, false}, {Access::atomic, Access::read, 100, 100, true},
               {Access::write, Access::atomic, 4094, 4096, true}};
  for (const auto& c : cases) {
    Races races;
    Episode a = episode("kernel a", {0, 1}, {}), b = episode("kernel b", {1, 1}, {});
    a.log->note(c.at_a, 4, 11, c.a);
    b.log->note(c.at_b, 4, 22, c.b);
    EXPECT_EQ(races.add(std::move(a)), "");
    const std::string sentence = races.add(std::move(b));
    EXPECT_EQ(!sentence.empty(), c.clash) << sentence;
    if (!c.clash) continue;
    for (const char* part : {"kernel a", "kernel b", "line 11", "line 22"}) {
      EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    }
  }
}

TEST(Races, OrderedOnesDoNotClash) {
  Races races;
  Episode a = episode("a", {0, 2}, {});
  a.log->note(8, 8, 1, Access::write);
  races.add(std::move(a));
  History after_a;
  after_a.add({0, 2});
  Episode b = episode("b", {1, 1}, after_a);
  b.log->note(8, 8, 1, Access::write);
  EXPECT_EQ(races.add(std::move(b)), "");
  History before_a;
  before_a.add({0, 1});
  Episode c = episode("c", {2, 1}, before_a);
  c.log->note(8, 1, 1, Access::read);
  EXPECT_NE(races.add(std::move(c)), "");
}

/** Empty, or the sentence about a launch that reads byte 8 by ld.global.nc and writes byte `written`. */
std::string read_and_written(uint64_t written, Access access) {
  Races races;
  Episode a = episode("kernel a", {0, 1}, {});
  a.log->note(8, 1, 11, Access::read_only);
  a.log->note(written, 1, 22, access);
  return races.add(std::move(a));
}

TEST(Races, WhatALaunchWritesItMayNotReadByTheNonCoherentPath) {
  for (const Access access : {Access::write, Access::atomic}) {
    EXPECT_EQ(read_and_written(9, access), "");
    const std::string sentence = read_and_written(8, access);
    for (const char* part : {"address 0x8", "by ld.global.nc (PTX line 11)", "(PTX line 22)"}) {
      EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    }
  }
  EXPECT_EQ(read_and_written(8, Access::read), "");
}

// A launch whose parts before and after the wait are b and c, after a that it overtakes: c comes after a, but a was not
// complete when b began.
TEST(Races, TheNonCoherentPathIsForWhatWasThereWhenTheLaunchBegan) {
  const struct {
    Access a, b, c;
    bool clash;
  } cases[] = {{Access::write, Access::read, Access::read, true},  // b is not ordered
               {Access::write, Access::write, Access::read, true},
               {Access::write, Access::read_only, Access::read, true},
               {Access::read, Access::read, Access::read_only, false},
               {Access::read, Access::read_only, Access::read, false},
               {Access::read, Access::read_only, Access::write, true},   // read and written by one launch
               {Access::read_only, Access::read, Access::write, false},  // a is over
               {Access::read_only, Access::read_only, Access::read_only, false}};
  for (const auto& one : cases) {
    Races races;
    History after_b;
    after_b.add({0, 1});
    after_b.add({1, 1});
    Episode a = episode("a", {0, 1}, {}), b = episode("b", {1, 1}, {}), c = episode("c", {1, 2}, after_b);
    c.begun = {};
    a.log->note(8, 4, 11, one.a);
    b.log->note(8, 4, 22, one.b);
    c.log->note(8, 4, 33, one.c);
    std::string sentence = races.add(std::move(a));
    sentence += races.add(std::move(b));
    sentence += races.add(std::move(c));
    EXPECT_EQ(!sentence.empty(), one.clash) << "case " << &one - cases << sentence;
  }
  // c alone touches what a writes.
  for (const Access access : {Access::read, Access::read_only}) {
    Races races;
    History after_a;
    after_a.add({0, 1});
    Episode a = episode("a", {0, 1}, {}), c = episode("c", {1, 2}, after_a);
    a.log->note(8, 4, 11, Access::write);
    c.log->note(8, 4, 33, access);
    c.begun = {};
    EXPECT_EQ(races.add(std::move(a)), "");
    EXPECT_EQ(races.add(std::move(c)).empty(), access == Access::read);
  }
}

TEST(Races, WhatTheHostHasWaitedForIsForgotten) {
  Races races;
  Episode a = episode("a", {0, 1}, {});
  a.log->note(8, 8, 1, Access::write);
  races.add(std::move(a));
  History host;
  host.add({0, 1});
  races.forget(host);
  Episode b = episode("b", {1, 1}, {});  // as no operation can be that is enqueued later: it would know of a
  b.log->note(8, 8, 1, Access::write);
  EXPECT_EQ(races.add(std::move(b)), "");
}

TEST(AccessLog, ThreadsMayNoteAtOnce) {
  AccessLog log, other;
  const auto note = [&](uint64_t start) {
    for (uint64_t at = start; at < 200000; at += 32) log.note(at, 16, 3, Access::write);
  };
  std::thread thread(note, 0);
  note(16);
  thread.join();
  log.close();
  AccessLog::Conflict conflict;
  other.note(200000, 1, 5, Access::read);
  other.close();
  EXPECT_FALSE(log.conflicts_with(other, &conflict));
  AccessLog last;
  last.note(199999, 1, 5, Access::read);
  last.close();
  ASSERT_TRUE(last.conflicts_with(log, &conflict));
  EXPECT_EQ(conflict.address, 199999u);
  EXPECT_EQ(conflict.line, 5);
  EXPECT_EQ(conflict.other_line, 3);
}

/** Sets a variable for one test. */
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name), had_(std::getenv(name) != nullptr) {
    if (had_) old_ = std::getenv(name);
    setenv(name, value, 1);
  }
  ~Setting() { had_ ? setenv(name_, old_.c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  bool had_;
  std::string old_;
};

TEST(Environment, DevicesAreListedOrCounted) {
  Setting arch("SOFTGPU_ARCH", "80,90a");
  EXPECT_EQ(read_environment().devices.size(), 2u);
  Setting devices("SOFTGPU_DEVICES", "3");
  EXPECT_EQ(read_environment().devices[2].number(), 90);
  Setting none("SOFTGPU_DEVICES", "0");
  EXPECT_TRUE(read_environment().devices.empty());
}

TEST(Environment, SchedulesHaveNames) {
  EXPECT_FALSE(read_environment().schedule.has_value());
  const std::pair<const char*, Schedule> names[] = {{"lazy", Schedule::lazy},
                                                    {"eager", Schedule::eager},
                                                    {"late-mma", Schedule::late_mma},
                                                    {"late-copies", Schedule::late_copies},
                                                    {"random", Schedule::random}};
  for (const auto& [name, schedule] : names) {
    Setting setting("SOFTGPU_SCHEDULE", name);
    EXPECT_EQ(read_environment().schedule, schedule);
  }
  EXPECT_TRUE(read_environment().exact_arithmetic);
  Setting any("SOFTGPU_ARITHMETIC", "any");
  EXPECT_FALSE(read_environment().exact_arithmetic);
}

TEST(Environment, WhatIsNotKnownIsAnErrorThatNamesIt) {
  const std::pair<const char*, const char*> wrong[] = {{"SOFTGPU_ARCH", "90x"},       {"SOFTGPU_SEED", "one"},
                                                       {"SOFTGPU_DRIVER", "ancient"}, {"SOFTGPU_SPEED", "1"},
                                                       {"SOFTGPU_THREADS", "0"},      {"SOFTGPU_DEVICES", "-1"},
                                                       {"SOFTGPU_SCHEDULE", "late"},  {"SOFTGPU_ARITHMETIC", "fast"}};
  for (const auto& [name, value] : wrong) {
    Setting setting(name, value);
    try {
      read_environment();
      ADD_FAILURE() << name << "=" << value << " was taken";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace ternary::softgpu
