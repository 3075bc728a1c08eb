#include "core/base/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>

#include "abi/kernel.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace ternary {
namespace {

constexpr int64_t kPage = SharedPages::kPage, kRegion = SharedPages::kRegion;

/** Whether the program may touch it: only AddressSanitizer wants to know. */
void forbid([[maybe_unused]] uint8_t* memory, [[maybe_unused]] int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(memory, static_cast<size_t>(bytes));
#endif
}
void allow([[maybe_unused]] uint8_t* memory, [[maybe_unused]] int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(memory, static_cast<size_t>(bytes));
#endif
}

/** kRegion addresses at a multiple of kPage. */
uint8_t* map_region() {
  // Only what is touched shall count, so nothing is reserved.
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* mapped = mmap(nullptr, kRegion + kPage, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<uint8_t*>(mapped);
  const int64_t before = -reinterpret_cast<intptr_t>(begin) & (kPage - 1);
  if (before > 0) munmap(begin, static_cast<size_t>(before));
  munmap(begin + before + kRegion, static_cast<size_t>(kPage - before));
  return begin + before;
}

}  // namespace

/** What is taken and what is free of a region: no two free runs touch each other. */
class SharedPages::Region {
 public:
  Region() : memory_(map_region()) {
    forbid(memory_, kRegion);
    madvise(memory_, kRegion, MADV_NOHUGEPAGE);  // as systems may have them without being asked
    free_.emplace(memory_, kRegion);
  }
  ~Region() {
    allow(memory_, kRegion);
    munmap(memory_, kRegion);
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  uint8_t* memory() const { return memory_; }
  bool wholly_free() const { return taken_.empty(); }

  /** Null if no free run is so long. */
  uint8_t* take(int64_t bytes) {
    if (bytes > longest_) return nullptr;
    const auto run = std::find_if(free_.begin(), free_.end(), [&](const auto& it) { return it.second >= bytes; });
    if (run == free_.end()) {
      longest_ = bytes - 1;
      return nullptr;
    }
    uint8_t* piece = run->first;
    taken_.emplace(piece, bytes);  // may throw: nothing has changed yet
    auto rest = free_.extract(run);
    rest.key() += bytes;
    rest.mapped() -= bytes;
    if (rest.mapped() > 0) free_.insert(std::move(rest));
    return piece;
  }

  /** Returns the bytes of the piece. Allocates nothing: what described the piece describes the free run. */
  int64_t give_back(uint8_t* piece) noexcept {
    auto run = taken_.extract(piece);
    if (run.empty()) std::abort();  // freed twice: std::free() does the same
    const int64_t bytes = run.mapped();
    forbid(piece, bytes);
    const auto after = free_.lower_bound(piece);
    if (after != free_.end() && after->first == piece + bytes) {
      run.mapped() += after->second;
      free_.erase(after);
    }
    const auto beyond = free_.upper_bound(piece);
    if (beyond != free_.begin() && end_of(*std::prev(beyond)) == piece) {
      const auto before = std::prev(beyond);
      run.key() = before->first;
      run.mapped() += before->second;
      free_.erase(before);
    }
    return_pages(run.key(), run.key() + run.mapped(), piece, piece + bytes);
    longest_ = std::max(longest_, run.mapped());
    free_.insert(std::move(run));
    return bytes;
  }

  void want_huge_pages() {
    if (huge_) return;
    madvise(memory_, kRegion, MADV_HUGEPAGE);  // a wish, not a need
    huge_ = true;
  }

 private:
  static uint8_t* end_of(const std::pair<uint8_t* const, int64_t>& run) { return run.first + run.second; }
  uint8_t* page_up(uint8_t* at) const { return memory_ + round_up(at - memory_, kPage); }
  uint8_t* page_down(uint8_t* at) const { return memory_ + (at - memory_) / kPage * kPage; }

  /** Of a free run, those pages that the piece was the last to be in. */
  void return_pages(uint8_t* begin, uint8_t* end, uint8_t* piece, uint8_t* piece_end) const {
    uint8_t* first = std::max(page_up(begin), page_down(piece));
    uint8_t* last = std::min(page_down(end), page_up(piece_end));
    if (first < last && !wholly_free()) madvise(first, static_cast<size_t>(last - first), MADV_DONTNEED);
  }

  uint8_t* const memory_;
  std::map<uint8_t*, int64_t> taken_, free_;  ///< bytes by address
  int64_t longest_ = kRegion;                 ///< no free run is longer
  bool huge_ = false;
};

SharedPages::SharedPages() = default;
SharedPages::~SharedPages() = default;

uint8_t* SharedPages::take(int64_t bytes) {
  // Kernels may read whole cache lines.
  const int64_t with_zone = round_up(std::max<int64_t>(bytes, 1), kScratchAlignment) + kRedZone;
  const MutexLock lock(mutex_);
  uint8_t* piece = nullptr;
  auto place = regions_.begin();
  while (place != regions_.end() && (piece = place->second->take(with_zone)) == nullptr) ++place;
  if (piece == nullptr) {
    auto region = std::make_unique<Region>();
    piece = region->take(with_zone);
    uint8_t* memory = region->memory();
    place = regions_.emplace(memory, std::move(region)).first;
  }
  taken_ += with_zone;
  if (taken_ >= kFewBytes) place->second->want_huge_pages();
  allow(piece, with_zone - kRedZone);
  return piece;
}

bool SharedPages::give_back(uint8_t* piece) noexcept {
  const MutexLock lock(mutex_);
  const auto beyond = regions_.upper_bound(piece);
  if (beyond == regions_.begin()) return false;
  const auto place = std::prev(beyond);
  Region& region = *place->second;
  if (piece >= region.memory() + kRegion) return false;
  taken_ -= region.give_back(piece);
  if (region.wholly_free()) regions_.erase(place);
  return true;
}

int64_t SharedPages::regions() {
  const MutexLock lock(mutex_);
  return static_cast<int64_t>(regions_.size());
}

SharedPages& shared_pages() {
  static SharedPages& pages = *new SharedPages;
  return pages;
}

void FreeMemory::operator()(uint8_t* memory) const noexcept {
  if (!shared_pages().give_back(memory)) std::free(memory);
}

LargeMemory large_memory(int64_t bytes) {
  if (bytes <= SharedPages::kMostBytes) return LargeMemory(shared_pages().take(bytes));
  void* memory = nullptr;
  // The rest of the last page stays in small ones.
  const auto huge_bytes = static_cast<size_t>(bytes / kPage * kPage);
  const auto size = static_cast<size_t>(round_up(bytes, kScratchAlignment));  // kernels may read whole cache lines
  if (posix_memalign(&memory, kPage, size) != 0) throw std::bad_alloc();
  madvise(memory, huge_bytes, MADV_HUGEPAGE);  // a wish, not a need
  return LargeMemory(static_cast<uint8_t*>(memory));
}

}  // namespace ternary
