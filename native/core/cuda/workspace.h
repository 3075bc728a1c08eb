/**
 * @file workspace.h
 * @brief Workspaces of a GPU runtime for calls that bring none: one a stream, a bounded number of them.
 *
 * The kernels of a stream run one after the other, so its calls may share memory, if no other call's kernels come
 * between those of one call: a lease keeps other threads off the stream's workspace until its kernels have been
 * started.
 */
#ifndef TERNARY_CORE_CUDA_WORKSPACE_H_
#define TERNARY_CORE_CUDA_WORKSPACE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/cuda/device/memory.h"

namespace ternary {

class CudaWorkspaces {
 public:
  /** Streams whose workspace is kept, and bytes of all together: beyond, those of streams not in use are freed. */
  static constexpr size_t kMostStreams = 32;
  static constexpr int64_t kMostBytes = int64_t{1} << 30;

  explicit CudaWorkspaces(const CudaDevice& device) : device_(device) {}
  ~CudaWorkspaces();

 private:
  struct Entry {
    Mutex mutex;        ///< a lease holds it
    CudaMemory memory;  ///< whoever has the lease's
    // The owner's mutex guards these.
    int64_t bytes = 0;  ///< of `memory`, or what it is about to be
    int users = 0;      ///< leases held or waited for
    uint64_t last_use = 0;
  };

 public:
  class Lease {
   public:
    /** Waits for the stream's other leases, and for the device if the workspace has to grow. */
    Lease(CudaWorkspaces& owner, unsigned long long stream_id, int64_t bytes);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    uint8_t* get() const { return entry_.memory.get(); }

   private:
    void give_back();

    CudaWorkspaces& owner_;
    Entry& entry_;
  };

  /** At least `bytes` for a stream; waits for the device if it has to grow or to free another's.
   *  The device is current. */
  Lease take(unsigned long long stream_id, int64_t bytes) { return Lease(*this, stream_id, bytes); }

 private:
  Entry& entry_for(unsigned long long stream_id);
  void grow(Entry& entry, int64_t bytes);
  /** Entries that are to be freed so that the others keep the bounds. */
  std::vector<std::unique_ptr<Entry>> take_surplus();

  const CudaDevice& device_;
  Mutex mutex_;
  std::map<unsigned long long, std::unique_ptr<Entry>> entries_;
  uint64_t uses_ = 0;
};

/** Calls `launch(workspace)` with what the call brought, or with the stream's own of the runtime; null for no bytes. */
template <typename Launch>
void in_workspace(CudaWorkspaces& own, const Cudart& cuda, const ternary_cuda_call& call, int64_t bytes,
                  Launch launch) {
  if (call.workspace != nullptr || bytes == 0) return launch(static_cast<uint8_t*>(call.workspace));
  unsigned long long id = 0;
  check_cuda(cuda, cuda.StreamGetId(call.stream, &id), "cudaStreamGetId");
  const auto lease = own.take(id, bytes);
  launch(lease.get());
}

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_WORKSPACE_H_
