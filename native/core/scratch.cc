#include "core/scratch.h"

#include <cstdlib>
#include <new>

namespace ternary {
namespace {

std::atomic<unsigned> threads_seen{0};

// Where this thread found a slot last, so that threads keep to their own cache lines. Plain data: see ScratchPool.
thread_local unsigned slot_hint = ~0u;

}  // namespace

ScratchPool::~ScratchPool() {
  for (Slot& slot : slots_) {
    Block* block = slot.block.load();
    if (block != busy()) std::free(block);  // busy: the parent of a fork was in a call
  }
}

ScratchPool::Slot* ScratchPool::take_slot(Block*& block) {
  if (slot_hint == ~0u) slot_hint = threads_seen.fetch_add(1, std::memory_order_relaxed) % kSlots;
  for (int tried = 0; tried < kSlots; ++tried) {
    Slot& slot = slots_[slot_hint];
    // The only locked instruction of a call. Giving back is a plain store, for a slot that is taken has one owner.
    block = slot.block.exchange(busy(), std::memory_order_acquire);
    if (block != busy()) return &slot;
    slot_hint = (slot_hint + 1) % kSlots;
  }
  block = nullptr;
  return nullptr;
}

ScratchPool::Block* ScratchPool::allocate(int64_t bytes, bool keep) {
  auto* block = static_cast<Block*>(std::aligned_alloc(
      kScratchAlignment, static_cast<size_t>(round_up(bytes, kScratchAlignment) + kScratchAlignment)));
  if (block == nullptr) throw std::bad_alloc();
  block->bytes = bytes;
  block->counted = keep && bytes > kSmallBytes && bytes <= kKeptBytes ? bytes : 0;
  if (block->counted > 0 && kept_.fetch_add(bytes) + bytes > kKeptTotal) {
    kept_.fetch_sub(bytes);
    block->counted = 0;
  }
  return block;
}

void ScratchPool::release(Block* block) {
  if (block == nullptr) return;
  if (block->counted > 0) kept_.fetch_sub(block->counted);
  std::free(block);
}

Scratch::Scratch(ScratchPool& pool, int64_t bytes) : pool_(pool), slot_(pool.take_slot(block_)) {
  if (block_ == nullptr || bytes > block_->bytes) {
    pool_.release(block_);
    block_ = nullptr;
    try {
      block_ = pool_.allocate(bytes, slot_ != nullptr);
    } catch (...) {
      if (slot_ != nullptr) slot_->block.store(nullptr, std::memory_order_release);
      throw;
    }
  }
  next_ = reinterpret_cast<char*>(block_) + kScratchAlignment;
}

Scratch::~Scratch() {
  if (slot_ == nullptr || (block_->bytes > ScratchPool::kSmallBytes && block_->counted == 0)) {
    pool_.release(block_);
    block_ = nullptr;
  }
  if (slot_ != nullptr) slot_->block.store(block_, std::memory_order_release);
}

}  // namespace ternary
