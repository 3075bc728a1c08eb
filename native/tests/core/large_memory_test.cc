// Pages that pieces share: whose bytes are whose, what is merged and given back, and what the system is asked for.
#include "core/base/large_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "abi/layout.h"
#include "core/base/failure.h"
#include "core/weights/weights.h"
#include "support/random.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace ternary::test {
namespace {

constexpr int64_t kPage = SharedPages::kPage, kSmallPage = 4096;
/** So large a piece, that sixteen fill a region. */
constexpr int64_t kSixteenth = SharedPages::kRegion / 16 - SharedPages::kRedZone;

/** Bytes of small pages that are resident, of which a huge page has 512. */
int64_t resident_bytes(const uint8_t* begin, int64_t bytes) {
  std::vector<uint64_t> entries(bytes / kSmallPage);
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const auto size = static_cast<ssize_t>(entries.size() * sizeof(uint64_t));
  const auto at = static_cast<off_t>(reinterpret_cast<uintptr_t>(begin) / kSmallPage * sizeof(uint64_t));
  EXPECT_EQ(pread(file, entries.data(), static_cast<size_t>(size), at), size);
  close(file);
  return kSmallPage * std::count_if(entries.begin(), entries.end(), [](uint64_t entry) { return entry >> 63 != 0; });
}

/** What /proc/self/smaps has in the line `name` of the mapping with this address; empty if nothing is mapped there. */
std::string of_mapping(const uint8_t* address, const std::string& name) {
  std::ifstream file("/proc/self/smaps");
  bool there = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      const auto at = reinterpret_cast<uintptr_t>(address);
      there = begin <= at && at < end;
    } else if (there && line.rfind(name + ":", 0) == 0) {
      return line.substr(name.size() + 1) + " ";
    }
  }
  return "";
}

/** "hg": huge pages are wanted, "nh": they are not, "": neither. */
std::string advice(const uint8_t* address) {
  const std::string flags = of_mapping(address, "VmFlags");
  EXPECT_NE(flags, "");
  for (const char* flag : {"hg", "nh"}) {
    if (flags.find(std::string(" ") + flag + " ") != std::string::npos) return flag;
  }
  return "";
}

bool system_has_huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[never]") == std::string::npos;
}

uint8_t* page_of(uint8_t* address) { return address - reinterpret_cast<uintptr_t>(address) % kPage; }

std::vector<uint8_t*> taken(SharedPages& pages, int count, int64_t bytes) {
  std::vector<uint8_t*> pieces;
  for (int i = 0; i < count; ++i) pieces.push_back(pages.take(bytes));
  return pieces;
}

void give_back(SharedPages& pages, const std::vector<uint8_t*>& pieces) {
  for (uint8_t* piece : pieces) EXPECT_TRUE(pages.give_back(piece));
}

/** A piece and the byte that fills it. */
struct Filled {
  uint8_t* memory;
  int64_t bytes;
  uint8_t value;
};

/** Takes and fills pieces of all sizes at random, and checks and gives back those of any thread. */
void churn(SharedPages& pages, uint64_t seed, std::mutex& mutex, std::vector<Filled>& alive) {
  Random random(seed);
  for (int step = 0; step < 400; ++step) {
    const int64_t bytes = random.integer(1, int64_t{1} << random.integer(0, 20));
    const Filled mine = {pages.take(bytes), bytes, static_cast<uint8_t>(random.integer(0, 255))};
    ASSERT_EQ(reinterpret_cast<uintptr_t>(mine.memory) % 64, 0u);
    std::memset(mine.memory, mine.value, static_cast<size_t>(round_up(bytes, 64)));
    Filled other = {};
    {
      const std::lock_guard<std::mutex> lock(mutex);
      alive.push_back(mine);
      if (alive.size() < 100) continue;
      std::swap(alive[random.integer(0, static_cast<int64_t>(alive.size()) - 1)], alive.back());
      other = alive.back();
      alive.pop_back();
    }
    ASSERT_EQ(std::count(other.memory, other.memory + round_up(other.bytes, 64), other.value),
              round_up(other.bytes, 64));
    ASSERT_TRUE(pages.give_back(other.memory));
  }
}

