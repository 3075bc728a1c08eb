#include "softgpu/memory/device_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kAlignment = 256;                     // what cudaMalloc() promises, and no more
constexpr uint64_t kReserved = uint64_t{1} << 40;        // addresses, not memory
constexpr uint64_t kMostPoisoned = uint64_t{256} << 20;  // beyond it the pattern would cost more than it can show
constexpr uint8_t kPoison = 0xcd;
constexpr uint8_t kWritten = 1;

constexpr uint64_t kWrittenWord = kWritten * 0x0101010101010101u;

// Host threads that run one grid look at the shadow and mark it at once, so both go by atomic bytes and words.
template <class T>
T shadow_value(const uint8_t* at) {
  return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_RELAXED);
}

bool whole_word(const uint8_t* at, const uint8_t* end) {
  return end - at >= 8 && reinterpret_cast<uint64_t>(at) % 8 == 0;
}

/** Of the bytes with this shadow the first that was not written, or `bytes`. */
uint64_t first_unwritten(const uint8_t* shadow, uint64_t bytes) {
  const uint8_t *at = shadow, *end = shadow + bytes;
  while (at < end) {
    if (whole_word(at, end) && shadow_value<uint64_t>(at) == kWrittenWord) {
      at += 8;
    } else if (shadow_value<uint8_t>(at) == kWritten) {
      ++at;
    } else {
      break;
    }
  }
  return static_cast<uint64_t>(at - shadow);
}

void mark_written(uint8_t* shadow, uint64_t bytes) {
  for (uint8_t *at = shadow, *end = shadow + bytes; at < end;) {
    if (whole_word(at, end)) {
      __atomic_store_n(reinterpret_cast<uint64_t*>(at), kWrittenWord, __ATOMIC_RELAXED);
      at += 8;
    } else {
      __atomic_store_n(at++, kWritten, __ATOMIC_RELAXED);
    }
  }
}

uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

/** Whether the process has these pages; what may not be read or written is a fault of the host's own. */
bool is_mapped(uint64_t address, uint64_t bytes) {
  const uint64_t first = address / kPage * kPage;
  return msync(reinterpret_cast<void*>(first), address + bytes - first, MS_ASYNC) == 0;
}

bool make_usable(uint64_t address, uint64_t bytes) {
  return mprotect(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE) == 0;
}

/** Gives the memory back and leaves the addresses reserved. Memory that stayed would hide what is used after free. */
void unmap(uint64_t address, uint64_t bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(reinterpret_cast<void*>(address), bytes, PROT_NONE, kFlags, -1, 0) == MAP_FAILED) std::abort();
}

}  // namespace

DeviceMemory::DeviceMemory(bool check_uninitialised, bool host_memory)
    : check_uninitialised_(check_uninitialised), host_memory_(host_memory) {
  void* reserved = MAP_FAILED;
  uint64_t bytes = kReserved;
  for (; reserved == MAP_FAILED && bytes >= uint64_t{1} << 32; bytes /= 2) {  // a limit on addresses may be set
    reserved = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved != MAP_FAILED) break;
  }
  if (reserved == MAP_FAILED) throw std::runtime_error("the software GPU cannot reserve addresses for device memory");
  base_ = reinterpret_cast<uint64_t>(reserved);
  next_ = base_ + kPage;
  end_ = base_ + bytes;
  shadow_offset_ = bytes;
}

DeviceMemory::~DeviceMemory() { munmap(reinterpret_cast<void*>(base_), 2 * shadow_offset_); }

bool DeviceMemory::map(Allocation* allocation) {
  const uint64_t data = round_up(std::max<uint64_t>(allocation->bytes, 1), kAlignment);
  allocation->mapped_bytes = round_up(data, kPage);
  if (allocation->mapped_bytes + kPage > end_ - next_) return false;
  allocation->mapped = next_;
  if (!make_usable(next_, allocation->mapped_bytes) || !make_usable(next_ + shadow_offset_, allocation->mapped_bytes)) {
    return false;
  }
  allocation->address = next_ + allocation->mapped_bytes - data;
  next_ += allocation->mapped_bytes + kPage;
  return true;
}

