/**
 * @file scratch.h
 * @brief Memory that a call needs while it runs: the calling thread's own, kept between calls.
 */
#ifndef TERNARY_CORE_SCRATCH_H_
#define TERNARY_CORE_SCRATCH_H_

#include <cstdint>

namespace ternary {

/**
 * Bytes of this thread, 64-byte aligned, valid until its next scratch() call or its end; throws std::bad_alloc. Kept
 * for the next call unless it was larger than 64 MiB, so that one long prefill does not hold memory in every thread.
 */
class Scratch {
 public:
  explicit Scratch(int64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /** The next `count` elements, 64-byte aligned. */
  template <typename T>
  T* take(int64_t count) {
    return static_cast<T*>(take_bytes(count * static_cast<int64_t>(sizeof(T))));
  }

 private:
  void* take_bytes(int64_t bytes);
  char* next_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_SCRATCH_H_
