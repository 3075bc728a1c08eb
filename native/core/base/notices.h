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
  void report_failed(const char* sentence) noexcept { say(report_, sentence); }
  /** That sentence; empty if every report was written. */
  const char* report_error() const noexcept { return text(report_); }

  /** The same of a call that could not be computed again, or whose line could not be written. */
  void shadow_failed(const char* sentence) noexcept { say(shadow_, sentence); }
  const char* shadow_error() const noexcept { return text(shadow_); }

  /** What ternary_runtime_notices() returns. */
  const uint64_t* count() const noexcept { return reinterpret_cast<const uint64_t*>(&count_); }

 private:
  /** What is said of the first failure of a kind. */
  struct Sentence {
    std::atomic<bool> failed{false};  // one caller writes it
    std::atomic<bool> told{false};    // it is whole
    char text[1024] = {};
  };
  void say(Sentence& sentence, const char* text) noexcept;
  static const char* text(const Sentence& sentence) noexcept;

  std::atomic<uint64_t> count_{0};
  Sentence report_, shadow_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_NOTICES_H_
