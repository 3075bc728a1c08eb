#include "softgpu/memory/access_log.h"

#include <algorithm>
#include <atomic>

namespace ternary::softgpu {
namespace {

// A key packs page (36 bits of a 48-bit address), line and kind; PTX of a million lines would be of another kind.
constexpr int kLineBits = 24;
constexpr int kAccessBits = 2;

std::atomic<uint64_t> next_serial{1};

/** The first bit that both have, or kPageBytes. */
uint64_t first_common(const AccessLog::PageBits& a, const AccessLog::PageBits& b) {
  for (size_t word = 0; word < a.size(); ++word) {
    if (const uint64_t common = a[word] & b[word]) {
      return 64 * word + static_cast<uint64_t>(__builtin_ctzll(common));
    }
  }
  return AccessLog::kPageBytes;
}

}  // namespace

bool AccessLog::exclude_each_other(Access mine, Access its) {
  if (!writes(mine) && !writes(its)) return false;
  return mine != Access::atomic || its != Access::atomic;
}

AccessLog::AccessLog() : serial_(next_serial++) {}

AccessLog::Part& AccessLog::part_of_this_thread() {
  thread_local uint64_t serial = 0;
  thread_local Part* part = nullptr;
  if (serial != serial_) {
    std::lock_guard<std::mutex> lock(mutex_);
    parts_.push_back(std::make_unique<Part>());
    part = parts_.back().get();
    serial = serial_;
  }
  return *part;
}

void AccessLog::mark(Part& part, uint64_t page, uint64_t first, uint64_t count, int line, Access access) {
  const uint64_t key = (page << kLineBits | static_cast<uint64_t>(line)) << kAccessBits | static_cast<uint64_t>(access);
  Part::Cached& cached = part.cache[(key ^ key >> 11 ^ key >> 26) % part.cache.size()];
  if (cached.key != key || cached.bits == nullptr) {
    std::unique_ptr<PageBits>& bits = part.bits[key];
    if (bits == nullptr) bits = std::make_unique<PageBits>(PageBits{});
    cached = {key, bits.get()};
  }
  PageBits& bits = *cached.bits;
  while (count > 0) {
    const uint64_t shift = first % 64, here = std::min(64 - shift, count);
    bits[first / 64] |= (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << shift;
    first += here;
    count -= here;
  }
}

void AccessLog::note(uint64_t address, uint64_t bytes, int line, Access access) {
  Part& part = part_of_this_thread();
  while (bytes > 0) {
    const uint64_t first = address % kPageBytes, here = std::min(kPageBytes - first, bytes);
    mark(part, address / kPageBytes, first, here, line, access);
    address += here;
    bytes -= here;
  }
}

void AccessLog::close() {
  for (const std::unique_ptr<Part>& part : parts_) {
    for (auto& [key, bits] : part->bits) {
      const Access access = static_cast<Access>(key & ((1 << kAccessBits) - 1));
      const int line = static_cast<int>(key >> kAccessBits & ((1 << kLineBits) - 1));
      pages_[key >> (kLineBits + kAccessBits)].push_back({line, access, std::move(bits)});
    }
  }
  parts_.clear();
}

uint64_t AccessLog::bytes_used() const {
  uint64_t count = 0;
  for (const auto& [page, touched] : pages_) count += touched.size();
  return count * (sizeof(PageBits) + sizeof(Touched));
}

bool AccessLog::conflicts_with(const AccessLog& other, Conflict* conflict, Exclude exclude) const {
  const bool swapped = pages_.size() > other.pages_.size();
  const auto& few = swapped ? other.pages_ : pages_;
  const auto& many = swapped ? pages_ : other.pages_;
  uint64_t lowest = ~uint64_t{0};  // so that the sentence is the same in every run
  for (const auto& [page, touched] : few) {
    const auto found = many.find(page);
    if (found == many.end() || page * kPageBytes >= lowest) continue;
    for (const Touched& a : touched) {
      for (const Touched& b : found->second) {
        if (swapped ? !exclude(b.access, a.access) : !exclude(a.access, b.access)) continue;
        const uint64_t first = first_common(*a.bits, *b.bits);
        const uint64_t address = page * kPageBytes + first;
        if (first == kPageBytes || address >= lowest) continue;
        lowest = address;
        const Touched &mine = swapped ? b : a, &its = swapped ? a : b;
        *conflict = {address, mine.line, its.line, mine.access, its.access};
      }
    }
  }
  return lowest != ~uint64_t{0};
}

}  // namespace ternary::softgpu