TEST(LargeMemory, PiecesOfSixteenThreadsDoNotOverlap) {
  SharedPages pages;
  std::mutex mutex;
  std::vector<Filled> alive;
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    threads.emplace_back([&, seed] { churn(pages, seed, mutex, alive); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alive.size(), 99u);
  EXPECT_LE(pages.regions(), 10) << "100 pieces of a MiB at most, and holes";
  for (const Filled& piece : alive) {
    EXPECT_EQ(std::count(piece.memory, piece.memory + piece.bytes, piece.value), piece.bytes);
    EXPECT_TRUE(pages.give_back(piece.memory));
  }
  EXPECT_EQ(pages.regions(), 0);
}

TEST(LargeMemory, SmallPiecesLieBesideEachOther) {
  SharedPages pages;
  const std::vector<uint8_t*> pieces = taken(pages, 1000, 1);
  for (size_t i = 1; i < pieces.size(); ++i) ASSERT_EQ(pieces[i] - pieces[i - 1], 64 + SharedPages::kRedZone);
  EXPECT_EQ(pages.regions(), 1);
  give_back(pages, pieces);
}

TEST(LargeMemory, NeighboursThatAreFreeAreMergedInWhateverOrder) {
  for (const int first : {0, 5, 13}) {  // at the begin of the region, within, at its end
    std::array<int, 3> order = {first, first + 1, first + 2};
    do {
      SharedPages pages;
      std::vector<uint8_t*> pieces = taken(pages, 16, kSixteenth);
      EXPECT_EQ(pages.regions(), 1);
      for (const int i : order) ASSERT_TRUE(pages.give_back(pieces[i]));
      ASSERT_EQ(pages.take(3 * (kSixteenth + SharedPages::kRedZone) - SharedPages::kRedZone), pieces[first]);
      EXPECT_EQ(pages.regions(), 1);
      pieces.erase(pieces.begin() + first + 1, pieces.begin() + first + 3);
      give_back(pages, pieces);
      EXPECT_EQ(pages.regions(), 0);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(LargeMemory, TheFirstRunWithRoomIsTakenInTheLowestRegion) {
  SharedPages pages;
  std::vector<uint8_t*> pieces = taken(pages, 48, kSixteenth);
  EXPECT_EQ(pages.regions(), 3);
  std::sort(pieces.begin(), pieces.end());
  for (const int i : {21, 4, 6}) EXPECT_TRUE(pages.give_back(pieces[i]));
  uint8_t* half = pages.take(kPage / 2);
  EXPECT_EQ(half, pieces[4]);
  for (const int i : {6, 21}) EXPECT_EQ(pages.take(kSixteenth), pieces[i]);
  pieces[4] = half;
  give_back(pages, pieces);
  EXPECT_EQ(pages.regions(), 0);
}

TEST(LargeMemory, ARegionGoesWithItsLastPiece) {
  SharedPages pages;
  for (int model = 0; model < 3; ++model) {
    const std::vector<uint8_t*> pieces = taken(pages, 40, kSixteenth);
    EXPECT_EQ(pages.regions(), 3) << "model " << model;
    for (uint8_t* piece : pieces) std::memset(piece, 1, kSixteenth);
    give_back(pages, pieces);
    EXPECT_EQ(pages.regions(), 0);
    for (uint8_t* piece : pieces) ASSERT_EQ(of_mapping(piece, "VmFlags"), "");
  }
}

TEST(LargeMemory, APageThatIsWhollyFreeGoesBack) {
  SharedPages pages;
  constexpr int64_t kBytes = 3 * kPage / 4 - SharedPages::kRedZone;  // three cross borders, the fourth ends at one
  const std::vector<uint8_t*> pieces = taken(pages, 8, kBytes);
  uint8_t* region = page_of(pieces[0]);
  for (uint8_t* piece : pieces) std::memset(piece, 1, kBytes);
  ASSERT_EQ(resident_bytes(region, 6 * kPage), 6 * kPage);
  const auto resident = [&](int page) { return resident_bytes(region + page * kPage, kPage); };
  EXPECT_TRUE(pages.give_back(pieces[1]));  // pages 0 and 1, which it shares with both neighbours
  EXPECT_EQ(resident_bytes(region, 6 * kPage), 6 * kPage);
  EXPECT_TRUE(pages.give_back(pieces[2]));  // of 1 and 2: it was the last in 1
  EXPECT_EQ(resident(1), 0);
  EXPECT_EQ(resident_bytes(region, 6 * kPage), 5 * kPage);
  EXPECT_TRUE(pages.give_back(pieces[3]));
  EXPECT_EQ(resident(2), 0);
  EXPECT_EQ(resident_bytes(region, 6 * kPage), 4 * kPage);
  for (const int i : {0, 4, 5, 6, 7}) {
    EXPECT_EQ(std::count(pieces[i], pieces[i] + kBytes, 1), kBytes) << i;
    EXPECT_TRUE(pages.give_back(pieces[i]));
  }
}

TEST(LargeMemory, OneTinyPieceIsResidentInOneSmallPage) {
  SharedPages pages;
  uint8_t* piece = pages.take(100);
  std::memset(piece, 1, 100);
  EXPECT_EQ(resident_bytes(page_of(piece), SharedPages::kRegion), kSmallPage);
  EXPECT_EQ(advice(piece), "nh") << "where the system gives them unasked";
  EXPECT_TRUE(pages.give_back(piece));
}

TEST(LargeMemory, HugePagesAreWantedOnceEnoughIsTaken) {
  SharedPages pages;
  std::vector<uint8_t*> pieces = taken(pages, 1, SharedPages::kFewBytes - 64 - SharedPages::kRedZone);
  EXPECT_EQ(advice(pieces[0]), "nh");
  pieces.push_back(pages.take(1));
  EXPECT_EQ(advice(pieces[0]), "hg");
  while (pages.regions() < 2) pieces.push_back(pages.take(kSixteenth));
  EXPECT_EQ(advice(pieces.back()), "hg") << "a region that begins with more than a few bytes elsewhere";
  give_back(pages, pieces);
  pieces = taken(pages, 1, 1);
  EXPECT_EQ(advice(pieces[0]), "nh") << "a few bytes again";
  give_back(pages, pieces);
}

TEST(LargeMemory, MatricesOfAMegabyteAndAHalfLieInHugePages) {
  constexpr int64_t kN = 2560, kK = 2560;
  std::vector<std::unique_ptr<ternary_weights>> matrices;
  for (int i = 0; i < 8; ++i) {
    matrices.push_back(std::make_unique<ternary_weights>(kN, kK, TERNARY_LAYOUT_I2S_TILED, 0));
    std::memset(matrices[i]->codes.get(), 0x55, static_cast<size_t>(matrices[i]->codes_bytes));
    matrices[i]->alpha.assign(kN, 1.0f);
    EXPECT_EQ(ternary_weights_bytes(matrices[i].get()), kN * kK / 4 + kN * 4);
    EXPECT_EQ(advice(matrices[i]->codes.get()), "hg") << i;
    EXPECT_EQ(advice(reinterpret_cast<const uint8_t*>(matrices[i]->alpha.data())), "hg") << i;
  }
  if (!system_has_huge_pages()) return;
  const int64_t kilobytes = std::stoll(of_mapping(matrices[0]->codes.get(), "AnonHugePages"));
  EXPECT_GE(kilobytes, 8 * kN * kK / 4 / 1024 / 2) << "of memory in pieces the system may give half";
}

TEST(LargeMemory, LargePiecesHavePagesOfTheirOwn) {
  const int64_t before = shared_pages().regions();
  LargeMemory large = large_memory(SharedPages::kMostBytes + 1);
  EXPECT_EQ(shared_pages().regions(), before);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large.get()) % kPage, 0u);
  EXPECT_EQ(advice(large.get()), "hg");
  large.get()[SharedPages::kMostBytes] = 1;
  uint8_t* there = large.get();
  EXPECT_FALSE(shared_pages().give_back(there));
  LargeMemory small = large_memory(SharedPages::kMostBytes);
  EXPECT_EQ(shared_pages().regions(), before + (before == 0 ? 1 : 0));
  small.reset();
  EXPECT_EQ(shared_pages().regions(), before);
}

TEST(LargeMemory, AForkWaitsForOthersSoThatItsChildMayTakeAndGiveBack) {
  const LargeMemory parents = large_memory(1);
  *parents = 7;
  std::atomic<bool> locked{false}, done{false}, over{false};
  std::thread busy([&] {
    shared_pages().lock();
    locked = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    done = true;
    shared_pages().unlock();
    while (!over) std::this_thread::yield();  // a thread that has ended is a leak of the child's to ThreadSanitizer
  });
  while (!locked) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    alarm(5);
    *large_memory(kPage) = 1;
    _exit(*parents == 7 ? 0 : 1);
  }
  EXPECT_TRUE(done);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  over = true;
  busy.join();
}

#ifdef __SANITIZE_ADDRESS__
TEST(LargeMemory, WhatLiesBetweenPiecesAndWhatIsFreeMayNotBeTouched) {
  SharedPages pages;
  const std::vector<uint8_t*> pieces = taken(pages, 3, 1000);
  for (uint8_t* piece : pieces) {
    EXPECT_EQ(__asan_region_is_poisoned(piece, 1024), nullptr);
    EXPECT_EQ(__asan_region_is_poisoned(piece, 1025), piece + 1024);
    EXPECT_TRUE(__asan_address_is_poisoned(piece + 1024 + SharedPages::kRedZone - 1));
  }
  EXPECT_TRUE(pages.give_back(pieces[1]));
  EXPECT_TRUE(__asan_address_is_poisoned(pieces[1]));
  EXPECT_EQ(__asan_region_is_poisoned(pieces[2], 1024), nullptr);
  EXPECT_TRUE(__asan_address_is_poisoned(page_of(pieces[0]) + SharedPages::kRegion - 1));
  give_back(pages, {pieces[0], pieces[2]});
  EXPECT_FALSE(__asan_address_is_poisoned(pieces[0])) << "others may map it now";
}
#elif !defined(__SANITIZE_THREAD__)  // sanitizers need address space
TEST(LargeMemory, NoAddressesIsNoMemoryAndChangesNothing) {
  SharedPages pages;
  uint8_t* piece = pages.take(SharedPages::kMostBytes);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit none = {1 << 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
  ternary_status status = TERNARY_OK;
  while (status == TERNARY_OK) status = guarded([&] { pages.take(SharedPages::kMostBytes); });
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(status, TERNARY_OUT_OF_MEMORY);
  EXPECT_EQ(pages.regions(), 1);
  EXPECT_TRUE(pages.give_back(piece));
  EXPECT_NE(pages.take(SharedPages::kRegion), nullptr);
  EXPECT_EQ(pages.regions(), 2);
}
#endif

}  // namespace
}  // namespace ternary::test
