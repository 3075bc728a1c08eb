/**
 * @file large_memory.h
 * @brief Memory that is read in long runs: in huge pages of 2 MiB, or a streamed matrix misses the TLB.
 */
#ifndef TERNARY_CORE_BASE_LARGE_MEMORY_H_
#define TERNARY_CORE_BASE_LARGE_MEMORY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/base/mutex.h"

namespace ternary {

/**
 * Huge pages that pieces share, for pieces that would fill none or leave the last one half empty. Any number of threads
 * may take and give back; a piece may be given back by another thread than its own.
 *
 * Pieces lie in regions of kRegion addresses, the first that has room, one behind the other across pages. So matrices
 * of 1.5 MiB waste no half pages between them. A free piece is merged with its free neighbours. A page that is wholly
 * free goes back to the system, a region with its last piece. None is kept as a spare: that would be left behind by a
 * library that is unloaded, and a new page costs less than packing what is put into it.
 *
 * A huge page is resident as a whole. So regions have small pages until kFewBytes are taken of all together: a
 * program with one tiny matrix pays 4 KiB. From then on what is resident and not taken is at most a page a region,
 * besides holes. The whole region is advised, because pages take memory only when they are touched. Waiting until a page
 * is half taken would be too late for it: what was touched in small pages stays there until the system finds time.
 */
class SharedPages {
 public:
  static constexpr int64_t kPage = int64_t{2} << 20;
  static constexpr int64_t kRegion = int64_t{32} << 20;
  static constexpr int64_t kFewBytes = kPage / 2;
  static constexpr int64_t kMostBytes = kRegion / 4;  ///< of a piece; the pages of larger ones are nearly all whole
#ifdef __SANITIZE_ADDRESS__
  static constexpr int64_t kRedZone = 64;  ///< behind each piece, and like free memory it may not be touched
#else
  static constexpr int64_t kRedZone = 0;
#endif

  SharedPages();
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  /** At most kMostBytes, uninitialised and 64-byte aligned, up to a whole number of 64. Throws std::bad_alloc. */
  uint8_t* take(int64_t bytes);

  /** Takes a piece back; false if it is none of these. */
  bool give_back(uint8_t* piece) noexcept;

  int64_t regions();

  /** For fork(), so that a child finds it unlocked. */
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  class Region;
  Mutex mutex_;
  std::map<uint8_t*, std::unique_ptr<Region>> regions_;  ///< by address
  int64_t taken_ = 0;
};

/** Those of large_memory(). Never destroyed, as threads may free while the process ends. */
SharedPages& shared_pages();

struct FreeMemory {
  void operator()(uint8_t* memory) const noexcept;
};
using LargeMemory = std::unique_ptr<uint8_t, FreeMemory>;

/** Uninitialised, 64-byte aligned, up to a whole number of 64 bytes, in huge pages where the system has some.
 *  Throws std::bad_alloc. */
LargeMemory large_memory(int64_t bytes);

/** For vectors whose elements are large_memory(). */
template <typename T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <typename U>
  explicit LargeAllocator(const LargeAllocator<U>&) {}
  T* allocate(size_t count) {
    return reinterpret_cast<T*>(large_memory(static_cast<int64_t>(count * sizeof(T))).release());
  }
  void deallocate(T* memory, size_t) noexcept { FreeMemory()(reinterpret_cast<uint8_t*>(memory)); }
  bool operator==(const LargeAllocator&) const { return true; }
  bool operator!=(const LargeAllocator&) const { return false; }
};
template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_LARGE_MEMORY_H_