Allocation* DeviceMemory::allocate(uint64_t bytes, MemoryKind kind, int device, const char* what) {
  std::lock_guard<std::mutex> lock(mutex_);
  Allocation allocation;
  allocation.bytes = bytes;
  allocation.kind = kind;
  allocation.device = device;
  allocation.what = std::string(what) + " number " + std::to_string(++count_);
  allocation.memory = this;
  if (bytes > kReserved || !map(&allocation)) return nullptr;
  if (kind == MemoryKind::variables) {
    std::memset(shadow_of(allocation.address), kWritten, bytes);  // zero is what they start as
  } else if (bytes <= kMostPoisoned) {
    std::memset(reinterpret_cast<void*>(allocation.address), kPoison, bytes);
  }
  if (kind == MemoryKind::device) bytes_in_use_[device] += static_cast<int64_t>(bytes);
  allocations_.push_back(allocation);
  by_address_[allocation.address] = &allocations_.back();
  return &allocations_.back();
}

Allocation* DeviceMemory::add_registered(uint64_t address, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto after = by_address_.lower_bound(address);
  if (after != by_address_.end() && !after->second->freed && after->first < address + bytes) return nullptr;
  if (Allocation* before = at(address); before != nullptr && !before->freed) return nullptr;
  Allocation allocation;
  allocation.address = address;
  allocation.bytes = bytes;
  allocation.kind = MemoryKind::registered;
  allocation.what = "cudaHostRegister number " + std::to_string(++count_);
  allocation.memory = this;
  allocations_.push_back(allocation);
  by_address_[address] = &allocations_.back();
  return &allocations_.back();
}

void DeviceMemory::free(Allocation* allocation) {
  std::lock_guard<std::mutex> lock(mutex_);
  allocation->freed = true;
  if (allocation->kind == MemoryKind::registered) {
    by_address_.erase(allocation->address);  // the addresses are not ours and may be registered again
    return;
  }
  if (allocation->kind == MemoryKind::device) {
    bytes_in_use_[allocation->device] -= static_cast<int64_t>(allocation->bytes);
  }
  unmap(allocation->mapped, allocation->mapped_bytes);
  unmap(allocation->mapped + shadow_offset_, allocation->mapped_bytes);
}

uint64_t DeviceMemory::allocate_variables(uint64_t bytes, const std::string& what) {
  Allocation* allocation = allocate(bytes, MemoryKind::variables, device_, what.c_str());
  if (allocation == nullptr) throw std::bad_alloc();
  return allocation->address;
}

void DeviceMemory::free_variables(uint64_t address) {
  if (Allocation* allocation = find(address)) free(allocation);
}

/** The allocation, freed or not, that begins last at or before the address, if it reaches so far; mutex_ is held. */
Allocation* DeviceMemory::at(uint64_t address) {
  auto after = by_address_.upper_bound(address);
  if (after == by_address_.begin()) return nullptr;
  Allocation* allocation = (--after)->second;
  return address - allocation->address < std::max<uint64_t>(allocation->bytes, 1) ? allocation : nullptr;
}

Allocation* DeviceMemory::find(uint64_t address) {
  std::lock_guard<std::mutex> lock(mutex_);
  Allocation* allocation = at(address);
  return allocation != nullptr && !allocation->freed ? allocation : nullptr;
}

