/**
 * @file scratch.h
 * @brief Memory that a call needs while it runs: a piece of the runtime's, kept between calls.
 */
#ifndef TERNARY_CORE_BASE_SCRATCH_H_
#define TERNARY_CORE_BASE_SCRATCH_H_

#include <atomic>
#include <cstdint>

#include "abi/kernel.h"

namespace ternary {

/**
 * The pieces that calls of one runtime take and give back. They are not thread_local objects: the C library keeps a
 * library mapped while a thread lives that has a destructor of it to run.
 *
 * All pieces together have at most `most_bytes`: TERNARY_MAX_SCRATCH. A call that would need more first takes what no
 * call uses, then waits for calls to end, for kPatience at most. That ends: a call has one piece, and waits before it
 * has it. What is kept between calls is bounded further: pieces of at most kKeptBytes, and those above kSmallBytes only
 * while they sum up to at most kKeptTotal.
 */
class ScratchPool {
 public:
  static constexpr int64_t kSmallBytes = int64_t{1} << 20;
  static constexpr int64_t kKeptBytes = int64_t{64} << 20;  ///< so that one long prefill does not hold memory for ever
  static constexpr int64_t kKeptTotal = int64_t{512} << 20;
  static constexpr int kSlots = 64;
  static constexpr int64_t kPatience = 10000;  ///< milliseconds: large products take seconds

  explicit ScratchPool(int64_t most_bytes, int64_t patience = kPatience)
      : most_bytes_(most_bytes), patience_(patience) {}
  /** Frees the pieces; nobody may be in a call. */
  ~ScratchPool();
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  /** Bytes of the kept pieces that are larger than kSmallBytes. */
  int64_t kept_bytes() const { return kept_.load(std::memory_order_relaxed); }

  /** Bytes of all pieces, of running calls and of none. */
  int64_t held_bytes() const { return held_.load(std::memory_order_relaxed); }

 private:
  friend class Scratch;

  /** The head of a piece; what calls use begins kScratchAlignment bytes behind it. */
  struct Piece {
    int64_t bytes;    ///< without the head
    int64_t counted;  ///< of them in kept_
  };
  static_assert(sizeof(Piece) <= kScratchAlignment);

  /** A piece, null, or busy() while a call has taken the slot and with it the piece. A cache line each. */
  struct alignas(64) Slot {
    std::atomic<Piece*> piece{nullptr};
  };
  static Piece* busy() { return reinterpret_cast<Piece*>(kScratchAlignment); }

  /** A free slot and its piece, both null if every slot is taken. */
  Slot* take_slot(Piece*& piece);
  /** A piece that may be kept if `keep` says so and the bounds allow it; throws if it cannot be had. */
  Piece* allocate(int64_t bytes, bool keep);
  /** Counts bytes of a piece to come in held_; throws if they cannot be had in time. */
  void reserve(int64_t bytes);
  bool try_to_reserve(int64_t bytes);
  bool wait_for(int64_t bytes, bool others_wait);
  /** Frees the pieces that no call uses. */
  void trim();
  /** Frees a piece that nobody uses; may be null. */
  void release(Piece* piece);

  Slot slots_[kSlots];
  const int64_t most_bytes_, patience_;
  std::atomic<int64_t> kept_{0};
  std::atomic<int64_t> held_{0};
  std::atomic<int> waiting_{0};  ///< calls in wait_for(): nothing is kept while there are any
};

/** Bytes for one call, 64-byte aligned, as long as this object lives; throws a Failure with TERNARY_OUT_OF_MEMORY. */
class Scratch {
 public:
  Scratch(ScratchPool& pool, int64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /** The next `count` elements, 64-byte aligned. */
  template <typename T>
  T* take(int64_t count) {
    return static_cast<T*>(take_bytes(count * static_cast<int64_t>(sizeof(T))));
  }

 private:
  void* take_bytes(int64_t bytes) {
    void* taken = next_;
    next_ += round_up(bytes, kScratchAlignment);
    return taken;
  }

  ScratchPool& pool_;
  ScratchPool::Piece* piece_;
  ScratchPool::Slot* slot_;  ///< null: every slot was taken, and the piece lives as long as the call
  char* next_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_SCRATCH_H_
