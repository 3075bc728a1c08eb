#include "core/base/scratch.h"

#include <time.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdlib>

#include "core/base/failure.h"

namespace ternary {
namespace {

std::atomic<unsigned> threads_seen{0};

// Where this thread found a slot last, so that threads keep to their own cache lines. Plain data: see ScratchPool.
thread_local unsigned slot_hint = ~0u;

int64_t milliseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1000} + time.tv_nsec / 1000000;
}

void* allocate_aligned(int64_t bytes) { return std::aligned_alloc(kScratchAlignment, static_cast<size_t>(bytes)); }

}  // namespace

ScratchPool::~ScratchPool() {
  for (Slot& slot : slots_) {
    Piece* piece = slot.piece.load();
    if (piece != busy()) std::free(piece);  // busy: the parent of a fork was in a call
  }
}

ScratchPool::Slot* ScratchPool::take_slot(Piece*& piece) {
  if (slot_hint == ~0u) slot_hint = threads_seen.fetch_add(1, std::memory_order_relaxed) % kSlots;
  for (int tried = 0; tried < kSlots; ++tried) {
    Slot& slot = slots_[slot_hint];
    // The only locked instruction of a call. Giving back is a plain store, for a slot that is taken has one owner.
    piece = slot.piece.exchange(busy(), std::memory_order_acquire);
    if (piece != busy()) return &slot;
    slot_hint = (slot_hint + 1) % kSlots;
  }
  piece = nullptr;
  return nullptr;
}

ScratchPool::Piece* ScratchPool::allocate(int64_t bytes, bool keep) {
  reserve(bytes);
  const int64_t with_head = round_up(bytes, kScratchAlignment) + kScratchAlignment;
  auto* piece = static_cast<Piece*>(allocate_aligned(with_head));
  if (piece == nullptr) {
    trim();
    piece = static_cast<Piece*>(allocate_aligned(with_head));
  }
  if (piece == nullptr) {
    held_.fetch_sub(bytes);
    fail(TERNARY_OUT_OF_MEMORY, "the call needs %" PRId64 " bytes of scratch, which the system does not give", bytes);
  }
  piece->bytes = bytes;
  piece->counted = keep && bytes > kSmallBytes && bytes <= kKeptBytes ? bytes : 0;
  if (piece->counted > 0 && kept_.fetch_add(bytes) + bytes > kKeptTotal) {
    kept_.fetch_sub(bytes);
    piece->counted = 0;
  }
  return piece;
}

void ScratchPool::reserve(int64_t bytes) {
  if (bytes > most_bytes_) {
    fail(TERNARY_OUT_OF_MEMORY, "the call needs %" PRId64 " bytes of scratch; TERNARY_MAX_SCRATCH is %" PRId64, bytes,
         most_bytes_);
  }
  // Calls that wait come first: else a thread that calls all the time would keep another out.
  if (waiting_.load() == 0 && try_to_reserve(bytes)) return;
  const bool others_wait = waiting_.fetch_add(1) > 0;
  const bool reserved = wait_for(bytes, others_wait);
  waiting_.fetch_sub(1);
  if (reserved) return;
  fail(TERNARY_OUT_OF_MEMORY,
       "the call needs %" PRId64 " bytes of scratch; TERNARY_MAX_SCRATCH is %" PRId64 ", other calls use %" PRId64
       " of them, and did not end within %" PRId64 " ms",
       bytes, most_bytes_, held_bytes(), patience_);
}

bool ScratchPool::try_to_reserve(int64_t bytes) {
  int64_t held = held_.load();
  while (held + bytes <= most_bytes_) {
    if (held_.compare_exchange_weak(held, held + bytes)) return true;
  }
  return false;
}

bool ScratchPool::wait_for(int64_t bytes, bool others_wait) {
  const int64_t end = milliseconds() + patience_;
  if (others_wait) usleep(1000);
  for (;;) {
    trim();
    if (try_to_reserve(bytes)) return true;
    if (milliseconds() >= end) return false;
    usleep(1000);
  }
}

void ScratchPool::trim() {
  for (Slot& slot : slots_) {
    Piece* piece = slot.piece.load(std::memory_order_relaxed);
    if (piece == nullptr || piece == busy()) continue;
    piece = slot.piece.exchange(busy(), std::memory_order_acquire);
    if (piece == busy()) continue;
    release(piece);
    slot.piece.store(nullptr, std::memory_order_release);
  }
}

void ScratchPool::release(Piece* piece) {
  if (piece == nullptr) return;
  held_.fetch_sub(piece->bytes);
  if (piece->counted > 0) kept_.fetch_sub(piece->counted);
  std::free(piece);
}

Scratch::Scratch(ScratchPool& pool, int64_t bytes) : pool_(pool), slot_(pool.take_slot(piece_)) {
  if (piece_ == nullptr || bytes > piece_->bytes) {
    pool_.release(piece_);
    piece_ = nullptr;
    try {
      piece_ = pool_.allocate(bytes, slot_ != nullptr);
    } catch (...) {
      if (slot_ != nullptr) slot_->piece.store(nullptr, std::memory_order_release);
      throw;
    }
  }
  next_ = reinterpret_cast<char*>(piece_) + kScratchAlignment;
}

Scratch::~Scratch() {
  const bool small = piece_->bytes <= ScratchPool::kSmallBytes;
  const bool kept = (small || piece_->counted > 0) && pool_.waiting_.load(std::memory_order_relaxed) == 0;
  if (slot_ == nullptr || !kept) {
    pool_.release(piece_);
    piece_ = nullptr;
  }
  if (slot_ != nullptr) slot_->piece.store(piece_, std::memory_order_release);
}

}  // namespace ternary
