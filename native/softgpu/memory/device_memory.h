/**
 * @file device_memory.h
 * @brief Device memory and pinned host memory: where it is, what of it was written, who touched it.
 *
 * All of it lies in one reserved stretch of addresses, behind it a shadow with a byte a byte that says whether it was
 * written. Addresses are never used twice, so a stale pointer stays one: what is freed is unmapped for good. An
 * allocation ends at a page nobody may touch (less what rounds it to 256 bytes), so the host cannot overrun it either.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_DEVICE_MEMORY_H_
#define TERNARY_SOFTGPU_MEMORY_DEVICE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "softgpu/memory/access_log.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

enum class MemoryKind : uint8_t {
  device,
  pinned,      ///< host memory of cudaMallocHost()
  registered,  ///< host memory that is somebody else's, cudaHostRegister()
  variables    ///< of a module
};

struct Allocation {
  uint64_t address = 0;
  uint64_t bytes = 0;
  MemoryKind kind = MemoryKind::device;
  int device = 0;
  bool freed = false;
  std::string what;  ///< "cudaMalloc number 3"
  uint64_t mapped = 0, mapped_bytes = 0;
  class DeviceMemory* memory = nullptr;
};

class DeviceMemory : public Memory {
 public:
  /**
   * `check_uninitialised`: reads of global memory that nothing has written are faults. `host_memory`: kernels may use
   * what the process has mapped besides, page by page; nothing is known of its races and of what was written there.
   */
  explicit DeviceMemory(bool check_uninitialised, bool host_memory = false);
  ~DeviceMemory() override;
  DeviceMemory(const DeviceMemory&) = delete;

  bool resolve(uint64_t address, uint64_t bytes, Access access, const Accessor& who, Range* range,
               std::string* problem) override;
  uint64_t allocate_variables(uint64_t bytes, const std::string& what) override;
  void free_variables(uint64_t address) override;

  /** Null if there is no room. Contents are a pattern that is no zero and no number (see poison()). */
  Allocation* allocate(uint64_t bytes, MemoryKind kind, int device, const char* what);
  /** Null if the bytes overlap others that are known. */
  Allocation* add_registered(uint64_t address, uint64_t bytes);
  void free(Allocation* allocation);

  /** True for addresses that are this memory's, allocated or not. */
  bool reserved(uint64_t address) const { return address >= base_ && address < base_ + 2 * shadow_offset_; }
  /** The living allocation that holds the address, null if there is none. */
  Allocation* find(uint64_t address);
  /** Why find() found nothing, or `bytes` from there are too many: "3 bytes past the end of ...". */
  std::string explain(uint64_t address, uint64_t bytes);

  /** Marks bytes as written, or copies what is known of others; for copies by the host and between allocations. */
  void initialise(uint64_t address, uint64_t bytes);
  void copy_initialised(uint64_t to, uint64_t from, uint64_t bytes);

  /** Where kernels' accesses are noted from now on, and the device on which they run. Null: nowhere. */
  void note_in(AccessLog* log, int device) {
    log_ = log;
    device_ = device;
  }

  /** Of a device, without what modules and pinned memory take. */
  int64_t bytes_in_use(int device) const { return device < 16 ? bytes_in_use_[device] : 0; }
  /** A line an allocation that is not freed, modules' variables apart; empty if there is none. */
  std::string leaks();
  /** Frees everything of the devices; cudaDeviceReset(). */
  void free_all();

 private:
  static void note(void* allocation, const Accessor& who, uint64_t address, uint64_t bytes, Access access);
  Allocation* at(uint64_t address);
  uint8_t* shadow_of(uint64_t address) const { return reinterpret_cast<uint8_t*>(address + shadow_offset_); }
  bool map(Allocation* allocation);
  std::string describe(const Allocation& allocation) const;

  const bool check_uninitialised_, host_memory_;
  uint64_t base_ = 0, next_ = 0, end_ = 0;
  uint64_t shadow_offset_ = 0;
  AccessLog* log_ = nullptr;
  int device_ = 0;
  std::mutex mutex_;
  std::deque<Allocation> allocations_;
  std::map<uint64_t, Allocation*> by_address_;  ///< freed ones too, to name them
  uint64_t count_ = 0;
  int64_t bytes_in_use_[16] = {};
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_DEVICE_MEMORY_H_
