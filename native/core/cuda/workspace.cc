#include "core/cuda/workspace.h"

#include <algorithm>

namespace ternary {
namespace {

/** Grown to powers of two, so that a prefill of growing length does not allocate at every step. */
int64_t grown(int64_t bytes) {
  int64_t size = 1 << 16;
  while (size < bytes) size *= 2;
  return size;
}

}  // namespace

CudaWorkspaces::~CudaWorkspaces() {
  if (entries_.empty()) return;
  const CudaDeviceScope scope(*device_.cuda, device_.ordinal);
  if (scope.entered()) {
    entries_.clear();
    return;
  }
  for (auto& [id, entry] : entries_) entry->memory.release();  // the device is gone, and its memory with it
}

CudaWorkspaces::Entry& CudaWorkspaces::entry_for(unsigned long long stream_id) {
  const MutexLock lock(mutex_);
  std::unique_ptr<Entry>& entry = entries_[stream_id];
  if (entry == nullptr) entry = std::make_unique<Entry>();
  entry->last_use = ++uses_;
  ++entry->users;
  return *entry;
}

std::vector<std::unique_ptr<CudaWorkspaces::Entry>> CudaWorkspaces::take_surplus() {
  std::vector<std::unique_ptr<Entry>> surplus;
  int64_t bytes = 0;
  for (const auto& [id, entry] : entries_) bytes += entry->bytes;
  while (entries_.size() > kMostStreams || bytes > kMostBytes) {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->second->users == 0 && (oldest == entries_.end() || at->second->last_use < oldest->second->last_use)) {
        oldest = at;
      }
    }
    if (oldest == entries_.end()) break;  // all in use: the bound is for what is kept
    bytes -= oldest->second->bytes;
    surplus.push_back(std::move(oldest->second));
    entries_.erase(oldest);
  }
  return surplus;
}

void CudaWorkspaces::grow(Entry& entry, int64_t bytes) {
  entry.memory = CudaMemory();  // waits for the stream's kernels that use it
  std::vector<std::unique_ptr<Entry>> surplus;
  {
    const MutexLock lock(mutex_);
    entry.bytes = bytes;
    surplus = take_surplus();
  }
  surplus.clear();  // waits for the kernels that use them, and no other call for that
  entry.memory = CudaMemory(device_, bytes);
}

CudaWorkspaces::Lease::Lease(CudaWorkspaces& owner, unsigned long long stream_id, int64_t bytes)
    : owner_(owner), entry_(owner.entry_for(stream_id)) {
  entry_.mutex.lock();
  if (entry_.memory.bytes() >= bytes) return;
  try {
    owner.grow(entry_, grown(bytes));
  } catch (...) {
    give_back();
    throw;
  }
}

CudaWorkspaces::Lease::~Lease() { give_back(); }

void CudaWorkspaces::Lease::give_back() {
  entry_.mutex.unlock();
  const MutexLock lock(owner_.mutex_);
  --entry_.users;
}

}  // namespace ternary
