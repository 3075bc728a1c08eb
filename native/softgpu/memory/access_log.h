/**
 * @file access_log.h
 * @brief Which bytes an operation has read and written, and by which line of its PTX.
 *
 * A bit a byte for each page, line and kind of access that occurs. That is an eighth of the memory touched, where a
 * shadow word for the last writer and reader of each byte would be eight times it.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_ACCESS_LOG_H_
#define TERNARY_SOFTGPU_MEMORY_ACCESS_LOG_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

class AccessLog {
 public:
  static constexpr uint64_t kPageBytes = 4096;
  using PageBits = std::array<uint64_t, kPageBytes / 64>;

  AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /** Notes an access by the calling thread; any number of threads may do so at once. `line` is 0 for copies. */
  void note(uint64_t address, uint64_t bytes, int line, Access access);

  /** To be called when no thread notes any more, before the log is compared. */
  void close();
  bool empty() const { return pages_.empty(); }
  uint64_t bytes_used() const;

  struct Conflict {
    uint64_t address;
    int line, other_line;
    Access access, other_access;
  };
  /** Whether an access of this log and one of the other to the same byte are a conflict. */
  using Exclude = bool (*)(Access mine, Access its);
  /** One of them writes; atomics go together. */
  static bool exclude_each_other(Access mine, Access its);
  /** A byte that both touch so that it is a conflict. Both are closed; `other` may be this one. */
  bool conflicts_with(const AccessLog& other, Conflict* conflict, Exclude exclude = exclude_each_other) const;

 private:
  struct Touched {
    int line;
    Access access;
    std::unique_ptr<PageBits> bits;
  };
  /** The notes of one thread. */
  struct Part {
    struct Cached {
      uint64_t key = 0;
      PageBits* bits = nullptr;
    };
    std::unordered_map<uint64_t, std::unique_ptr<PageBits>> bits;
    std::array<Cached, 256> cache;
  };

  Part& part_of_this_thread();
  static void mark(Part& part, uint64_t page, uint64_t first, uint64_t count, int line, Access access);

  const uint64_t serial_;  // of this log among all, so that a thread knows whether the part it holds is of this one
  std::mutex mutex_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::unordered_map<uint64_t, std::vector<Touched>> pages_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_ACCESS_LOG_H_
