/**
 * @file notices.h
 * @brief What a runtime has to say once. Nothing here fails, allocates or waits: it runs after a product has been made.
 */
#ifndef TERNARY_CORE_BASE_NOTICES_H_
#define TERNARY_CORE_BASE_NOTICES_H_

#include <atomic>
#include <cstdint>

namespace ternary {

class Notices {
 public:
  /** There is something new to say. */
  void add() noexcept { count_.fetch_add(1, std::memory_order_release); }

  /** A report could not be written: of the first one the sentence is kept. */
  void report_failed(const char* sentence) noexcept;

  /** That sentence; empty if every report was written. */
  const char* report_error() const noexcept;

  /** What ternary_runtime_notices() returns. */
  const uint64_t* count() const noexcept { return reinterpret_cast<const uint64_t*>(&count_); }

 private:
  std::atomic<uint64_t> count_{0};
  std::atomic<bool> failed_{false};  // one caller writes the sentence
  std::atomic<bool> told_{false};    // it is whole
  char report_error_[1024] = {};
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_NOTICES_H_
