#include "core/cuda_workspace.h"

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
  int before = 0;
  const Cudart& cuda = *device_.cuda;
  if (cuda.GetDevice(&before) != kCudaSuccess || cuda.SetDevice(device_.ordinal) != kCudaSuccess) {
    for (auto& [id, entry] : entries_) entry->memory.release();  // the device is gone, and its memory with it
    return;
  }
  entries_.clear();
  cuda.SetDevice(before);
}

CudaWorkspaces::Entry& CudaWorkspaces::entry_for(unsigned long long stream_id) {
  const MutexLock lock(mutex_);
  std::unique_ptr<Entry>& entry = entries_[stream_id];
  if (entry == nullptr) entry = std::make_unique<Entry>();
  entry->last_use = ++uses_;
  ++entry->users;
  return *entry;
}

void CudaWorkspaces::drop_idle(int64_t wanted) {
  const MutexLock lock(mutex_);
  int64_t bytes = wanted;
  for (const auto& [id, entry] : entries_) bytes += entry->memory.bytes();
  while (entries_.size() > kMostStreams || bytes > kMostBytes) {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->second->users == 0 && (oldest == entries_.end() || at->second->last_use < oldest->second->last_use)) {
        oldest = at;
      }
    }
    if (oldest == entries_.end()) return;  // all in use: the bound is for what is kept
    bytes -= oldest->second->memory.bytes();
    entries_.erase(oldest);  // cudaFree waits for the kernels that use it
  }
}

std::unique_ptr<CudaWorkspaces::Lease> CudaWorkspaces::take(unsigned long long stream_id, int64_t bytes) {
  Entry& entry = entry_for(stream_id);
  entry.mutex.lock();
  auto lease = std::make_unique<Lease>(*this, entry);
  if (entry.memory.bytes() < bytes) {
    entry.memory = CudaMemory();  // waits for the stream's kernels that use it
    drop_idle(grown(bytes));
    entry.memory = CudaMemory(device_, grown(bytes));
  }
  return lease;
}

CudaWorkspaces::Lease::~Lease() {
  entry_.mutex.unlock();
  const MutexLock lock(owner_.mutex_);
  --entry_.users;
}

}  // namespace ternary