bool DeviceMemory::resolve(uint64_t address, uint64_t bytes, Access access, const Accessor&, Range* range,
                           std::string* problem) {
  (void)access;  // everything is writable; constant variables are written by nobody who names them
  const Allocation* allocation = find(address);
  if (allocation == nullptr && host_memory_ && !reserved(address) && is_mapped(address, bytes)) {
    range->begin = address;
    range->end = address + bytes;
    range->writable = true;
    return true;
  }
  if (allocation == nullptr || bytes > allocation->bytes - (address - allocation->address)) {
    *problem = explain(address, bytes);
    return false;
  }
  const bool on_device = allocation->kind == MemoryKind::device || allocation->kind == MemoryKind::variables;
  if (on_device && allocation->device != device_) {
    *problem = "address " + hex(address) + " is memory of device " + std::to_string(allocation->device) +
               ", the kernel runs on device " + std::to_string(device_);
    return false;
  }
  range->begin = allocation->address;
  range->end = allocation->address + allocation->bytes;
  range->writable = true;
  range->note = &DeviceMemory::note;
  range->context = const_cast<Allocation*>(allocation);
  return true;
}

void DeviceMemory::note(void* context, const Accessor& who, uint64_t address, uint64_t bytes, Access access) {
  Allocation& allocation = *static_cast<Allocation*>(context);
  DeviceMemory& memory = *allocation.memory;
  if (memory.log_ != nullptr) memory.log_->note(address, bytes, who.line, access);
  if (allocation.kind != MemoryKind::device) return;  // host memory is written where nobody sees it
  uint8_t* shadow = memory.shadow_of(address);
  if (memory.check_uninitialised_ && access != Access::write) {
    const uint64_t first = first_unwritten(shadow, bytes);
    if (first < bytes) {
      throw Fault(FaultKind::uninitialised, "reads the byte at " + hex(address + first) +
                                                ", which nothing has written, " + memory.describe(allocation));
    }
  }
  if (writes(access)) mark_written(shadow, bytes);
}

void DeviceMemory::initialise(uint64_t address, uint64_t bytes) {
  const Allocation* allocation = find(address);
  if (allocation == nullptr || allocation->kind != MemoryKind::device) return;
  std::memset(shadow_of(address), kWritten, bytes);
}

void DeviceMemory::copy_initialised(uint64_t to, uint64_t from, uint64_t bytes) {
  const Allocation *target = find(to), *source = find(from);
  if (target == nullptr || target->kind != MemoryKind::device) return;
  if (source == nullptr || source->kind != MemoryKind::device) return initialise(to, bytes);
  std::memmove(shadow_of(to), shadow_of(from), bytes);
}

std::string DeviceMemory::describe(const Allocation& allocation) const {
  return "in the " + std::to_string(allocation.bytes) + " bytes at " + hex(allocation.address) + " (" +
         allocation.what + ")";
}

std::string DeviceMemory::explain(uint64_t address, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string start = "address " + hex(address) + " (" + std::to_string(bytes) + " bytes) ";
  if (Allocation* allocation = at(address)) {
    if (allocation->freed) return start + "is freed memory, " + describe(*allocation);
    return start + "reaches beyond the end, " + describe(*allocation);
  }
  const auto after = by_address_.upper_bound(address);
  const Allocation* before = after == by_address_.begin() ? nullptr : std::prev(after)->second;
  constexpr uint64_t kNear = 1 << 20;
  if (before != nullptr && address - (before->address + before->bytes) < kNear) {
    return start + "is " + std::to_string(address - (before->address + before->bytes)) + " bytes past the end, " +
           describe(*before) + (before->freed ? ", which is freed" : "");
  }
  if (after != by_address_.end() && after->first - address < kNear) {
    return start + "is " + std::to_string(after->first - address) + " bytes before the start, " +
           describe(*after->second);
  }
  return start + "is in no allocation";
}

std::string DeviceMemory::leaks() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string text;
  for (const Allocation& allocation : allocations_) {
    if (allocation.freed || allocation.kind == MemoryKind::variables) continue;
    text += "not freed: " + std::to_string(allocation.bytes) + " bytes at " + hex(allocation.address) + " (" +
            allocation.what + ")\n";
  }
  return text;
}

void DeviceMemory::free_all() {
  for (Allocation& allocation : allocations_) {
    if (!allocation.freed && allocation.kind != MemoryKind::variables) free(&allocation);
  }
}

}  // namespace ternary::softgpu
